"""The first page after signing in: what needs somebody's attention, each figure a link to its list."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from agora.base.access import signed_in
from agora.base.http import Request
from agora.base.pages import bounded_count, count_label
from audit.models import Entry
from feedback.models import Feedback
from sessions_admin.models import Session


@dataclass(frozen=True)
class Tile:
    """One figure; ``tone`` colours it when there is something to look at."""

    label: str | Promise
    value: str
    url: str
    icon: str
    tone: str = ""


@signed_in
@require_safe
def overview(request: Request) -> HttpResponse:
    """Tiles for those who may open the lists behind them; for everybody their own account."""
    return render(request, "overview.html", {"tiles": list(_tiles(request))})


def _tiles(request: Request) -> Iterator[Tile]:
    may, now = request.user.has_perm, request.actor.at
    if may("accounts.view"):
        accounts = reverse("accounts:list")
        yield _tile(_("Locked users"), Account.objects.locked(), f"{accounts}?state=locked", "lock", "warn")
        yield _tile(_("Inactive users"), Account.objects.inactive(), f"{accounts}?state=inactive", "user-x")
    if may("sessions.view"):
        yield _tile(_("Open sessions"), Session.objects.open(now), reverse("sessions:list"), "monitor-play")
    if may("audit.view"):
        since = now - timedelta(hours=24)
        day = Entry.objects.between(since, None)
        log = f"{reverse('audit:list')}?period=24h&"
        failed = day.filter(event="session.opened", outcome="failed")
        yield _tile(
            _("Failed sign-ins, 24 hours"), failed, f"{log}event=session.opened&outcome=failed", "shield-alert", "bad"
        )
        yield _tile(_("Refused actions, 24 hours"), day.filter(outcome="denied"), f"{log}outcome=denied", "ban", "warn")
    if may("settings.change"):
        letters = reverse("feedback:list")
        yield _tile(_("Feedback to handle"), Feedback.objects.unhandled(), letters, "message-square-text", "accent")


def _tile(
    label: Promise,
    rows: QuerySet[Account] | QuerySet[Session] | QuerySet[Entry] | QuerySet[Feedback],
    url: str,
    icon: str,
    tone: str = "",
) -> Tile:
    count = bounded_count(rows)
    return Tile(label, count_label(count), url, icon, tone if count else "")
