"""The second step of signing in: a code or a passkey."""

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.second_factor import CodeForm
from accounts.models import Account
from accounts.passkeys import Passkeys, made, reached_by_name
from accounts.services import half_way, passkeys, second_factor, sign_in, ways
from accounts.services.throttle import TooManyAttempts
from accounts.views.sign_in import held_for
from agora.base.access import public
from agora.base.http import Request, next_url

CHALLENGE = "passkey_challenge"


def into(request: Request, account: Account, how: str) -> None:
    """Everything was asked: the session opens under a new key."""
    request.session.pop(CHALLENGE, None)
    way, kept = half_way.way_here(request) or ways.LOCAL, ways.kept(request.session)
    sign_in.open_session(request, account, way=way, kept=kept, second_factor=how, actor=request.actor)


def show(request: Request, account: Account, form: CodeForm, *, wait: int = 0) -> HttpResponse:
    """The page, with what was wrong."""
    context = {
        "form": form,
        "next": next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL)),
        "account": account,
        "by_name": reached_by_name(request),
        "has_passkeys": passkeys.of_account(account).exists(),
    }
    status = 429 if wait else 422 if form.errors else 200
    response = render(request, "accounts/sign_in_code.html", context, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


@public
@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code_page(request: Request) -> HttpResponse:
    """The code of the app or a recovery code; or a passkey, with the button of the page."""
    account = held_for(request, "code")
    if account is None:
        return redirect("accounts:sign-in")
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return show(request, account, form)
    try:
        how = second_factor.check(account, form.cleaned_data["code"], actor=request.actor)
    except TooManyAttempts as refusal:
        form.add_error(None, str(refusal))
        return show(request, account, form, wait=refusal.seconds)
    except second_factor.WrongCode as refusal:
        form.add_error("code", str(refusal))
        return show(request, account, form)
    into(request, account, how)
    return redirect(next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL)))


@public
@never_cache
@require_POST
def passkey_begin(request: Request) -> HttpResponse:
    """What the browser is to sign; for whoever gave the right password."""
    account = held_for(request, "code")
    if account is None:
        return JsonResponse({"detail": _("Sign in first.")}, status=409)
    options, state = Passkeys(request).authenticate_begin(account, require_user_verification=False)
    request.session[CHALLENGE] = state
    return JsonResponse(options)


@public
@never_cache
@require_POST
def passkey_complete(request: Request) -> HttpResponse:
    """What the browser signed; each challenge is asked once."""
    account = held_for(request, "code")
    state = request.session.pop(CHALLENGE, None)
    if account is None:
        return redirect("accounts:sign-in")
    form = CodeForm({})
    form.errors.clear()
    try:
        how = passkeys.check(account, Passkeys(request), state or {}, made(request), actor=request.actor)
    except TooManyAttempts as refusal:
        form.add_error(None, str(refusal))
        return show(request, account, form, wait=refusal.seconds)
    except passkeys.PasskeyRefused as refusal:
        form.add_error(None, str(refusal))
        return show(request, account, form)
    into(request, account, how)
    return redirect(next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL)))
