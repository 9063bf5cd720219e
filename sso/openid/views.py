"""The way back from an OpenID provider, and what providers tell us themselves."""

from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from agora.base.access import public
from agora.base.http import Request
from sessions_admin.models import Method
from sso.claims import ProviderRefused
from sso.models import Kind, Provider
from sso.openid import answers, logout
from sso.services import begun, testing
from sso.services.arrival import arrive, refuse

NO_STORE = {"Cache-Control": "no-store"}


@public
@never_cache
@require_GET
def callback(request: Request, alias: str) -> HttpResponse:
    """Somebody comes back: into their session, or with the report of a test; whoever is signed in here stays so."""
    actor = request.actor
    provider = Provider.objects.with_settings().with_alias(alias)
    try:
        row, remembered = begun.take(Kind.OPENID, alias, request.GET.get("state", ""), actor=actor)
        begun.check_browser(row, request)
        if row.report is not None:
            return _tested(request, row.report, remembered)
        begun.check_open(row)
    except ProviderRefused as refused:
        return refuse(request, provider, refused, actor=actor)
    assert row.provider is not None
    answer = answers.read(request, row.provider, remembered)
    if answer.person is None:
        assert answer.refused is not None
        return refuse(request, row.provider, answer.refused, actor=actor)
    return arrive(
        request,
        row.provider,
        answer.person,
        method=Method.OPENID,
        actor=actor,
        next_path=row.next_path,
        keep=answer.kept,
    )
