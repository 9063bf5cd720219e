"""One's own passkeys and security keys: registering, naming and removing them."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms.second_factor import FirstCodeForm, NewPasskeyForm, PasskeyForm
from accounts.middleware import must_enrol, while_enrolling
from accounts.passkeys import Passkeys, made
from accounts.services import passkeys
from accounts.views.common import person
from accounts.views.proof import asked, from_directory, proved
from accounts.views.second_factor import show_factor
from accounts.views.setup import show_codes, show_setup
from agora.base.access import not_while_impersonating, signed_in
from agora.base.http import Request

CHALLENGE = "passkey_registration"


@while_enrolling
@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_POST
def register_begin(request: Request) -> HttpResponse:
    """What the browser is to make, once it is proved who asks; of a forced first factor no proof is asked."""
    account, free = person(request), must_enrol(request)
    form = NewPasskeyForm(account, request.POST, elsewhere=from_directory(request), free=free)
    if not (form.is_valid() and proved(request, form)):
        sentences = [str(text) for errors in form.errors.values() for text in errors]
        return JsonResponse({"detail": " ".join(sentences)}, status=422)
    options, state = Passkeys(request).register_begin(account)
    request.session[CHALLENGE] = state | {"free": free}
    return JsonResponse(options)


@while_enrolling
@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_POST
def register_complete(request: Request) -> HttpResponse:
    """What the browser made, under the name that was typed; recovery codes follow when it is the first factor."""
    account, free = person(request), must_enrol(request)
    state = request.session.pop(CHALLENGE, None) or {}
    if state.pop("free", False) and not free:
        state = {}  # begun without a proof, before there was anything to take over
    form = PasskeyForm(request.POST)
    try:
        if not form.is_valid():
            raise passkeys.PasskeyRefused(str(form.errors["name"][0]))
        name = form.cleaned_data["name"]
        codes = passkeys.add(account, Passkeys(request), state, made(request), name, actor=request.actor)
    except passkeys.PasskeyRefused as refusal:
        if free:
            return show_setup(request, FirstCodeForm(), asked(request, sent=False), wrong=str(refusal), status=422)
        return show_factor(request, wrong=str(refusal), status=422)
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
    """Password and code, or another passkey; refused for the last factor while the server requires one."""
    device = get_object_or_404(passkeys.of_account(person(request)), pk=pk)
    sent = request.method == "POST"
    passkeys.check_removable(person(request), actor=request.actor if sent else None)
    form = asked(request, sent=sent, code=True)
    if sent and form.is_valid() and proved(request, form):
        passkeys.remove(person(request), pk, actor=request.actor)
        request.session.cycle_key()
        messages.success(request, _("The passkey is removed."))
        return redirect("accounts:second-factor")
    context = {"form": form, "passkey": device}
    return render(request, "accounts/passkey_remove.html", context, status=422 if form.errors else 200)
