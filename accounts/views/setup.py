"""Setting up an authenticator app in an open session: begin, scan, type a code, keep the recovery codes."""

from typing import Any

import segno
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from markupsafe import Markup

from accounts.forms.second_factor import FirstCodeForm, NewPasskeyForm, ProofForm
from accounts.middleware import must_enrol, while_enrolling
from accounts.models import Account
from accounts.passkeys import reached_by_name
from accounts.services import second_factor
from accounts.views.common import person
from accounts.views.proof import asked, proved
from agora.base.access import not_while_impersonating, signed_in
from agora.base.errors import Refused
from agora.base.http import Request
from settings_admin.models import ServerSettings


def qr_context(account: Account) -> dict[str, Any]:
    """The picture and the text of the secret that is being set up, if there is one."""
    device = second_factor.pending(account)
    if device is None:
        return {"device": None, "qr": ""}
    drawn = segno.make(device.uri(f"Agora {ServerSettings.load().hostname}"), error="m")
    svg = drawn.svg_inline(scale=4, border=3, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    return {"device": device, "qr": Markup(svg)}  # noqa: S704 - drawn by the package: figures, no text


@while_enrolling
@not_while_impersonating
@signed_in
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: Request) -> HttpResponse:
    """Begin, scan, type a code; then the recovery codes. With an app already, password and code come first.

    The password is asked at the beginning: whoever comes by an open session must not make it theirs. Not of somebody
    who is made to set up their first: then the page has nothing yet to be taken over.
    """
    account, forced = person(request), must_enrol(request)
    if second_factor.confirmed(account) and not second_factor.pending(account):
        return redirect("accounts:second-factor-replace")
    begins = "begin" in request.POST
    form = FirstCodeForm(request.POST if request.method == "POST" and not begins else None)
    proof = asked(request, sent=begins)
    if begins and (forced or (proof.is_valid() and proved(request, proof))):
        second_factor.begin(account)
        return redirect("accounts:second-factor-setup")
    if form.is_valid():
        try:
            codes = second_factor.confirm(account, form.cleaned_data["code"], actor=request.actor)
        except Refused as refusal:
            form.add_error("code", str(refusal))
        else:
            request.session.cycle_key()  # a step up: whoever knew the key before knows nothing now
            return show_codes(request, codes)
    return show_setup(request, form, proof, status=422 if form.errors or proof.errors else 200)


def show_setup(
    request: Request, form: FirstCodeForm, proof: ProofForm, *, wrong: str = "", status: int
) -> HttpResponse:
    """The page; ``wrong`` says why no passkey was added, which a forced first factor may be as well."""
    account, forced = person(request), must_enrol(request)
    context = {
        "form": form,
        "proof": None if forced else proof,
        "forced": forced,
        "passkey_form": NewPasskeyForm(account, free=True),
        "wrong": wrong,
        "by_name": reached_by_name(request),
        **qr_context(account),
    }
    return render(request, "accounts/second_factor_setup.html", context, status=status)


def show_codes(request: Request, codes: list[str]) -> HttpResponse:
    """The only page that ever holds them."""
    return render(request, "accounts/recovery_codes.html", {"codes": codes})
