"""Settings > Server > Single Sign-On > SAML: our signing key, and the metadata that providers and we read."""

from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from agora.base.access import requires
from agora.base.http import Request
from settings_admin.models import ServerSettings
from sso.models import Provider, SigningKey
from sso.models.saml import KeyState
from sso.saml import copies, keys
from sso.saml.metadata import BadMetadata


def fingerprint(key: SigningKey) -> str:
    """SHA-256 of the certificate, as providers' pages show it, in lines that fit a phone."""
    digest = x509.load_pem_x509_certificate(key.certificate.encode()).fingerprint(SHA256())
    return " ".join(digest[start : start + 8].hex(":").upper() for start in range(0, len(digest), 8))


def _line(provider: Provider) -> dict[str, Any]:
    absolute = ServerSettings.load().absolute
    return {
        "provider": provider,
        "ours": absolute(reverse("sso:saml-metadata", args=[provider.alias])),
        "known": copies.known_facts(provider) is not None,
    }


@requires("settings.change")
@require_safe
def show(request: Request) -> HttpResponse:
    rows = SigningKey.objects.in_order()
    context = {
        "keys": [(row, KeyState(row.state).label, fingerprint(row)) for row in rows],
        "states": {row.state for row in rows},
        "lines": [_line(provider) for provider in Provider.objects.saml()],
    }
    return render(request, "sso/signing_key.html", context)


@requires("settings.change")
@require_POST
def announce(request: Request) -> HttpResponse:
    """Make the next key and publish it in our metadata."""
    keys.announce_key(actor=request.actor)
    messages.success(request, _("The next key is announced. Switch to it when every provider has read our metadata."))
    return redirect("sso:signing-key")


def _asked(request: Request, template: str, done: Callable[..., Any], sentence: str) -> HttpResponse:
    if request.method == "POST":
        done(actor=request.actor)
        messages.success(request, sentence)
        return redirect("sso:signing-key")
    return render(request, template, {"back": reverse("sso:signing-key")})


@requires("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: Request) -> HttpResponse:
    """Ask, then sign with the next key."""
    return _asked(request, "sso/signing_key_switch.html", keys.switch_key, _("The next key signs from now on."))


@requires("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def retire(request: Request) -> HttpResponse:
    """Ask, then forget the previous key."""
    return _asked(request, "sso/signing_key_retire.html", keys.retire_key, _("The previous key is gone."))


@requires("settings.change")
@require_POST
def renew(request: Request, pk: int) -> HttpResponse:
    """Fetch a provider's metadata now instead of within some hours."""
    provider = get_object_or_404(Provider.objects.saml(), pk=pk)
    if not provider.saml.metadata_url:
        raise Http404
    try:
        copies.renew(provider, actor=request.actor)
        messages.success(request, _("The metadata of %(name)s is up to date.") % {"name": provider.name})
    except BadMetadata as bad:
        messages.error(request, _("%(name)s: %(why)s") % {"name": provider.name, "why": bad})
    return redirect("sso:signing-key")
