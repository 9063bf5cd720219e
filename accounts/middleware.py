"""Who the request belongs to: the account that came with the session's row, in the session's one query."""

import zoneinfo
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from sessions_admin.store import SessionStore


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
