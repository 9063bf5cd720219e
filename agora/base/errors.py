"""Refusals: what the rules forbid, said in a sentence the reader may see."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise


class Refused(Exception):
    """A rule forbids what was asked. Subclasses stand beside the service that raises them.

    The message is a sentence for the person who asked: what happened and what to do. ``code`` is stable for scripts.
    """

    status = 403
    message: str | Promise = ""

    def __init__(self, message: str | Promise = "") -> None:
        super().__init__(message or self.message)

    @property
    def code(self) -> str:
        """``CannotLockYourself`` → ``cannot_lock_yourself``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class BadRequest(Refused):
    """What was sent makes no sense, such as a damaged page link."""

    status = 400


class RefusalMiddleware:
    """Answers a Refused that a view let through: a page with the sentence; for htmx, which swaps only 422, a toast."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        return refusal(request, str(exception), status=exception.status)


def refusal(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    """The page that says what was refused; for htmx, which swaps only 422, a toast."""
    if request.headers.get("HX-Request") == "true":
        response = render(request, "components/_toast.html", {"text": sentence, "tone": "bad"}, status=422)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
        return response
    return render(request, "errors/refused.html", {"sentence": sentence}, status=status)
