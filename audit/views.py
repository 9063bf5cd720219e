"""Pages of the audit log: the list, one entry, the histogram, the export."""

import json
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from agora.base.access import requires, url_if_allowed
from agora.base.errors import BadRequest
from agora.base.http import Request, stream
from audit import exports
from audit.events import EVENTS
from audit.filters import AuditFilter, whole_log
from audit.histogram import histogram
from audit.models import Entry

TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
# What an entry may lead to: by the type that entries name, its page, and its model to see whether it still exists.
CARDS = {"account": ("accounts:card", "accounts.Account"), "session": ("sessions:card", "sessions_admin.Session")}


def _filtered(request: Request) -> AuditFilter:
    return AuditFilter(request.GET, queryset=whole_log())


@requires("audit.view")
@require_safe
def entry_list(request: Request) -> HttpResponse:
    """The newest entries of the filter, or the page that the cursor names."""
    filters = _filtered(request)
    page = filters.page()
    context = {
        "filters": filters,
        "page": page,
        "cards": _cards(request, {("session", str(entry.session_id)) for entry in page.rows if entry.session_id}),
    }
    return render(request, "audit/list.html", context)


@requires("audit.view")
@require_safe
def entry(request: Request, pk: int) -> HttpResponse:
    """One entry: what changed and the request it came with; a fragment in the list, else a page."""
    found = get_object_or_404(Entry.objects.all(), pk=pk)
    changes, facts = _told(found)
    context = {
        "entry": found,
        "label": EVENTS.get(found.event, found.event),
        "at": timezone.localtime(found.at).isoformat(sep=" ", timespec="milliseconds"),
        "changes": changes,
        "facts": facts,
        "links": _links(request, found),
        "as_json": json.dumps(exports.as_dict(found), cls=DjangoJSONEncoder, ensure_ascii=False, indent=2),
    }
    return render(request, "audit/_record.html" if request.htmx else "audit/entry.html", context)


def _told(found: Entry) -> tuple[list[tuple[str, str | None, str | None]], list[tuple[str, str | None]]]:
    """The details as (field, before, after) where there are two values, and as (name, value) for the rest."""
    pairs = found.changes
    told = found.details.get("changes")
    whole = isinstance(told, dict | list) and len(told) == len(pairs)
    facts = {name: value for name, value in found.details.items() if name != "changes" or not whole}
    return (
        [(name, _shown(old), _shown(new)) for name, old, new in pairs],
        [(name, _shown(value)) for name, value in facts.items()],
    )


def _shown(value: Any) -> str | None:
    """A value of the details as text: true and false as words, texts as they are, the rest as JSON; None for none."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def _links(request: Request, found: Entry) -> list[tuple[str, str, str]]:
    """(icon, words, address) for what the reader may open and what still exists."""
    home = url_if_allowed(request, "audit:list")
    links = []
    if found.actor_name:
        words = _("All by %(name)s") % {"name": found.actor_name}
        links.append(("user-round", words, f"{home}?{urlencode({'actor': found.actor_name})}"))
    if found.session_id:
        links.append(("history", _("Same session"), f"{home}?session={found.session_id}"))
    if found.elevation_id:
        words = _("Same impersonation") if found.behalf_id else _("Same admin mode")
        links.append(("hat-glasses", words, f"{home}?elevation=e-{found.elevation_id}"))
    names = {
        (found.target_type, found.target_id): found.target_name,
        ("session", str(found.session_id or "")): f"s-{found.session_id}",
        ("account", str(found.behalf_id or "")): found.behalf_name,
        ("account", str(found.actor_id or "")): found.actor_name,
    }
    for key, card in _cards(request, set(names)).items():
        links.append(("square-arrow-out-up-right", _("Open %(name)s") % {"name": names[key]}, card))
    return links


def _cards(request: Request, keys: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The pages of those (type, id) that still exist and that the reader may open: one query for each type."""
    found: dict[tuple[str, str], str] = {}
    for kind, (view, model) in CARDS.items():
        ids = {int(pk) for named, pk in keys if named == kind and pk.isdecimal() and len(pk) < 19}
        if ids and url_if_allowed(request, view, min(ids)):
            there = apps.get_model(model)._base_manager.filter(pk__in=ids).order_by("pk").values_list("pk", flat=True)
            found |= {(kind, str(pk)): reverse(view, args=[pk]) for pk in there}
    return found


@requires("audit.view")
@require_safe
def bars(request: Request) -> HttpResponse:
    """The histogram of the filter, loaded beside the list so that the list never waits for it."""
    filters = _filtered(request)
    counted = histogram(filters, now=request.actor.at)
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
    if complaints := filters.complaints:
        raise BadRequest(" ".join(complaints))  # it would be more than was asked for
    exports.record_export(filters.params, kind, actor=request.actor)
    return stream(exports.export(filters.found, kind), filename=f"audit.{kind}", content_type=TYPES[kind])
