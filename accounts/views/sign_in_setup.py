"""Signing in where the server requires a second factor and there is none yet: it is set up half-way."""

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.second_factor import FirstCodeForm, NewPasskeyForm
from accounts.models import Account
from accounts.passkeys import Passkeys, made, reached_by_name
from accounts.services import passkeys, second_factor
from accounts.views.setup import qr_context
from accounts.views.sign_in import held_for
from accounts.views.sign_in_code import into
from agora.base.access import public
from agora.base.errors import Refused
from agora.base.http import Request, next_url

CHALLENGE = "passkey_registration"


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
            _into(request, account)
            return render(request, "accounts/sign_in_codes.html", {"codes": codes, "next": target})
    return show(request, account, form)


def _into(request: Request, account: Account) -> None:
    account.second_factor = True  # as of just now, by a service that wrote it to a row of its own
    into(request, account, "set up now")


def show(request: Request, account: Account, form: FirstCodeForm, *, wrong: str = "") -> HttpResponse:
    """The page; ``wrong`` says why no passkey was made."""
    context = {
        "form": form,
        "next": next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL)),
        "account": account,
        "proof": None,
        "passkey_form": NewPasskeyForm(account, free=True),
        "wrong": wrong,
        "by_name": reached_by_name(request),
        **qr_context(account),
    }
    return render(request, "accounts/sign_in_setup.html", context, status=422 if form.errors or wrong else 200)


@public
@never_cache
@require_POST
def passkey_begin(request: Request) -> HttpResponse:
    """What the browser is to make in place of an app; for whoever gave the right password."""
    account = held_for(request, "setup")
    if account is None:
        return JsonResponse({"detail": _("Sign in first.")}, status=409)
    options, state = Passkeys(request).register_begin(account)
    request.session[CHALLENGE] = state
    return JsonResponse(options)


@public
@never_cache
@require_POST
def passkey_complete(request: Request) -> HttpResponse:
    """What the browser made, under the name that was typed; then the recovery codes, and in."""
    account, state = held_for(request, "setup"), request.session.pop(CHALLENGE, None) or {}
    if account is None:
        return redirect("accounts:sign-in")
    form, actor = NewPasskeyForm(account, request.POST, free=True), request.actor.as_account(account, None)
    if not form.is_valid():
        return show(request, account, FirstCodeForm(), wrong=str(form.errors["name"][0]))
    try:
        codes = passkeys.add(account, Passkeys(request), state, made(request), form.cleaned_data["name"], actor=actor)
    except passkeys.PasskeyRefused as refusal:
        return show(request, account, FirstCodeForm(), wrong=str(refusal))
    _into(request, account)
    target = next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    return render(request, "accounts/sign_in_codes.html", {"codes": codes, "next": target})
