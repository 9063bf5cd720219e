"""One conversation with one provider: mozilla-django-oidc set up from a row, and the checks that it leaves out.

The library asks for the token, reads it and asks about the person; it checks neither issuer nor audience nor times,
knows one provider only, and finds accounts by e-mail address.
"""

from base64 import b64encode
from copy import copy
from typing import Any
from urllib.parse import quote_plus, urlsplit

import jwt
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest
from django.utils.translation import gettext as _
from mozilla_django_oidc.auth import OIDCAuthenticationBackend
from mozilla_django_oidc.views import OIDCAuthenticationRequestView

from agora.base.models import Unreadable
from sso.claims import Check, Person, ProviderRefused
from sso.models import OpenIdConnect
from sso.openid.discovery import Endpoints, fetched, read_json
from sso.openid.people import person_from
from sso.openid.tokens import verified

SIGNED = ("iss", "sub", "aud")  # a signed answer about a person has no times
FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
MASK = "•••"
NOT_USED = "accounts:sign-in"  # the library wants a name of an address; ours come with the provider


def library_settings(row: OpenIdConnect, endpoints: Endpoints) -> dict[str, Any]:
    """What the library would read from Django's settings. What does not stand here is its own default.

    Raises ProviderRefused (unreadable_secret): without the secret this would be a public client, which it is not.
    """
    if isinstance(row.client_secret, Unreadable):
        sentence = _("The Client Secret can't be read with this server's encryption key. Type it again.")
        raise ProviderRefused("unreadable_secret", sentence)
    return {
        "OIDC_OP_AUTHORIZATION_ENDPOINT": "",
        "OIDC_OP_TOKEN_ENDPOINT": endpoints.token,
        "OIDC_OP_USER_ENDPOINT": endpoints.userinfo,
        "OIDC_OP_JWKS_ENDPOINT": endpoints.keys,
        "OIDC_RP_CLIENT_ID": row.client_id,
        "OIDC_RP_CLIENT_SECRET": str(row.client_secret),
        "OIDC_RP_SCOPES": scopes(row),
        "OIDC_RP_SIGN_ALGO": "RS256",  # any that is not symmetric: the token's header is checked against our own list
        "OIDC_USE_PKCE": True,
        "OIDC_PKCE_CODE_CHALLENGE_METHOD": "S256",
        "OIDC_AUTHENTICATION_CALLBACK_URL": NOT_USED,
    }


def scopes(row: OpenIdConnect) -> str:
    """``openid`` is what makes it OpenID Connect; whoever leaves it out means it."""
    named = row.scopes.split()
    return " ".join(["openid", *(name for name in named if name != "openid")])


class Begin(OIDCAuthenticationRequestView):  # type: ignore[misc]  # the library has no types
    """Where to send the browser, with state, nonce and PKCE (RFC 7636)."""

    def __init__(self, row: OpenIdConnect, endpoints: Endpoints, **extra: str) -> None:
        self.values, self.extra, self.endpoints = library_settings(row, endpoints), extra, endpoints
        super().__init__()

    def get_settings(self, attr: str, *args: Any) -> Any:
        return self.values[attr] if attr in self.values else args[0]

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        return self.extra

    def address(self, request: HttpRequest) -> tuple[str, str, dict[str, str]]:
        """The address, the state in it, and what its answer will be compared with."""
        own = copy(request)
        own.session = {}  # type: ignore[assignment]  # the library's notes, which we keep in a row that counts once
        asked = self.get(own).url.removeprefix("?")
        [(state, noted)] = own.session["oidc_states"].items()
        joint = "&" if urlsplit(self.endpoints.authorization).query else "?"
        remembered = {"nonce": noted["nonce"], "code_verifier": noted["code_verifier"]}
        return f"{self.endpoints.authorization}{joint}{asked}", state, remembered


class Client(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Made for one answer of one provider. ``checks`` are those that passed so far, in order."""

    def __init__(self, row: OpenIdConnect, endpoints: Endpoints, redirect_uri: str) -> None:
        self.row, self.endpoints, self.redirect_uri = row, endpoints, redirect_uri
        self.values = library_settings(row, endpoints)
        self.checks: list[Check] = []
        self.id_token = ""
        self.claims: dict[str, Any] = {}  # of the ID token
        super().__init__()

    def get_settings(self, attr: str, *args: Any) -> Any:
        return self.values[attr] if attr in self.values else args[0]

    def person(self, request: HttpRequest, *, nonce: str, code_verifier: str) -> Person:
        """Who came back. Raises ProviderRefused, ProviderSilent."""
        found = self.authenticate(request, nonce=nonce, code_verifier=code_verifier)
        if not isinstance(found, Person):
            raise ProviderRefused("no_code", _("The provider's answer lacks the code."))
        return found

    def passed(self, name: str, sentence: str) -> None:
        self.checks.append(Check(True, name, sentence))

    # --- What the library calls, in this order ------------------------------------------------------------------------

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """The code is exchanged (RFC 6749, 4.1.3), with the secret where the provider expects it."""
        payload["redirect_uri"] = self.redirect_uri
        headers, secret = dict(FORM), payload["client_secret"]
        if not secret:
            del payload["client_secret"]  # a public client, for which PKCE is all
        elif self.endpoints.basic:
            pair = f"{quote_plus(payload['client_id'])}:{quote_plus(payload.pop('client_secret'))}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        answer = fetched(self.endpoints.token, data=payload, headers=headers)
        if answer.status != 200:
            words = " ".join(answer.content[:300].decode("utf-8", "replace").split())
            sentence = _("The provider did not exchange the code, it answered %(status)d: %(words)s")
            told = {"status": answer.status, "words": words.replace(secret, MASK) if secret else words}
            raise ProviderRefused("code_refused", sentence % told)
        values = read_json(answer)
        if not isinstance(values.get("id_token"), str) or not isinstance(values.get("access_token"), str):
            raise ProviderRefused("no_token", _("The provider's answer to the code lacks a token."))
        self.passed(_("Code"), _("Exchanged for tokens, with PKCE."))
        return values

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = super().verify_token(token, **kwargs)
        except SuspiciousOperation as error:  # whatever else is wrong was refused by name
            raise ProviderRefused("wrong_nonce", _("The token answers another sign-in (nonce).")) from error
        self.passed(_("Nonce"), _("The token answers this sign-in."))
        return claims

    def retrieve_matching_jwk(self, token: str) -> str:
        """The key is looked up where the token is verified, among those that are kept."""
        return ""

    def _verify_jws(self, payload: str, key: Any) -> dict[str, Any]:
        claims = verified(payload, self.endpoints, self.row.client_id)
        algorithm = jwt.get_unverified_header(payload)["alg"]
        self.passed(_("Signature"), _("Signed by the provider with %(alg)s.") % {"alg": algorithm})
        self.passed(_("Issuer"), claims["iss"])
        self.passed(_("Audience"), _("Meant for %(client)s.") % {"client": self.row.client_id})
        self.passed(_("Time"), _("The token counts now."))
        return claims

    def store_tokens(self, access_token: str, id_token: str) -> None:
        self.id_token = id_token

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> Person:
        """Who it is; which account that is, is decided elsewhere and never by e-mail address."""
        about = self.get_userinfo(access_token, id_token, payload) if self.endpoints.userinfo else {}
        self.claims = payload
        return person_from(self.row, payload, about)

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        """What the provider says besides (OpenID Connect Core 1.0, 5.3), of the same person."""
        answer = fetched(self.endpoints.userinfo, headers={"Authorization": f"Bearer {access_token}"})
        if answer.status != 200:
            sentence = _("The provider did not say who it is, it answered %(status)d.")
            raise ProviderRefused("userinfo_refused", sentence % {"status": answer.status})
        if answer.content_type.lower().startswith("application/jwt"):
            about = verified(
                answer.content.decode("ascii", "replace"), self.endpoints, self.row.client_id, require=SIGNED
            )
        else:
            about = read_json(answer)
        if about.get("sub") != payload["sub"]:
            raise ProviderRefused("userinfo_subject", _("The provider says more about somebody else (sub)."))
        self.passed(_("Userinfo"), _("About the same subject as the token."))
        return about
