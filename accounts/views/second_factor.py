"""One's own second factor: what there is, new codes, another app, none; and resetting somebody else's."""

import re

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.devices import ALPHABET, RecoveryCode
from accounts.forms.second_factor import NewPasskeyForm
from accounts.passkeys import reached_by_name
from accounts.services import passkeys, second_factor
from accounts.views.common import person, visible_account
from accounts.views.proof import asked, from_directory, proved
from accounts.views.setup import show_codes
from agora.base.access import not_while_impersonating, requires, signed_in
from agora.base.errors import BadRequest
from agora.base.http import Request, next_url
from settings_admin.models import ServerSettings

CODES = re.compile(rf"(?:[{ALPHABET}]{{5}}-[{ALPHABET}]{{5}}\n){{1,10}}")


@not_while_impersonating
@signed_in
@require_safe
def own_factor(request: Request) -> HttpResponse:
    return show_factor(request)


def show_factor(request: Request, *, wrong: str = "", status: int = 200) -> HttpResponse:
    """The tab of the profile; ``wrong`` says why no passkey was added."""
    account = person(request)
    context = {
        "account": account,
        "app": second_factor.confirmed(account),
        "left": RecoveryCode.objects.left().of_account(account).count(),
        "passkeys": passkeys.of_account(account),
        "required": ServerSettings.load().two_factor_required,
        "passkey_form": NewPasskeyForm(account, elsewhere=from_directory(request)),
        "wrong": wrong,
        "by_name": reached_by_name(request),
    }
    return render(request, "accounts/second_factor.html", context, status=status)


@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def replace(request: Request) -> HttpResponse:
    """A new app in place of the old one: password and a code of the old one, or a recovery code."""
    form = asked(request, sent=request.method == "POST", code=True)
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
    sent = request.method == "POST"
    second_factor.check_removable(person(request), actor=request.actor if sent else None)
    form = asked(request, sent=sent, code=True)
    if sent and form.is_valid() and proved(request, form):
        second_factor.remove(person(request), actor=request.actor)
        request.session.cycle_key()
        messages.success(request, _("Your authenticator app is removed."))
        return redirect("accounts:second-factor")
    return render(request, "accounts/second_factor_remove.html", {"form": form}, status=422 if form.errors else 200)


@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new_codes(request: Request) -> HttpResponse:
    """The password, then ten new recovery codes; the old ones are dead."""
    form = asked(request, sent=request.method == "POST")
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
