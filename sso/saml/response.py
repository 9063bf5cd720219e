"""The provider's answer to a sign-in: read, checked by the library and against the profile, turned into a Person."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xmlsec
from django.utils.translation import gettext as _
from lxml import etree
from onelogin.saml2.errors import OneLogin_Saml2_Error
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError as Invalid
from onelogin.saml2.response import OneLogin_Saml2_Response as Response

from sso.claims import Check, Person, ProviderRefused
from sso.models.saml import Saml
from sso.saml import document
from sso.saml.document import ASSERTION, SIGNED, Element
from sso.saml.person import person_of
from sso.saml.profile import asked_at, check_addressees, check_answers, check_issuers, check_status, check_times
from sso.saml.toolkit import Sides, as_received

Owner = Callable[[str], str]  # of a certificate: the name of another configured provider, or ""
REASONS = {
    Invalid.NO_SIGNATURE_FOUND: "unsigned",
    Invalid.INVALID_XML_FORMAT: "schema",
    Invalid.WRONG_AUDIENCE: "wrong_audience",
    Invalid.WRONG_DESTINATION: "wrong_destination",
    Invalid.EMPTY_DESTINATION: "wrong_destination",
    Invalid.WRONG_ISSUER: "wrong_issuer",
    Invalid.ISSUER_MULTIPLE_IN_RESPONSE: "wrong_issuer",
    Invalid.ISSUER_NOT_FOUND_IN_ASSERTION: "wrong_issuer",
    Invalid.ASSERTION_EXPIRED: "expired",
    Invalid.SESSION_EXPIRED: "expired",
    Invalid.ASSERTION_TOO_EARLY: "too_early",
    Invalid.NO_NAMEID: "no_name_id",
    Invalid.EMPTY_NAMEID: "no_name_id",
    Invalid.ENCRYPTED_ATTRIBUTES: "encrypted_attribute",
}


@dataclass(frozen=True)
class Arrived:
    """What an answer says once everything about it is right."""

    person: Person
    assertion_id: str
    expires_at: datetime
    kept: dict[str, str]  # what a logout request will need
    asked_at: float | None  # when the provider asked the person (AuthnInstant), seconds since 1970


@contextmanager
def step(checks: list[Check], name: str, sentence: str) -> Iterator[None]:
    """One line of a test's report: the sentence when what is inside passes, else what the refusal says."""
    try:
        yield
    except ProviderRefused as refusal:
        checks.append(Check(False, name, str(refusal)))
        raise
    checks.append(Check(True, name, sentence))


def peek(message: str) -> tuple[str, str]:
    """The request that an answer says it answers, and its assertion's ID, before anything of it is believed.

    Raises ProviderRefused for what is no SAML response at all.
    """
    root = document.read(document.decoded(message))
    data = root.find(f"{ASSERTION}/{document.SAML}Subject//{document.SAML}SubjectConfirmationData")
    inner = data.get("InResponseTo", "") if data is not None else ""
    assertion = root.find(ASSERTION)
    return root.get("InResponseTo") or inner, assertion.get("ID", "") if assertion is not None else ""


def check_response(
    message: str, sides: Sides, saml: Saml, *, request_id: str, checks: list[Check], owner: Owner
) -> Arrived:
    """Everything that an answer must pass (SAML Profiles 4.1.4.3). ``checks`` gets a line for each that was tried.

    Raises ProviderRefused; with an empty ``request_id`` nothing was asked, which must be allowed by the caller.
    """
    with step(checks, _("Form of the message"), _("One response with one assertion, nothing hidden in it.")):
        root = document.read(document.decoded(message))
        document.refuse_invisible(root)
        document.check_shape(root)
    with step(checks, _("Answer"), _("The provider says that the sign-in succeeded.")):
        check_status(root)
    response = _opened(message, root, sides, checks)
    assertion = response.get_xml_document().find(ASSERTION)
    if assertion is None:
        raise ProviderRefused("no_assertion", _("The message has no assertion."))
    with step(checks, _("Issuer"), _("It comes from the Identity Provider Entity ID of this form.")):
        check_issuers(root, assertion, sides)
    with step(checks, _("Addressee"), _("It is meant for this server: Audience, Recipient and Destination are right.")):
        check_addressees(root, assertion, sides)
    with step(checks, _("Time"), _("It is valid now, and only for a short time.")):
        expires_at = check_times(assertion)
    with step(checks, _("Question"), _("It answers the request that this server sent.")):
        check_answers(root, assertion, request_id)
    with step(checks, _("Signature"), _("It is signed with a key from the provider's metadata.")):
        _check_by_library(response, sides, request_id, owner)
    with step(checks, _("Person"), _("NameID and username are there.")):
        person, kept = person_of(response, saml)
    return Arrived(person, assertion.get("ID", ""), expires_at, kept, asked_at(assertion))


def _opened(message: str, root: Element, sides: Sides, checks: list[Check]) -> Response:
    """The library's reading of the message, decrypted with the key that fits."""
    if root.find(document.SECRET) is None:
        return Response(sides.settings(sides.pairs[0]), message)
    with step(checks, _("Decryption"), _("The assertion is encrypted for this server's key.")):
        for pair in sides.pairs:
            try:
                response = Response(sides.settings(pair), message)
            except (xmlsec.Error, OneLogin_Saml2_Error, Invalid, etree.LxmlError):
                continue
            document.refuse_invisible(response.decrypted_document)
            document.check_shape(response.decrypted_document)
            return response
        raise ProviderRefused(
            "undecryptable", _("The assertion is encrypted for another key. Give the provider this server's metadata.")
        )


def _check_by_library(response: Response, sides: Sides, request_id: str, owner: Owner) -> None:
    try:
        response.is_valid(as_received(sides.addresses.acs), request_id or None, raise_exceptions=True)
    except Invalid as error:
        if error.code == Invalid.INVALID_SIGNATURE:
            raise _wrong_signature(response, sides, owner) from None
        raise ProviderRefused(REASONS.get(error.code, f"invalid_{error.code}"), _said(error)) from None
    except Exception as error:  # the library raises bare ones for odd values, such as times
        raise ProviderRefused("invalid", _said(error)) from None


def _said(error: Exception) -> str:
    return _("The library says: %(error)s.") % {"error": str(error)[:300].rstrip(".")}


def _wrong_signature(response: Response, sides: Sides, owner: Owner) -> ProviderRefused:
    """Which of three it is, by the certificate that the message brings along; it is believed for this sentence only."""
    brought = {"".join((one.text or "").split()) for one in _brought(response)}
    if not brought or brought & {"".join(one.split()) for one in sides.provider.certificates}:
        return ProviderRefused("signature", _("The signature is not right: the message was changed on its way."))
    for certificate in sorted(brought):
        if name := owner(certificate):
            return ProviderRefused(
                "another_providers_key", _("It is signed with the key of another provider: %(name)s.") % {"name": name}
            )
    return ProviderRefused(
        "unknown_key",
        _("It is signed with a key that the metadata does not name. If the provider has a new one, renew it."),
    )


def _brought(response: Response) -> list[Any]:
    path = f"{SIGNED}KeyInfo/{SIGNED}X509Data/{SIGNED}X509Certificate"
    return [
        one for signature in response.get_xml_document().iter(f"{SIGNED}Signature") for one in signature.findall(path)
    ]
