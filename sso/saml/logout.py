"""Single logout by redirect: ours told to the provider, the provider's told to us, both only with a signature.

SAML Profiles 4.4, SAML Bindings 3.4.
"""

import base64
import binascii
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _
from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth as Auth
from onelogin.saml2.errors import OneLogin_Saml2_ValidationError as Invalid
from onelogin.saml2.logout_request import OneLogin_Saml2_Logout_Request as LogoutRequest
from onelogin.saml2.logout_response import OneLogin_Saml2_Logout_Response as LogoutResponse
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from sso.claims import ProviderRefused
from sso.saml import document
from sso.saml.person import subject_of
from sso.saml.toolkit import OurLogoutRequest, OurLogoutResponse, Sides, as_received

LONGEST = 100_000  # bytes once unpacked
AGE = timedelta(minutes=10)  # of a request that doesn't say until when it is valid


@dataclass(frozen=True)
class Asked:
    """What a provider's logout request says, once its signature was right."""

    request_id: str
    subject: str
    session_indexes: tuple[str, ...]
    expires_at: datetime


def logout_address(sides: Sides, kept: dict[str, str], *, relay_state: str) -> tuple[str, str]:
    """Where the browser goes to sign out at the provider, and the id of the request (signed). Empty: nowhere."""
    if not sides.provider.logout or not kept.get("name_id"):
        return "", ""
    settings = sides.settings(sides.pairs[0])
    request = OurLogoutRequest(
        settings, session_index=kept.get("session_index", ""), name_id=kept["name_id"],
        name_id_format=kept.get("format") or None, nq=kept.get("qualifier") or None,
        spnq=kept.get("sp_qualifier") or None,
    )  # fmt: skip
    parameters = {"SAMLRequest": request.get_request(), "RelayState": relay_state}
    Auth(as_received(sides.addresses.slo), settings).add_request_signature(parameters)
    return str(Utils.redirect(sides.provider.logout, parameters, as_received(sides.addresses.slo))), str(request.id)


def answer_address(sides: Sides, asked: Asked, relay_state: str | None) -> str:
    """Where the browser goes to tell the provider that its logout request was followed (signed); "" where it
    names no address."""
    if not sides.provider.logout_answer:
        return ""
    settings = sides.settings(sides.pairs[0])
    answer = OurLogoutResponse(settings, in_response_to=asked.request_id)
    parameters = {"SAMLResponse": answer.get_response()}
    if relay_state is not None:
        parameters["RelayState"] = relay_state
    Auth(as_received(sides.addresses.slo), settings).add_response_signature(parameters)
    return str(Utils.redirect(sides.provider.logout_answer, parameters, as_received(sides.addresses.slo)))


def _signed_parameters(query: str, name: str, sides: Sides) -> dict[str, str]:
    """The parameters of the address, once their signature was right; each may be there only once."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if len({key for key, _value in pairs}) != len(pairs):
        raise ProviderRefused("malformed", _("A parameter of the logout message is there twice."))
    parameters = dict(pairs)
    if not parameters.get("Signature"):
        raise ProviderRefused("unsigned", _("The logout message is not signed."))
    received = as_received(sides.addresses.slo, query_string=query, validate_signature_from_qs=True)
    library = Auth(received, sides.settings(sides.pairs[0], messages_signed=True))
    try:
        library._validate_signature(parameters, name, raise_exceptions=True)
    except Invalid as error:
        weak = error.code == Invalid.DEPRECATED_SIGNATURE_METHOD
        reason, sentence = ("weak_algorithm", _("It is signed with SHA-1.")) if weak else ("signature", str(error))
        raise ProviderRefused(reason, sentence) from None
    except Exception:  # bare ones for odd values
        raise ProviderRefused("signature", _("The signature of the logout message can't be read.")) from None
    return parameters


def _unpacked(value: str) -> document.Element:
    """The message of a redirect (SAML Bindings 3.4.4.1: deflated), never longer than LONGEST."""
    try:
        packed = base64.b64decode(value, validate=True)
        unpacker = zlib.decompressobj(-15)
        xml = unpacker.decompress(packed, LONGEST)
    except (binascii.Error, ValueError, zlib.error):
        raise ProviderRefused("malformed", _("The logout message is not encoded as SAML asks.")) from None
    if unpacker.unconsumed_tail:
        raise ProviderRefused("malformed", _("The logout message is too long."))
    root = document.read(xml)
    document.refuse_invisible(root)
    return root


def read_request(query: str, sides: Sides) -> tuple[Asked, str | None]:
    """The provider's logout request from the address's query, and its RelayState. Raises ProviderRefused."""
    parameters = _signed_parameters(query, "SAMLRequest", sides)
    root = _unpacked(parameters["SAMLRequest"])
    _check_ends(root, sides)
    settings = sides.settings(sides.pairs[0], messages_signed=True)
    try:
        request = LogoutRequest(settings, parameters["SAMLRequest"])
        request.is_valid(as_received(sides.addresses.slo, get_data=parameters), raise_exceptions=True)
        name = LogoutRequest.get_nameid_data(etree.tostring(root), sides.pairs[0].private_key)
    except Exception as error:
        expired = isinstance(error, Invalid) and error.code == Invalid.RESPONSE_EXPIRED
        raise ProviderRefused("expired" if expired else "invalid", str(error)[:300]) from None
    asked = Asked(
        request_id=str(request.id),
        subject=subject_of(
            name["Value"].strip(), name.get("Format", ""), name.get("NameQualifier", ""), sides.provider.entity_id
        ),
        session_indexes=tuple(filter(None, LogoutRequest.get_session_indexes(etree.tostring(root)))),
        expires_at=_ends(root),
    )
    return asked, parameters.get("RelayState")


def _check_ends(root: document.Element, sides: Sides) -> None:
    """From the provider, to this address: the library lets both be absent and longer."""
    issuer = root.find(f"{document.SAML}Issuer")
    if issuer is None or (issuer.text or "").strip() != sides.provider.entity_id:
        raise ProviderRefused("wrong_issuer", _("The logout message comes from somebody else."))
    if root.get("Destination") != sides.addresses.slo:
        raise ProviderRefused("wrong_destination", _("The logout message is meant for another address."))


def _ends(root: document.Element) -> datetime:
    """From when on it is refused anyway. Raises ProviderRefused where that is past."""
    said, now = root.get("NotOnOrAfter"), datetime.now(UTC)
    try:
        if said:
            return datetime.fromtimestamp(Utils.parse_SAML_to_time(said), UTC)
        issued = datetime.fromtimestamp(Utils.parse_SAML_to_time(root.get("IssueInstant", "")), UTC)
    except Exception:
        raise ProviderRefused("malformed_time", _("A time in the logout message is no UTC time.")) from None
    if not now - AGE < issued < now + AGE:
        raise ProviderRefused("expired", _("The logout message is too old. Compare the clocks of both servers."))
    return issued + AGE


def read_answer(query: str, sides: Sides) -> tuple[str, bool]:
    """The request that the provider's logout answer belongs to, and whether it succeeded. Raises ProviderRefused."""
    parameters = _signed_parameters(query, "SAMLResponse", sides)
    root = _unpacked(parameters["SAMLResponse"])
    _check_ends(root, sides)
    settings = sides.settings(sides.pairs[0], messages_signed=True)
    try:
        answer = LogoutResponse(settings, parameters["SAMLResponse"])
        answer.is_valid(as_received(sides.addresses.slo, get_data=parameters), raise_exceptions=True)
        succeeded = answer.get_status() == document.SUCCESS
    except Exception as error:
        raise ProviderRefused("invalid", str(error)[:300]) from None
    return str(answer.get_in_response_to() or ""), succeeded
