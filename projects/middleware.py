"""Admin mode of this session: set for the request, or ended."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Account
from agora.base.actor import actor_of
from agora.base.http import Request
from impersonation.middleware import SAFE, begin_again
from projects.services.admin_mode import why_over
from sessions_admin import elevations
from sessions_admin.models import ElevationKind


class AdminModeMiddleware:
    """Sets ``request.elevation`` while it is on. Stands behind impersonation, which leaves no room for it."""

    def __init__(self, get_response: Callable[[Request], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Request) -> HttpResponse:
        account = request.user
        if not isinstance(account, Account) or request.elevation is not None:
            return self.get_response(request)
        elevation = elevations.running(request, ElevationKind.ADMIN_MODE)
        if elevation is None:
            return self.get_response(request)
        actor = actor_of(request)
        if end := why_over(elevation, account, actor=actor):
            elevations.leave(request, elevation, end, actor=actor)
            sentence = _("Admin mode has ended: %(why)s. What you asked for last was not done.") % {"why": end.label}
            return begin_again(request, sentence, to=reverse("projects:admin-mode-summary", args=[elevation.pk]))
        # A page that renews its parts by itself is no sign that somebody is there.
        if request.method not in SAFE or request.headers.get("HX-Request") != "true":
            elevations.use(elevation, at=actor.at)
        request.elevation = elevation
        return self.get_response(request)
