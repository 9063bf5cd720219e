"""One's own second factor: authenticator app, recovery codes, passkeys; and resetting somebody else's."""

import re
from typing import Any

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from markupsafe import Markup

from accounts.devices import ALPHABET, RecoveryCode
from accounts.forms.second_factor import FirstCodeForm, PasskeyForm, PasswordAndCodeForm, PasswordForm
from accounts.middleware import must_enrol, while_enrolling
from accounts.models import Account
from accounts.services import passkeys, second_factor, sign_in
from accounts.views.common import person, visible_account
from agora.base.access import not_while_impersonating, requires, signed_in
from agora.base.errors import BadRequest, Refused
from agora.base.http import Request, next_url
from settings_admin.models import ServerSettings

CODES = re.compile(rf"(?:[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}\n){{1,10}}")


def qr_context(request: Request, account: Account) -> dict[str, Any]:
    """The picture and the text of the secret that is being set up, if there is one."""
    device = second_factor.pending(account)
    if device is None:
        return {"device": None, "qr": ""}
    drawn = segno.make(device.uri(f"Agora {ServerSettings.load().hostname}"), error="m")
    svg = drawn.svg_inline(scale=4, border=3, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    return {"device": device, "qr": Markup(svg)}  # noqa: S704 - drawn by the package: figures, no text


@not_while_impersonating
@signed_in
@require_safe
def own_factor(request: Request) -> HttpResponse:
    return show_factor(request)


def show_factor(request: Request, *, passkey_form: PasskeyForm | None = None, status: int = 200) -> HttpResponse:
    """The tab of the profile; a form comes back with its errors in place of a fresh one."""
    account = person(request)
    context = {
        "account": account,
        "app": second_factor.confirmed(account),
        "left": RecoveryCode.objects.left().of_account(account).count(),
        "passkeys": passkeys.of_account(account),
        "required": ServerSettings.load().two_factor_required,
        "passkey_form": passkey_form or PasskeyForm(),
    }
    return render(request, "accounts/second_factor.html", context, status=status)


@while_enrolling
@not_while_impersonating
@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: Request) -> HttpResponse:
    """Begin, scan, type a code; then the recovery codes. With an app already, password and code come first."""
    account = person(request)
    if second_factor.confirmed(account) and not second_factor.pending(account):
        return redirect("accounts:second-factor-replace")
    form = FirstCodeForm(request.POST if "code" in request.POST else None)
    if "begin" in request.POST:
        second_factor.begin(account)
        return redirect("accounts:second-factor-setup")
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factor.confirm(account, form.cleaned_data["code"], actor=request.actor)
        except Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            request.session.cycle_key()  # a step up: whoever knew the key before knows nothing now
            return show_codes(request, codes)
    context = {"form": form, "account": account, "forced": must_enrol(request), **qr_context(request, account)}
    return render(request, "accounts/second_factor_setup.html", context, status=422 if form.errors else 200)


def show_codes(request: Request, codes: list[str]) -> HttpResponse:
    """The only page that ever holds them."""
    return render(request, "accounts/recovery_codes.html", {"codes": codes})


@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def replace(request: Request) -> HttpResponse:
    """A new app in place of the old one: password and a code of the old one, or a recovery code."""
    form = PasswordAndCodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and proved(request, form):
        second_factor.begin(person(request))
        return redirect("accounts:second-factor-setup")
    return render(request, "accounts/second_factor_replace.html", {"form": form}, status=422 if form.errors else 200)


@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: Request) -> HttpResponse:
    """Password and code; refused while the server requires a second factor and there is no passkey."""
    form = PasswordAndCodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and proved(request, form):
        second_factor.remove(person(request), actor=request.actor)
        request.session.cycle_key()
        messages.success(request, _("Your authenticator app is removed."))
        return redirect("accounts:second-factor")
    return render(request, "accounts/second_factor_remove.html", {"form": form}, status=422 if form.errors else 200)


def proved(request: Request, form: PasswordForm) -> bool:
    """Are password and, where it is asked, code right? What is wrong stands under its field."""
    account = person(request)
    try:
        sign_in.confirm_password(request, account, form.cleaned_data["current_password"], actor=request.actor)
    except Refused as refusal:
        form.add_error("current_password", str(refusal))
        return False
    if "code" in form.fields:
        try:
            second_factor.check(account, form.cleaned_data["code"], actor=request.actor)
        except Refused as refusal:
            form.add_error("code", str(refusal))
            return False
    return True


@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_codes(request: Request) -> HttpResponse:
    """The password, then ten new recovery codes; the old ones are dead."""
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and proved(request, form):
        return show_codes(request, second_factor.renew_codes(person(request), actor=request.actor))
    return render(request, "accounts/recovery_codes_new.html", {"form": form}, status=422 if form.errors else 200)


@not_while_impersonating
@signed_in
@require_POST
def download_codes(request: Request) -> HttpResponse:
    """The codes of the page as a file: what the browser sends is sent back, for the server has no copy."""
    text = request.POST.get("codes", "").replace("\r\n", "\n")
    if not CODES.fullmatch(text):
        raise BadRequest(_("These are no recovery codes. Make new ones on your profile."))
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="agora-recovery-codes.txt"'
    return response


@not_while_impersonating
@requires("accounts.reset_second_factor")
@require_http_methods(["GET", "HEAD", "POST"])
def reset(request: Request, pk: int) -> HttpResponse:
    """Ask, then take all devices of an account away."""
    account = visible_account(request, pk)
    target = next_url(request, reverse("accounts:card", args=[pk]))
    if request.method == "POST":
        second_factor.reset(account, actor=request.actor)
        messages.success(request, _("The second factor of %(name)s is reset.") % {"name": account.username})
        return redirect(target)
    facts = [
        ("smartphone", _("Authenticator app, passkeys and recovery codes of this account count no more")),
        ("monitor-off", _("All its sessions end at once")),
        ("scroll-text", _("The reset and your name go into the audit log")),
    ]
    context = {"account": account, "facts": facts, "next": target}
    return render(request, "accounts/second_factor_reset.html", context)
