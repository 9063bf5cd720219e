"""How many requests somebody may send: counted for the key, the account or the address, told in every answer.

The headers follow draft-ietf-httpapi-ratelimit-headers. Without Redis each process counts for itself.
"""

import math
import time
from collections.abc import Callable

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from agora.base.errors import problem
from agora.base.http import client_address, is_api

WINDOW = 60  # seconds


class RateLimitMiddleware:
    """Stands behind everything that decides who the request belongs to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return limited(request, self.get_response) if is_api(request) else self.get_response(request)


def limited(request: HttpRequest, get_response: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    """Count the request and answer it, or refuse it; the answer tells what is left."""
    limit = settings.MACHINE_RATE if getattr(request, "machine", None) else settings.API_RATE
    now = time.time()
    seconds = math.ceil(WINDOW - now % WINDOW)
    count = counted(f"api:{who(request)}:{int(now // WINDOW)}")
    if count > limit:
        sentence = _("Too many requests. Try again in %(seconds)d seconds.") % {"seconds": seconds}
        response = problem(request, 429, "too_many_requests", sentence)
        response["Retry-After"] = str(seconds)
    else:
        response = get_response(request)
    response["RateLimit-Policy"] = f'"default";q={limit};w={WINDOW}'
    response["RateLimit"] = f'"default";r={max(0, limit - count)};t={seconds}'
    return response


def who(request: HttpRequest) -> str:
    """Whose requests are counted together."""
    machine, key = getattr(request, "machine", None), getattr(request, "api_key", None)
    if machine is not None:
        return f"{machine.kind}-{machine.pk}"
    if key is not None:
        return f"key-{key.pk}"
    if request.user.is_authenticated:
        return f"account-{request.user.pk}"
    return f"address-{client_address(request)}"


def counted(name: str) -> int:
    """One more; the number of this window so far."""
    cache.add(name, 0, WINDOW * 2)
    try:
        return int(cache.incr(name))
    except ValueError:  # it was dropped in between, as caches may
        return 1
