"""One's own API keys."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views.common import person
from agora.base.access import not_while_impersonating, signed_in
from agora.base.http import Request
from api_keys.models import ApiKey
from api_keys.views.common import new_key, refused_here


@signed_in
@require_safe
def own_keys(request: Request) -> HttpResponse:
    account = person(request)
    context = {
        "account": account,
        "keys": ApiKey.objects.of_account(account),
        "refused": refused_here(account),
        "may_manage": True,
    }
    return render(request, "api_keys/profile.html", context)


@not_while_impersonating
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def create_own(request: Request) -> HttpResponse:
    return new_key(request, person(request))
