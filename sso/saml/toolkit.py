"""The library's settings and requests, made from a provider's row instead of from files."""

import copy
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from django.http import HttpRequest
from django.urls import reverse
from onelogin.saml2.authn_request import OneLogin_Saml2_Authn_Request as AuthnRequest
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request as LogoutRequest
from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response as LogoutResponse
from onelogin.saml2.settings import OneLogin_Saml2_Settings as Settings

from sso.saml.metadata import IdentityProvider

Request = dict[str, Any]  # as the library takes one


@dataclass(frozen=True)
class Pair:
    """A private key with its certificate, as PEM."""

    private_key: str
    certificate: str


@dataclass(frozen=True)
class Addresses:
    """Where this server is reached for one provider."""

    acs: str
    slo: str
    metadata: str

    @classmethod
    def of(cls, request: HttpRequest, alias: str) -> "Addresses":
        """By the name that the browser uses now: the browser that comes back must bring its cookie along."""
        names = ("sso:saml-acs", "sso:saml-slo", "sso:saml-metadata")
        return cls(*(request.build_absolute_uri(reverse(name, args=[alias])) for name in names))


@dataclass(frozen=True)
class Sides:
    """Both sides of the conversation: who they are, where, and with which keys; the first pair signs, all decrypt."""

    provider: IdentityProvider
    sp_entity_id: str
    addresses: Addresses
    pairs: tuple[Pair, ...]
    sign_requests: bool = False
    idp_initiated: bool = False

    def settings(self, pair: Pair, *, messages_signed: bool = False) -> Settings:
        """As the library takes them. ``messages_signed``: for logout, where the message itself must be."""
        sides = {
            "strict": True,
            "sp": {
                "entityId": self.sp_entity_id,
                "assertionConsumerService": {"url": self.addresses.acs},
                "singleLogoutService": {"url": self.addresses.slo},
                "NameIDFormat": Constants.NAMEID_UNSPECIFIED,
                "x509cert": pair.certificate,
                "privateKey": pair.private_key,
            },
            "idp": {
                "entityId": self.provider.entity_id,
                "singleSignOnService": {"url": self.provider.sign_in},
                "singleLogoutService": {"url": self.provider.logout, "responseUrl": self.provider.logout_answer},
                "x509certMulti": {"signing": list(self.provider.certificates)},
            },
            "security": {
                "wantMessagesSigned": messages_signed,
                "rejectDeprecatedAlgorithm": True,
                "rejectUnsolicitedResponsesWithInResponseTo": True,
                "requestedAuthnContext": False,  # asking for a password form fails where people sign in by smart card
                "wantAttributeStatement": False,
                "allowRepeatAttributeName": True,  # some name an attribute once for each group
                "allowSingleLabelDomains": True,
            },
        }
        return Settings(sides)


def as_received(url: str, **parts: Any) -> Request:
    """A request to this address of ours, as the library takes one."""
    at = urlsplit(url)
    https = "on" if at.scheme == "https" else "off"
    return {"https": https, "http_host": at.netloc, "script_name": at.path, "get_data": {}, "post_data": {}, **parts}


def escaped_settings(settings: Settings) -> Settings:
    """The library writes these into XML as they are; an address with "&" would break it."""
    copied = copy.copy(settings)
    for name in ("_sp", "_idp"):
        setattr(copied, name, escaped(getattr(settings, name)))
    return copied


def escaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: escaped(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [escaped(inner) for inner in value]
    return escape(value, {'"': "&quot;"}) if isinstance(value, str) else value


class OurAuthnRequest(AuthnRequest):  # type: ignore[misc]  # the library has no types
    def __init__(self, settings: Settings, *, force: bool = False) -> None:
        super().__init__(escaped_settings(settings), force_authn=force)


class OurLogoutRequest(LogoutRequest):  # type: ignore[misc]
    def __init__(self, settings: Settings, *, session_index: str, **name: str | None) -> None:
        super().__init__(escaped_settings(settings), session_index=escape(session_index), **name)


class OurLogoutResponse(LogoutResponse):  # type: ignore[misc]
    def __init__(self, settings: Settings, *, in_response_to: str) -> None:
        super().__init__(escaped_settings(settings))
        self.build(escape(in_response_to, {'"': "&quot;"}))
