"""Who the assertion is about: its NameID and its attributes, by the names that the provider's form says."""

from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext as _
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError as Invalid
from onelogin.saml2.response import OneLogin_Saml2_Response as Response

from sso.claims import Person, ProviderRefused
from sso.models.saml import Saml

LONGEST = 255  # characters of a subject
TOO_MANY = "http://schemas.microsoft.com/claims/groups.link"  # what Entra ID sends instead of over 150 groups
# SAML Core 8.3, by their exact names. Others are written out, between brackets, which none of these has.
KINDS = {
    "": "unspecified",
    Constants.NAMEID_UNSPECIFIED: "unspecified",
    "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified": "unspecified",
    Constants.NAMEID_PERSISTENT: "persistent",
    Constants.NAMEID_EMAIL_ADDRESS: "emailAddress",
    Constants.NAMEID_X509_SUBJECT_NAME: "X509SubjectName",
    Constants.NAMEID_WINDOWS_DOMAIN_QUALIFIED_NAME: "WindowsDomainQualifiedName",
    Constants.NAMEID_KERBEROS: "kerberos",
    Constants.NAMEID_ENTITY: "entity",
}


def subject_of(value: str, name_format: str, qualifier: str, provider: str) -> str:
    """The NameID with its kind: "persistent:8f3…"; two kinds of name may look alike and mean two people.

    So may names that the provider passes on from somebody else (NameQualifier): that is said as well, unless it is the
    provider itself, as which an absent one counts (SAML Core 8.3.7).
    """
    kind = KINDS.get(name_format) or f"{{{_bare(name_format)}}}"
    return f"{kind}{f'[{_bare(qualifier)}]' if qualifier not in ('', provider) else ''}:{value}"


def _bare(text: str) -> str:
    """Without brackets and spaces of its own."""
    return quote(text, safe=":/#?&=+,;@!$'()*~")


def person_of(response: Response, saml: Saml) -> tuple[Person, dict[str, str]]:
    """The person, and what a logout request will need. Raises ProviderRefused."""
    try:
        name = response.get_nameid_data()
        attributes = _attributes(response)
    except Invalid as error:
        raise ProviderRefused("no_name_id", str(error)) from None
    value, kind = name["Value"].strip(), name.get("Format", "")
    if kind == Constants.NAMEID_TRANSIENT:
        raise ProviderRefused(
            "transient_name_id",
            _("The NameID is another one at each sign-in (transient). Set it to persistent at the provider."),
        )
    subject = subject_of(value, kind, name.get("NameQualifier", ""), saml.idp_entity_id)
    if not value or len(subject) > LONGEST:
        raise ProviderRefused(
            "no_name_id", _("The NameID is empty or longer than %(most)d characters.") % {"most": LONGEST}
        )
    session_index = response.get_session_index() or ""
    person = Person(
        subject=subject,
        username=_username(attributes, saml.username_attribute, value),
        email=_first(attributes, saml.email_attribute),
        first_name=_first(attributes, saml.first_name_attribute),
        last_name=_first(attributes, saml.last_name_attribute),
        groups=tuple(attributes.get(saml.groups_attribute, ())),
        groups_withheld=TOO_MANY in attributes and saml.groups_attribute not in attributes,
        session_id=session_index,
        raw={"NameID": value, "Format": kind, "SessionIndex": session_index, **attributes},
    )
    kept = {"name_id": value, "format": kind, "session_index": session_index}
    kept |= {"qualifier": name.get("NameQualifier", ""), "sp_qualifier": name.get("SPNameQualifier", "")}
    return person, kept


def _attributes(response: Response) -> dict[str, list[str]]:
    """Values by name and, where no attribute has that name, by friendly name."""
    named: dict[str, list[Any]] = response.get_attributes()
    friendly: dict[str, list[Any]] = response.get_friendlyname_attributes()
    return {name: [one for one in values if isinstance(one, str)] for name, values in {**friendly, **named}.items()}


def _first(attributes: dict[str, list[str]], name: str) -> str:
    return next(iter(attributes.get(name, ())), "") if name else ""


def _username(attributes: dict[str, list[str]], name: str, name_id: str) -> str:
    """The one value of its attribute; the NameID where the form names no attribute."""
    if not name:
        return name_id
    found = set(attributes.get(name, ()))
    if len(found) == 1:
        return found.pop()
    has = ", ".join(sorted(attributes)[:20]) or _("none")
    if not found:
        sentence = _("The attribute “%(name)s” for the username is missing; there are: %(has)s.")
        raise ProviderRefused("no_username", sentence % {"name": name, "has": has})
    raise ProviderRefused("several_usernames", _("The attribute “%(name)s” has several values.") % {"name": name})
