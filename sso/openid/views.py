"""The way back from an OpenID provider, and what providers tell us themselves."""

from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from agora.base.access import public
from agora.base.http import Request
from sessions_admin.models import Method
from sso.claims import NothingBegun, ProviderRefused, ProviderSilent
from sso.models import Kind, Provider, Report
from sso.openid import answers, logout
from sso.services import again, begun, floods, testing
from sso.services.arrival import arrive, refuse


@public
@never_cache
@require_GET
def callback(request: Request, alias: str) -> HttpResponse:
    """Somebody comes back: into their session, or with the report of a test; whoever is signed in here stays so."""
    actor, provider = request.actor, floods.provider_at(Kind.OPENID, alias)
    state = request.GET.get("state", "")
    if not state:
        raise NothingBegun  # somebody looked at the address: nothing happened that is worth recording
    try:
        row, remembered = begun.take(Kind.OPENID, alias, state, actor=actor)
        begun.check_browser(row, request)
        if row.report is not None:
            return _tested(request, row.report, remembered)
        assert row.provider is not None
        if "again" in remembered:
            return _asked_again(request, row.provider, remembered, row.next_path)
        answer = answers.read(request, row.provider, remembered)
        person = answer.person_or_refused()
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=actor)
    method, path, kept = Method.OPENID, row.next_path, answer.kept
    return arrive(request, row.provider, person, method=method, actor=actor, next_path=path, keep=kept)


def _tested(request: Request, report: Report, remembered: dict[str, Any]) -> HttpResponse:
    """No session, no row changed but the report's own; only for the one who began it."""
    testing.check_tester(report, request.user)
    provider, _group_roles = testing.tried(report)
    answer = answers.read(request, provider, remembered)
    testing.finish_test(report, answer.checks, answer.person, actor=request.actor)
    return redirect("sso:report", report.key)


def _asked_again(request: Request, provider: Provider, remembered: dict[str, Any], next_path: str) -> HttpResponse:
    """The same person as before, asked by the provider just now."""
    answer, asked = answers.read(request, provider, remembered), remembered["again"]
    try:
        again.finish(request, provider, answer.person_or_refused(), asked, at=answer.asked_at, actor=request.actor)
    except ProviderRefused as refused:
        raise again.fail(provider, refused, actor=request.actor) from refused
    return redirect(next_path)


@csrf_exempt
@public
@never_cache
@sensitive_post_parameters("logout_token")
@require_POST
def back_channel_logout(request: Request, alias: str) -> HttpResponse:
    """A provider tells us, without any browser, that somebody signed out there."""
    provider = floods.provider_at(Kind.OPENID, alias)
    if provider is None:
        raise Http404
    try:
        logout.hear(provider, request.POST.get("logout_token", ""), actor=request.actor)
    except ProviderRefused as refused:
        # OpenID Connect Back-Channel Logout 1.0, 2.8; why, is for the audit log.
        status = 503 if isinstance(refused, ProviderSilent) else 400
        return JsonResponse({"error": "invalid_request", "reference": request.request_id}, status=status)
    return HttpResponse()
