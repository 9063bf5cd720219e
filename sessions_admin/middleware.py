"""The request's session: found by its cookie, kept alive by use, its end written down when a limit has passed."""

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponse

from agora.base.access import sign_in_first
from agora.base.http import client_address
from sessions_admin.services import write_down_limit
from sessions_admin.store import SessionStore


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's, with our store told where the request comes from."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        store = _store(request)
        store.address = client_address(request)
        store.user_agent = request.headers.get("User-Agent", "")[:400]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        store = _store(request)
        if store.ended:
            write_down_limit(*store.ended)
        elif store.row is not None and not store.modified:
            store.touch()
        try:
            answer = super().process_response(request, response)
        except SessionInterrupted:
            # Ended by somebody else while this request ran: what it did stands, but it goes no further.
            return sign_in_first(request)
        cookie = answer.cookies.get(settings.SESSION_COOKIE_NAME)
        if cookie is not None and not cookie.value and not (store.over or store.ended):
            # A key that is not known may be the one of a moment ago: another window's answer brought a new one, which
            # this answer would delete.
            del answer.cookies[settings.SESSION_COOKIE_NAME]
        return answer


def _store(request: HttpRequest) -> SessionStore:
    store = request.session
    assert isinstance(store, SessionStore)
    return store
