"""Who an API request belongs to when it brings a configuration key: a streamer, and no account."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from agora.base.actor import Machine, actor_of
from agora.base.errors import Refused
from agora.base.http import is_api
from api_keys.middleware import refused
from resources.services.streamer_keys import PREFIX, let_in
from rest.middleware import limited


class StreamerMiddleware:
    """Stands before the API keys: a configuration key decides alone, whatever cookie came along."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
        if not is_api(request) or scheme.lower() != "bearer" or not secret.strip().startswith(PREFIX):
            return self.get_response(request)
        try:
            streamer = let_in(secret.strip(), actor=actor_of(request, anonymous=True))
        except Refused as refusal:
            answer = refused(request, refusal)
            return limited(request, lambda _request: answer)  # those who have no key are counted as well
        request.user = AnonymousUser()
        request.machine = Machine("streamer", streamer.pk, f"streamer {streamer.resource.name}"[:150])  # type: ignore[attr-defined]
        request.streamer = streamer  # type: ignore[attr-defined]
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        timezone.deactivate()
        return self.get_response(request)
