"""The first tab of a project, and its history."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from agora.base.access import signed_in_with
from agora.base.http import Request
from agora.base.pages import keyset_page
from audit.events import EVENTS
from audit.models import Entry
from projects.roles import ProjectRole
from projects.views.common import frame, visible_project

SHOWN = 8


@signed_in_with("member of it")
@require_safe
def card(request: Request, pk: int) -> HttpResponse:
    """What the project is, and what happened last."""
    project = visible_project(request, pk)
    page = keyset_page(Entry.objects.about("project", pk), order="-at", params={}, size=SHOWN)
    context = {**frame(request, project, "projects:card"), "entries": told(page.rows), "more": page.has_next}
    return render(request, "projects/card.html", context)


@signed_in_with("member of it")
@require_safe
def history(request: Request, pk: int) -> HttpResponse:
    """All that happened to the project, from the audit log."""
    project = visible_project(request, pk)
    page = keyset_page(Entry.objects.about("project", pk), order="-at", params=request.GET)
    context = {**frame(request, project, "projects:card"), "entries": told(page.rows), "page": page}
    return render(request, "projects/history.html", context)


def told(entries: list[Entry]) -> list[tuple[Entry, str, str]]:
    """(entry, what happened, to whom or what) in words for members, who may not read the audit log itself."""
    return [(entry, str(EVENTS.get(entry.event, entry.event)), _what(entry.details)) for entry in entries]


def _what(details: dict[str, Any]) -> str:
    if reason := details.get("code") and details.get("reason"):
        return str(reason)
    parts = [str(details["member"])] if details.get("member") else []
    if (role := details.get("role")) in ProjectRole.values:
        parts.append(str(ProjectRole(role).label))
    for name, pair in (details.get("changes") or {}).items():
        old, new = (ProjectRole(one).label if one in ProjectRole.values else one for one in pair)
        parts.append(_("%(field)s: %(old)s → %(new)s") % {"field": name, "old": old or "–", "new": new or "–"})
    return ", ".join(parts)
