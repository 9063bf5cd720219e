"""Signing in where the server requires a second factor and there is none yet: it is set up half-way."""

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.forms.second_factor import FirstCodeForm
from accounts.services import second_factor
from accounts.views.setup import qr_context
from accounts.views.sign_in import held_for
from accounts.views.sign_in_code import into
from agora.base.access import public
from agora.base.errors import Refused
from agora.base.http import Request, next_url


@public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def setup_page(request: Request) -> HttpResponse:
    """The server requires a second factor: begin, scan, type a code; then the recovery codes, and in."""
    target = next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    account = held_for(request, "setup")
    if account is None:
        return redirect("accounts:sign-in")
    form = FirstCodeForm(request.POST if "code" in request.POST else None)
    if "begin" in request.POST:
        second_factor.begin(account)
    elif request.method == "POST" and form.is_valid():
        actor = request.actor.as_account(account, None)
        try:
            codes = second_factor.confirm(account, form.cleaned_data["code"], actor=actor)
        except Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            into(request, account, "set up now")
            return render(request, "accounts/sign_in_codes.html", {"codes": codes, "next": target})
    context = {"form": form, "next": target, "account": account, "proof": None, **qr_context(account)}
    return render(request, "accounts/sign_in_setup.html", context, status=422 if form.errors else 200)
