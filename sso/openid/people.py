"""Who somebody is, by the claims of a provider."""

from typing import Any

from django.utils.translation import gettext as _

from sso.claims import Person, ProviderRefused
from sso.models import OpenIdConnect

LONGEST_SUBJECT = 255  # ASCII characters (OpenID Connect Core 1.0, 2)


def person_from(row: OpenIdConnect, token: dict[str, Any], about: dict[str, Any]) -> Person:
    """``about`` is what the userinfo endpoint says; the token's own claims count where both say something."""
    subject = token["sub"]
    if not subject.strip() or len(subject) > LONGEST_SUBJECT or not subject.isprintable():
        raise ProviderRefused("bad_subject", _("The provider's name for the person (sub) can't be used."))
    claims = {**about, **token}
    email = _text(claims, row.email_claim)
    if claims.get("email_verified") in (False, "false"):
        email = ""  # what people typed there themselves may be somebody else's
    session = token.get("sid")
    return Person(
        subject=subject,
        username=_text(claims, row.username_claim),
        email=email,
        first_name=_text(claims, row.first_name_claim),
        last_name=_text(claims, row.last_name_claim),
        groups=_texts(claims, row.groups_claim),
        groups_withheld=_is_elsewhere(claims, row.groups_claim),
        session_id=session if isinstance(session, str) and len(session) <= LONGEST_SUBJECT else "",
        raw=claims,
    )


def _found(claims: dict[str, Any], name: str) -> Any:
    """The claim of this name; else, for ``realm_access.roles``, the one inside of others."""
    if not name or name in claims:
        return claims.get(name)
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _is_elsewhere(claims: dict[str, Any], name: str) -> bool:
    """Must the claim be fetched somewhere (OpenID Connect Core 1.0, 5.6.2)? Entra ID does so with over 200 groups."""
    elsewhere = claims.get("_claim_names")
    return isinstance(elsewhere, dict) and name in elsewhere and name not in claims


def _text(claims: dict[str, Any], name: str) -> str:
    value = _found(claims, name)
    return value.replace("\0", "").strip() if isinstance(value, str) else ""


def _texts(claims: dict[str, Any], name: str) -> tuple[str, ...]:
    value = _found(claims, name)
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(one for one in values if isinstance(one, str) and one)
