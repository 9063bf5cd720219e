"""One's own passkeys and security keys: registering, naming and removing them."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.second_factor import PasskeyForm, PasswordForm
from accounts.middleware import while_enrolling
from accounts.passkeys import Passkeys
from accounts.services import passkeys
from accounts.views.common import person
from accounts.views.second_factor import proved, show_codes, show_factor
from accounts.views.sign_in_code import made
from agora.base.access import not_while_impersonating, signed_in
from agora.base.http import Request

CHALLENGE = "passkey_registration"


@while_enrolling
@not_while_impersonating
@signed_in
@require_POST
def register_begin(request: Request) -> HttpResponse:
    """What the browser is to make."""
    options, state = Passkeys(request).register_begin(person(request))
    request.session[CHALLENGE] = state
    return JsonResponse(options)


@while_enrolling
@not_while_impersonating
@signed_in
@require_POST
def register_complete(request: Request) -> HttpResponse:
    """What the browser made, under the name that was typed; recovery codes follow when it is the first factor."""
    state = request.session.pop(CHALLENGE, None)
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        return show_factor(request, passkey_form=form, status=422)
    try:
        codes = passkeys.add(
            person(request),
            Passkeys(request),
            state or {},
            made(request),
            form.cleaned_data["name"],
            actor=request.actor,
        )
    except passkeys.PasskeyRefused as refusal:
        form.add_error("name", str(refusal))
        return show_factor(request, passkey_form=form, status=422)
    request.session.cycle_key()
    if codes:
        return show_codes(request, codes)
    messages.success(request, _("The passkey is registered."))
    return redirect("accounts:second-factor")


@not_while_impersonating
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: Request, pk: int) -> HttpResponse:
    device = get_object_or_404(passkeys.of_account(person(request)), pk=pk)
    form = PasskeyForm(request.POST if request.method == "POST" else None, initial={"name": device.name})
    if request.method == "POST" and form.is_valid():
        passkeys.rename(person(request), pk, form.cleaned_data["name"], actor=request.actor)
        return redirect("accounts:second-factor")
    context = {"form": form, "passkey": device}
    return render(request, "accounts/passkey_rename.html", context, status=422 if form.errors else 200)


@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: Request, pk: int) -> HttpResponse:
    """The password; refused for the last factor while the server requires one."""
    device = get_object_or_404(passkeys.of_account(person(request)), pk=pk)
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and proved(request, form):
        passkeys.remove(person(request), pk, actor=request.actor)
        messages.success(request, _("The passkey is removed."))
        return redirect("accounts:second-factor")
    context = {"form": form, "passkey": device}
    return render(request, "accounts/passkey_remove.html", context, status=422 if form.errors else 200)
