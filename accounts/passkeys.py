"""Passkeys and security keys (WebAuthn): the package's ceremonies for the name by which this server is reached."""

import json
from ipaddress import ip_address
from typing import Any

from django.http import HttpRequest
from django_otp_webauthn.helpers import WebAuthnHelper
from webauthn.helpers.structs import ResidentKeyRequirement

from agora.base.env import without_port


def reached_by_name(request: HttpRequest) -> bool:
    """Can there be passkeys at this address? An IP address is no valid RP ID (WebAuthn, section 5.1.2)."""
    try:
        ip_address(without_port(request.get_host()).strip("[]"))
    except ValueError:
        return True
    return False


class Passkeys(WebAuthnHelper):  # type: ignore[misc]  # the package has no types
    """A passkey belongs to the host name in the browser's address line; the request's was checked before."""

    def get_relying_party_domain(self) -> str:
        return without_port(self.request.get_host()).lower()

    def get_relying_party_name(self) -> str:
        return "Agora"

    def get_allowed_origins(self) -> list[str]:
        return [f"{self.request.scheme}://{self.request.get_host()}"]

    def get_discoverable_credentials_preference(self) -> Any:
        """A second factor is asked for by name, so security keys with little memory will do."""
        return ResidentKeyRequirement.DISCOURAGED


def made(request: HttpRequest) -> dict[str, Any]:
    """What the browser made or signed, as the page's script put it into the form; empty when it is none."""
    try:
        data = json.loads(request.POST.get("credential", ""))
    except (ValueError, RecursionError):  # the latter for ten thousand brackets
        return {}
    return data if isinstance(data, dict) else {}
