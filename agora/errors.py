"""The pages for 400, 403, 404, 413 and 500, and the record of refused changes."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.template.loader import get_template
from django.utils.translation import gettext as _

from agora.base.access import NotPermitted, public
from agora.base.errors import problem, refusal
from agora.base.http import is_api
from audit.events import ACCESS_DENIED
from audit.models import Outcome
from audit.services import record


@public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400, or 413 for more than a form or a call of the API may hold; files are no part of that."""
    if isinstance(exception, RequestDataTooBig):
        limit = {"most": filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)}
        told = _("This is too much at once: a request holds %(most)s at most. Send it in several parts.") % limit
        if is_api(request):
            return problem(request, 413, "too_large", told)
        return render(request, "errors/refused.html", {"sentence": told}, status=413)
    sentence = _("The server could not make sense of this request. Go back and try again.")
    if is_api(request):
        return problem(request, 400, "bad_request", _("The server could not make sense of this request."))
    return render(request, "errors/refused.html", {"sentence": sentence}, status=400)


@public
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: the person is known and may not. A refused change is recorded, a refused look is not."""
    actor, sentence = getattr(request, "actor", None), str(exception or "")
    if actor is not None and actor.account is not None and request.method not in ("GET", "HEAD", "OPTIONS"):
        missing = exception.missing if isinstance(exception, NotPermitted) else ""
        facts: dict[str, Any] = {"reason": sentence, "permission": missing}
        facts = {name: value for name, value in facts.items() if value}
        record(ACCESS_DENIED, actor=actor, outcome=Outcome.DENIED, target_name=request.path, **facts)
    if is_api(request):
        told = sentence or _("Your role does not allow this. Ask an administrator.")
        return problem(request, 403, "forbidden", told)
    if sentence:
        return refusal(request, sentence, status=403)
    return render(request, "errors/403.html", status=403)


@public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if is_api(request):
        return problem(request, 404, "not_found", _("There is nothing here, or nothing that you may see."))
    return render(request, "errors/404.html", status=404)


@public
def server_error(request: HttpRequest) -> HttpResponse:
    """500: rendered without request, database or context processors, any of which may be what broke."""
    if is_api(request):
        return problem(
            request, 500, "server_error", _("Something broke in the server. Give its administrators this id.")
        )
    named = {"request_id": getattr(request, "request_id", "")}
    return HttpResponse(get_template("errors/500.html").render(named), status=500)


@public
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form did not come from a page of ours, or the page is from before the last sign-in."""
    sentence = _("This form is out of date. Go back, reload the page and send it again.")
    if is_api(request):
        wanted = _("A signed-in browser sends the page's token as X-CSRFToken. Scripts use an API key instead.")
        return problem(request, 403, "csrf_failed", wanted)
    return render(request, "errors/refused.html", {"sentence": sentence}, status=403)
