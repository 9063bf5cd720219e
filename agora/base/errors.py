"""Refusals: what the rules forbid, said in a sentence the reader may see."""

import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.http import is_api


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


class Gone(Refused):
    """The row went while the request was on its way."""

    status = 409
    message = gettext_lazy("This was deleted in the meantime. Go back to the list.")


def problem(
    request: HttpRequest, status: int, code: str, sentence: str, *, errors: Sequence[dict[str, str]] = ()
) -> HttpResponse:
    """An error of the API as problem details (RFC 9457).

    ``code`` is stable for scripts, ``detail`` the sentence that the page would show; each of ``errors`` names the
    ``field`` it belongs to, with its own code and sentence.
    """
    values: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": sentence,
        "request_id": getattr(request, "request_id", ""),
    }
    if errors:
        values["errors"] = list(errors)
    return JsonResponse(values, status=status, content_type="application/problem+json")


class RefusalMiddleware:
    """Answers a Refused that a view let through: a page with the sentence; for htmx, which swaps only 422, a toast.

    The address of a change that is opened like a page, such as one from the browser's history, gets a page as well.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content or is_api(request):
            return response
        sentence = _("This address is no page of its own: it carries out a change that a button asks for.")
        page = render(request, "errors/refused.html", {"sentence": sentence}, status=405)
        page["Allow"] = response["Allow"]  # RFC 9110, 15.5.6
        return page

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, Refused):
            return None
        if is_api(request):
            return problem(request, exception.status, exception.code, str(exception))
        return refusal(request, str(exception), status=exception.status)


def refusal(request: HttpRequest, sentence: str, *, status: int) -> HttpResponse:
    """The page that says what was refused; for htmx, which swaps only 422, a toast."""
    if request.headers.get("HX-Request") == "true":
        response = render(request, "components/_toast.html", {"text": sentence, "tone": "bad"}, status=422)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
        response["HX-Reselect"] = ".toast"  # what the form selects for itself is not in this answer
        return response
    return render(request, "errors/refused.html", {"sentence": sentence}, status=status)
