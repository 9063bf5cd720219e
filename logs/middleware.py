"""Errors of answers that are still being sent."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse

from agora.base.actor import Actor, named_in_logs
from logs.capture import error_in_request


class StreamedErrorsMiddleware:
    """A download that breaks in the middle raises long after its view returned, where Django asks nobody any more."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: Any = self.get_response(request)
        # A file that the web server itself sends has no code of ours behind it.
        if response.streaming and getattr(response, "file_to_stream", None) is None:
            response.streaming_content = _watched(request, response.streaming_content)
        answer: HttpResponse = response
        return answer


def _watched(request: HttpRequest, parts: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from parts
    except Exception as error:
        actor = getattr(request, "actor", Actor())
        error.agora_actor = actor  # type: ignore[attr-defined]  # for the web server's own line
        with named_in_logs(actor):
            error_in_request(request)
        raise  # the web server cuts the connection, so that nobody takes half a file for a whole one
