"""Signed tokens of a provider (RFC 7519): ID tokens, signed answers about a person, logout tokens."""

from datetime import timedelta
from typing import Any

import jwt
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sso.claims import ProviderRefused
from sso.fetch import storable
from sso.openid import keys
from sso.openid.discovery import Endpoints

LEEWAY = timedelta(seconds=30)  # by which clocks may differ
ID_TOKEN = ("iss", "sub", "aud", "exp", "iat")  # OpenID Connect Core 1.0, 2


def verified(
    token: str, endpoints: Endpoints, client_id: str, *, require: tuple[str, ...] = ID_TOKEN
) -> dict[str, Any]:
    """The token's claims, when the provider signed it, for us, and it counts now. Raises ProviderRefused.

    ``require`` names the claims that must be there; those of time are checked wherever they are.
    """
    header = header_of(token)
    algorithm, key_id = header.get("alg", ""), header.get("kid")
    if algorithm.lower() == "none":
        raise ProviderRefused("unsigned", _("The token is not signed."))
    if algorithm not in endpoints.algorithms:
        sentence = _("The token is signed with %(alg)s, which is not among the accepted: %(accepted)s.")
        accepted = ", ".join(endpoints.algorithms)
        raise ProviderRefused("algorithm", sentence % {"alg": algorithm[:20], "accepted": accepted})
    key = keys.find(endpoints.keys, key_id=key_id, algorithm=algorithm)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=list(endpoints.algorithms),
            audience=client_id,
            issuer=endpoints.issuer,
            leeway=LEEWAY,
            options={"require": list(require), "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError as error:
        raise _refused(error) from error
    _check_values(claims)
    _check_party(claims, client_id)
    return claims


def header_of(token: str) -> dict[str, Any]:
    """What the token says of itself, not to be believed. Raises ProviderRefused."""
    try:
        header: dict[str, Any] = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise ProviderRefused("malformed", _("The token can't be read: %(why)s.") % {"why": error}) from error
    if not isinstance(header.get("alg", ""), str) or not storable(header):
        raise ProviderRefused("malformed", _("The token's header makes no sense."))
    return header


REASONS: list[tuple[type[jwt.PyJWTError], str, Promise]] = [
    (jwt.ExpiredSignatureError, "expired", gettext_lazy("The token has expired.")),
    (
        jwt.ImmatureSignatureError,
        "not_yet_valid",
        gettext_lazy("The token counts only in the future: compare the clocks."),
    ),
    (jwt.InvalidIssuerError, "wrong_issuer", gettext_lazy("The token was issued by somebody else.")),
    (jwt.InvalidAudienceError, "wrong_audience", gettext_lazy("The token is meant for another client.")),
    (jwt.InvalidSignatureError, "signature", gettext_lazy("The token's signature is not that of the provider.")),
    (jwt.InvalidKeyError, "bad_key", gettext_lazy("The provider's key is too short or of the wrong kind.")),
    (jwt.InvalidAlgorithmError, "algorithm", gettext_lazy("The token is signed in another way than its key is for.")),
]


def _refused(error: jwt.PyJWTError) -> ProviderRefused:
    if isinstance(error, jwt.MissingRequiredClaimError):
        sentence = _("The token lacks the claim %(claim)s.") % {"claim": error.claim}
        return ProviderRefused(f"missing_{error.claim}", sentence)
    for kind, reason, words in REASONS:
        if isinstance(error, kind):
            return ProviderRefused(reason, words)
    return ProviderRefused("malformed", _("The token makes no sense: %(why)s.") % {"why": error})


LAST = 253_402_300_799  # the end of the year 9999 in seconds since 1970


def _check_values(claims: dict[str, Any]) -> None:
    """What is made of them further on can't go wrong: text is text, and times are times."""
    times = [claims[name] for name in ("exp", "iat", "nbf", "auth_time") if name in claims]
    right = all(type(value) in (int, float) and 0 <= value <= LAST for value in times)
    if not right or not storable(claims):
        raise ProviderRefused("malformed", _("The token holds values that make no sense."))


def _check_party(claims: dict[str, Any], client_id: str) -> None:
    """A token for several clients says which of them asked for it (OpenID Connect Core 1.0, 3.1.3.7, 4 and 5)."""
    several = isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise ProviderRefused("wrong_party", _("The token was made for another client (azp)."))
