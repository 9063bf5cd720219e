"""Who an API request belongs to when it brings a key: the key's account, and no session."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.services.throttle import TooManyAttempts
from agora.base.access import declared
from agora.base.actor import actor_of
from agora.base.errors import Refused, problem
from agora.base.http import Request, is_api
from api_keys.services.use import let_in, refuse_write
from rest.middleware import limited

SAFE = ("GET", "HEAD", "OPTIONS")


class KeyMiddleware:
    """Stands behind the account from the session: a key in the header decides alone, whatever cookie came along.

    Forged forms are a danger only to those whom a cookie lets in (OWASP: CSRF), so the token is asked of them alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api(request):
            return self.get_response(request)
        header = request.headers.get("Authorization", "")
        if getattr(request, "machine", None) is not None:
            return self.get_response(request)
        if header:
            try:
                self._let_in(request, header)
            except Refused as refusal:
                answer = refused(request, refusal)
                return limited(request, lambda _request: answer)  # those who have no key are counted as well
        elif not request.user.is_authenticated:
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # there is nobody to be forged
        return self.get_response(request)

    def _let_in(self, request: HttpRequest, header: str) -> None:
        scheme, _space, secret = header.partition(" ")
        secret = secret.strip() if scheme.lower() == "bearer" else ""
        key = let_in(secret, actor=actor_of(request, anonymous=True))
        request.user = key.account
        request.impersonator = request.elevation = None  # type: ignore[attr-defined]  # of the cookie's session
        request.api_key = key  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        timezone.deactivate()

    def process_view(self, request: Request, view: Callable[..., Any], *_: Any) -> HttpResponse | None:
        key = getattr(request, "api_key", None)
        if key is None or not key.read_only or request.method in SAFE or declared(view, request.method).reads:
            return None
        return refused(request, refuse_write(key, actor=request.actor))


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """401 names the scheme and the error (RFC 6750, section 3); 429 says how long to wait."""
    answer = problem(request, refusal.status, refusal.code, str(refusal))
    if refusal.status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="agora", error="invalid_token"'
    if isinstance(refusal, TooManyAttempts):
        answer["Retry-After"] = str(refusal.seconds)
    return answer
