"""The audit log over the API: read and export, nothing else."""

from datetime import datetime
from typing import Any, Literal

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from agora.base.access import only_reads, requires
from agora.base.http import Request, stream
from audit import exports
from audit.filters import AuditFilter
from audit.models import Entry
from rest.answers import Listed, checked, listed, one
from rest.routes import tagged

router = Router(tags=["Audit log"])
JSON_LINES = "application/x-ndjson"


class EntryOut(Schema):
    """One thing that happened."""

    id: int
    at: datetime
    event: str
    outcome: Literal["success", "failed", "denied"]
    actor_id: int | None
    actor_name: str
    behalf_id: int | None
    behalf_name: str
    session_id: int | None
    key_id: int | None
    key_name: str
    target_type: str
    target_id: str
    target_name: str
    channel: str
    address: str | None
    user_agent: str
    method: str
    path: str
    request_id: str
    details: dict[str, Any]

    @classmethod
    def of(cls, entry: Entry) -> "EntryOut":
        return cls.model_construct(**{name: getattr(entry, name) for name in cls.model_fields})


class EntryPage(Schema):
    items: list[EntryOut]
    next: str | None
    previous: str | None


class EntryFilter(Schema):
    """The filters of the page Audit log."""

    q: str = Field("", max_length=200, description="Text, id, address or name.")
    period: Literal["", "1h", "24h", "7d", "30d"] = ""
    start: str = Field("", max_length=40, description="ISO 8601; this moment and later.")
    end: str = Field("", max_length=40, description="ISO 8601; before this moment.")
    event: list[str] = Field([], max_length=100)
    outcome: Literal["", "success", "failed", "denied"] = ""
    actor: str = Field("", max_length=150)
    session: str = Field("", max_length=20)
    address: str = Field("", max_length=45)


class EntryQuery(EntryFilter, Listed):
    order: Literal["at", "-at"] = "-at"


@router.get("", response=EntryPage, operation_id="list_audit", summary="List audit entries")
@requires("audit.view")
def list_entries(request: Request, query: Query[EntryQuery]) -> HttpResponse:
    """Newest first."""
    filters = checked(AuditFilter(request.GET, queryset=Entry.objects.all()))
    return listed(request, EntryPage, filters.page(query.limit), EntryOut.of)


@router.get("/{int:pk}", response=EntryOut, operation_id="read_audit", summary="Read an audit entry")
@requires("audit.view")
@tagged
def read_entry(request: Request, pk: int) -> HttpResponse:
    return one(request, EntryOut.of(get_object_or_404(Entry.objects.all(), pk=pk)))


EXPORTED = {200: {"description": "One JSON object a line, oldest first.", "content": {JSON_LINES: {"schema": {}}}}}


@router.post(
    "/export", operation_id="export_audit", summary="Export audit entries", openapi_extra={"responses": EXPORTED}
)
@only_reads
@requires("audit.export")
def export(request: Request, query: Query[EntryFilter]) -> HttpResponseBase:
    """All that the filter finds, as JSON Lines in a stream. The export itself is recorded, hence POST; a key that
    may only read may export as well."""
    filters = checked(AuditFilter(request.GET, queryset=Entry.objects.all()))
    assert isinstance(filters, AuditFilter)
    exports.record_export(filters.params, "jsonl", actor=request.actor)
    return stream(exports.export(filters.found, "jsonl"), filename="audit.jsonl", content_type=JSON_LINES)
