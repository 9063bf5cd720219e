"""Pages of the audit log: the list, one entry, the histogram, the export."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agora.base.access import requires, url_if_allowed
from agora.base.errors import BadRequest
from agora.base.http import Request, stream
from agora.base.pages import containing
from audit import exports
from audit.events import EVENTS
from audit.filters import AuditFilter
from audit.histogram import histogram
from audit.models import Entry

TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
# Where a target's own page is, by the type that its entries name.
CARDS = {"account": "accounts:card", "session": "sessions:card"}


def _filtered(request: Request) -> AuditFilter:
    return AuditFilter(request.GET, queryset=Entry.objects.all())


@requires("audit.view")
@require_safe
def entry_list(request: Request) -> HttpResponse:
    """The newest entries of the filter, or the page that the cursor names."""
    filters = _filtered(request)
    context = {"filters": filters, "page": filters.page(), "parameters": request.GET.urlencode()}
    return render(request, "audit/list.html", context)


@requires("audit.view")
@require_safe
def entry(request: Request, pk: int) -> HttpResponse:
    """One entry: what changed and the request it came with; a fragment in the list, else a page."""
    found = get_object_or_404(Entry.objects.all(), pk=pk)
    changes = found.details.get("changes") or {}
    context = {
        "entry": found,
        "label": EVENTS.get(found.event, found.event),
        "changes": [(name, _shown(old), _shown(new)) for name, (old, new) in changes.items()],
        "facts": [(name, _shown(value)) for name, value in found.details.items() if name != "changes"],
        "links": _links(request, found),
        "as_json": json.dumps(exports.as_dict(found), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2),
    }
    return render(request, "audit/_record.html" if request.htmx else "audit/entry.html", context)


def _shown(value: Any) -> str | None:
    """A value of the details as text: true and false as words, texts as they are, the rest as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _links(request: Request, found: Entry) -> list[tuple[str, str, str]]:
    """(icon, words, address) for what the reader may open."""
    home = url_if_allowed(request, "audit:list")
    links = []
    if found.actor_name:
        links.append(
            ("user-round", _("All by %(name)s") % {"name": found.actor_name}, f"{home}?actor={found.actor_name}")
        )
    if found.session_id:
        links.append(("history", _("Same session"), f"{home}?session={found.session_id}"))
    if found.target_type in CARDS and found.target_id:
        try:
            if card := url_if_allowed(request, CARDS[found.target_type], int(found.target_id)):
                links.append(("square-arrow-out-up-right", _("Open %(name)s") % {"name": found.target_name}, card))
        except (NoReverseMatch, ValueError):
            pass  # a target without a page
    return links


@requires("audit.view")
@require_safe
def bars(request: Request) -> HttpResponse:
    """The histogram of the filter, loaded beside the list so that the list never waits for it."""
    filters = _filtered(request)
    start, end = filters.range
    counted = histogram(filters.qs, start=start, end=end, now=request.actor.at, text=filters.text)
    template = "audit/_histogram.html" if request.htmx else "audit/histogram.html"
    return render(request, template, {"histogram": counted, "filters": filters, "parameters": request.GET.urlencode()})


@requires("audit.export")
@require_POST
def export(request: Request) -> HttpResponseBase:
    """The filter as a file; recorded before the first byte."""
    kind = request.POST.get("format", "")
    if kind not in TYPES:
        raise BadRequest(_("There is no such format. Choose CSV or JSON Lines."))
    filters = _filtered(request)
    rows = containing(filters.qs, filters.text) if filters.text else filters.qs
    exports.record_export(filters.params, kind, actor=request.actor)
    return stream(exports.export(rows, kind), filename=f"audit.{kind}", content_type=TYPES[kind])
