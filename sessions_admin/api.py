"""Sign-in sessions over the API."""

from datetime import datetime
from functools import partial
from typing import ClassVar, Literal

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Schema
from pydantic import Field

from agora.base.access import requires
from agora.base.http import Request
from rest.answers import IfMatch, Listed, checked, if_unchanged, listed, one
from rest.routes import problems, tagged
from sessions_admin.filters import ClosedFilter, OpenFilter
from sessions_admin.models import Session
from sessions_admin.services import end_session

router = Router(tags=["Sessions"])


class SignInSession(Schema):
    """One sign-in of one account in one browser."""

    incidental: ClassVar = frozenset({"last_seen_at"})

    id: int
    account_id: int
    account: str
    method: str
    provider: str = Field(description="The provider that said who it is; empty for a password of this server.")
    address: str | None
    user_agent: str
    opened_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None
    cause: str = Field(description="Why it ended; empty while it is open.")
    closed_by: str

    @classmethod
    def of(cls, session: Session) -> "SignInSession":
        same = ("method", "address", "user_agent", "opened_at", "last_seen_at", "closed_at", "cause", "account_id")
        return cls.model_construct(
            id=session.pk,
            account=str(session.account),
            closed_by=session.closed_by_name,
            provider=session.provider_name,
            **{name: getattr(session, name) for name in same},
        )


class SessionPage(Schema):
    items: list[SignInSession]
    next: str | None
    previous: str | None


class SessionQuery(Listed):
    """The filters of the page Sessions."""

    state: Literal["open", "closed"] = "open"
    q: str = Field("", max_length=200, description="Username, name, the start of an address, or s-123.")
    method: str = Field("", max_length=20)
    period: Literal["", "24h", "7d", "30d"] = ""
    cause: str = Field("", max_length=20, description="Of closed ones.")
    order: Literal["", "opened", "-opened", "seen", "-seen", "closed", "-closed"] = ""


@router.get("", response=SessionPage, operation_id="list_sessions", summary="List sign-in sessions")
@requires("sessions.view")
def list_sessions(request: Request, query: Query[SessionQuery]) -> HttpResponse:
    """Open ones, those that the next request would be let in by; or closed ones with the cause of each end."""
    closed = query.state == "closed"
    rows = Session.objects.closed() if closed else Session.objects.open(request.actor.at)
    filters = checked((ClosedFilter if closed else OpenFilter)(request.GET, queryset=rows.select_related("account")))
    return listed(request, SessionPage, filters.page(query.limit), SignInSession.of)


@router.get("/{int:pk}", response=SignInSession, operation_id="read_session", summary="Read a session")
@requires("sessions.view")
@tagged
def read_session(request: Request, pk: int) -> HttpResponse:
    return one(request, SignInSession.of(session_of(pk)))


@router.post("/{int:pk}/end", response=SignInSession, operation_id="end_session", summary="End a session")
@requires("sessions.end")
@problems(409)
def end(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    """Its next request is refused, in every process."""
    if_unchanged(if_match, partial(locked, pk), SignInSession.of, partial(end_session, actor=request.actor))
    return one(request, SignInSession.of(session_of(pk)))


def locked(pk: int) -> Session:
    """The same, its row locked until the transaction ends."""
    rows = Session.objects.signed_in().select_related("account").select_for_update(of=("self",))
    return get_object_or_404(rows, pk=pk)


def session_of(pk: int) -> Session:
    return get_object_or_404(Session.objects.signed_in().select_related("account"), pk=pk)
