"""The first page after signing in: what needs somebody's attention, each figure a link to its list."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.access import signed_in
from agora.base.http import Request
from agora.base.pages import bounded_count
from audit.models import Entry
from sessions_admin.models import Session


@signed_in
def overview(request: Request) -> HttpResponse:
    """Tiles for those who may open the lists behind them; for everybody their own account."""
    may, now = request.user.has_perm, request.actor.at
    tiles = []
    if may("accounts.view"):
        tiles += [
            (_("Locked accounts"), bounded_count(Account.objects.locked()), "lock", "accounts:list", "state=locked"),
            (
                _("Inactive accounts"),
                bounded_count(Account.objects.inactive()),
                "user-x",
                "accounts:list",
                "state=inactive",
            ),
        ]
    if may("sessions.view"):
        tiles.append(
            (_("Open sessions"), bounded_count(Session.objects.open(now)), "monitor-play", "sessions:list", "")
        )
    if may("audit.view"):
        since = now - timedelta(hours=24)
        entries = Entry.objects.between(since, None)
        failed = entries.filter(event="session.opened").exclude(outcome="success")
        denied = entries.filter(outcome="denied")
        day = f"from={since:%Y-%m-%dT%H:%M}"
        tiles += [
            (
                _("Failed sign-ins, 24 hours"),
                bounded_count(failed),
                "shield-alert",
                "audit:list",
                f"event=session.opened&outcome=failed&{day}",
            ),
            (_("Refused actions, 24 hours"), bounded_count(denied), "ban", "audit:list", f"outcome=denied&{day}"),
        ]
    return render(request, "overview.html", {"tiles": tiles})
