"""Who the request belongs to: the account that came with the session's row, in the session's one query."""

import zoneinfo
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account
from agora.base.access import declared
from agora.base.errors import problem
from agora.base.http import is_api
from sessions_admin.store import SessionStore

View = TypeVar("View", bound=Callable[..., Any])


class AccountMiddleware:
    """Sets ``request.user`` and the account's time zone. A locked or inactive account's session lets nobody in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        store = request.session
        assert isinstance(store, SessionStore)
        account = store.account if store.session_key else None
        if account is not None and account.is_usable:
            request.user = account
            timezone.activate(zoneinfo.ZoneInfo(account.time_zone))
        else:
            request.user = AnonymousUser()
            timezone.deactivate()
        return self.get_response(request)


def while_enrolling(view: View) -> View:
    """The view may be called by somebody who has yet to set up the second factor that the server requires."""
    view.while_enrolling = True  # type: ignore[attr-defined]
    return view


def must_enrol(request: HttpRequest) -> bool:
    """Signed in here in a way that our second factor is asked for, without the one that the server requires by now."""
    if getattr(request, "api_key", None) is not None:
        return False
    store = request.session
    assert isinstance(store, SessionStore)
    account = store.account if store.session_key else None
    if not isinstance(account, Account) or store.row is None or not store.row.two_factor_required:
        return False
    return not account.second_factor and store.row.asks_second_factor


class SecondFactorMiddleware:
    """Sends an open session to setting up the second factor before anything else, once the server requires one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], *_args: Any) -> HttpResponse | None:
        allowed = declared(view, request.method).public or getattr(view, "while_enrolling", False)
        if allowed or not request.user.is_authenticated or not must_enrol(request):
            return None
        if is_api(request):
            sentence = _("This server requires a second factor. Set it up in the browser first.")
            return problem(request, 403, "second_factor_required", sentence)
        target = reverse("accounts:second-factor-setup")
        if request.headers.get("HX-Request") == "true":
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = target
            return answer
        return redirect(target)
