"""In and out: the sign-in page, the forced change of a temporary password, signing out."""

from collections.abc import Mapping
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.sign_in import NewPasswordForm, SignInForm
from accounts.middleware import while_enrolling
from accounts.models import Account
from accounts.services import half_way, passwords, sign_in, ways
from accounts.services.throttle import TooManyAttempts
from agora.base.access import even_while_looking, public, signed_in
from agora.base.http import Request, next_url, send_away
from mail.services import mail_is_on
from sessions_admin.store import Way
from settings_admin.models import ServerSettings


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_page(request: Request) -> HttpResponse:
    """Username and password; one answer for everything that is wrong with them."""
    target = next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    form = SignInForm(request.POST if request.method == "POST" else None)
    wait, silent = 0, False
    if request.method == "POST" and form.is_valid():
        try:
            account, way, typed = sign_in.check_credentials(request, **form.cleaned_data, actor=request.actor)
            return go_on(request, account, target, way=way, typed=typed)
        except TooManyAttempts as refusal:
            form.add_error(None, str(refusal))
            wait = refusal.seconds
        except (sign_in.WrongCredentials, sign_in.NobodyAnswered, sign_in.TakenBack) as refusal:
            form.add_error(None, str(refusal))
            silent = isinstance(refusal, sign_in.NobodyAnswered)
    status = 429 if wait else 503 if silent else 422 if form.errors else 200
    context = {
        "form": form,
        "next": target,
        "may_reset": mail_is_on(),
        "may_register": may_register(),
        "buttons": ways.buttons(),
    }
    response = render(request, "accounts/sign_in.html", context, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response


def may_register() -> bool:
    return ServerSettings.load().allow_registration


STEPS = {
    "new password": "accounts:sign-in-new-password",
    "code": "accounts:sign-in-code",
    "setup": "accounts:sign-in-setup",
}


def go_on(
    request: Request,
    account: Account,
    target: str,
    *,
    way: Way = ways.LOCAL,
    kept: Mapping[str, str] | None = None,
    typed: sign_in.Typed | None = None,
) -> HttpResponse:
    """To the step that is still missing, else into the session. Whoever is half-way is nobody everywhere else."""
    if step := sign_in.missing_step(account, way):
        half_way.hold(request, account, way=way, kept=kept, typed=typed, actor=request.actor)
        return redirect(f"{resolve_url(STEPS[step])}?next={quote(target)}")
    sign_in.open_session(request, account, way=way, kept=kept, typed=typed, actor=request.actor)
    return HttpResponseRedirect(target)  # no name of a page: ``redirect`` would look for one first


def held_for(request: Request, step: str) -> Account | None:
    """The account that is half-way here and misses exactly this step."""
    found = half_way.held(request)
    return found[0] if found and sign_in.missing_step(*found) == step else None


@public
@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_password_page(request: Request) -> HttpResponse:
    """A temporary password is exchanged for one that only its owner knows, before anything else."""
    target = next_url(request, resolve_url(settings.LOGIN_REDIRECT_URL))
    account = held_for(request, "new password")
    if account is None:
        return redirect("accounts:sign-in")
    form = NewPasswordForm(account, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actor = request.actor.as_account(account, None)
        account = passwords.choose_password(account, form.cleaned_data["new_password"], actor=actor)
        messages.success(request, _("Your new password is set."))
        return go_on(request, account, target)
    context = {"form": form, "next": target, "account": account}
    return render(request, "accounts/new_password.html", context, status=422 if form.errors else 200)


@while_enrolling
@even_while_looking
@signed_in
@require_POST
def sign_out(request: Request) -> HttpResponse:
    """Here at once; where a provider is to be told as well, by a page that goes on there."""
    elsewhere = ways.where_to(request)
    sign_in.close_session(request, actor=request.actor)
    if elsewhere:
        return send_away(request, elsewhere, _("You are signed out here. Now signing out where you came from."))
    messages.info(request, _("You are signed out."))
    return redirect("accounts:sign-in")
