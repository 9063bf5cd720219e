"""The Web Browser SSO Profile where the library is content with less: what must be there, and be exactly this.

The same values are signed, which the library verifies; these come first because they can say what is wrong
(SAML Profiles 4.1.4.2 and 4.1.4.3, SAML Core 2.5).
"""

from datetime import UTC, datetime

from django.utils.translation import gettext as _
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Constants
from onelogin.saml2.utils import OneLogin_Saml2_Utils as Utils

from sso.claims import ProviderRefused
from sso.saml.document import PROTOCOL, SAML, SUCCESS, Element
from sso.saml.toolkit import Sides

DRIFT = Constants.ALLOWED_CLOCK_DRIFT  # seconds, as the library has it
LAST = 253_402_300_799  # the end of the year 9999, seconds since 1970


def _text(element: Element) -> str:
    return (element.text or "").strip() if element is not None else ""


def check_status(root: Element) -> None:
    code = root.find(f"{PROTOCOL}Status/{PROTOCOL}StatusCode")
    value = code.get("Value", "") if code is not None else ""
    if value == SUCCESS:
        return
    inner = code.find(f"{PROTOCOL}StatusCode") if code is not None else None
    said = _text(root.find(f"{PROTOCOL}Status/{PROTOCOL}StatusMessage"))
    name = (inner.get("Value", "") if inner is not None else value).rpartition(":")[2] or "?"
    what = ": ".join(filter(None, (name[:100], said[:300])))
    raise ProviderRefused("declined", _("The provider refused the sign-in (%(what)s).") % {"what": what})


def check_issuers(root: Element, assertion: Element, sides: Sides) -> None:
    issuers = [_text(one) for one in (*root.findall(f"{SAML}Issuer"), *assertion.findall(f"{SAML}Issuer"))]
    wrong = [one for one in issuers if one != sides.provider.entity_id]
    if wrong or assertion.find(f"{SAML}Issuer") is None:
        values = {"found": wrong[0][:300] if wrong else "", "expected": sides.provider.entity_id}
        raise ProviderRefused("wrong_issuer", _("It comes from “%(found)s” instead of “%(expected)s”.") % values)


def check_addressees(root: Element, assertion: Element, sides: Sides) -> None:
    restrictions = assertion.findall(f"{SAML}Conditions/{SAML}AudienceRestriction")
    audiences = [[_text(one) for one in restriction.findall(f"{SAML}Audience")] for restriction in restrictions]
    if not audiences or not all(sides.sp_entity_id in names for names in audiences):
        found = ", ".join(name[:300] for names in audiences for name in names)
        values = {"found": found, "expected": sides.sp_entity_id}
        raise ProviderRefused("wrong_audience", _("It is meant for “%(found)s” instead of “%(expected)s”.") % values)
    destination = root.get("Destination")
    signed = root.find("{http://www.w3.org/2000/09/xmldsig#}Signature") is not None
    if destination != sides.addresses.acs and (destination is not None or signed):
        values = {"found": (destination or "")[:300], "expected": sides.addresses.acs}
        raise ProviderRefused(
            "wrong_destination", _("Its Destination is “%(found)s” instead of “%(expected)s”.") % values
        )
    recipient = _confirmation(assertion).get("Recipient", "")
    if recipient != sides.addresses.acs:
        values = {"found": recipient[:300], "expected": sides.addresses.acs}
        raise ProviderRefused("wrong_recipient", _("Its Recipient is “%(found)s” instead of “%(expected)s”.") % values)


def _confirmation(assertion: Element) -> Element:
    """The one confirmation of the subject as a browser's; others are none of ours."""
    every = assertion.findall(f"{SAML}Subject/{SAML}SubjectConfirmation")
    found = [one for one in every if one.get("Method") == Constants.CM_BEARER]
    data = found[0].find(f"{SAML}SubjectConfirmationData") if len(found) == 1 else None
    if data is None:
        raise ProviderRefused(
            "no_confirmation", _("The subject is not confirmed as a browser's (bearer), exactly once.")
        )
    return data


def check_times(assertion: Element) -> datetime:
    """Until when it may be used (UTC)."""
    confirmation, now = _confirmation(assertion), Utils.now()
    ends = [
        _seconds(confirmation.get("NotOnOrAfter")),
        *(_seconds(one) for one in _attributes(assertion, "NotOnOrAfter")),
    ]
    if ends[0] is None:
        raise ProviderRefused("no_end", _("It says of itself that it is valid for ever."))
    starts = [_seconds(one) for one in (confirmation.get("NotBefore"), *_attributes(assertion, "NotBefore"))]
    if ends[0] <= now or any(end + DRIFT <= now for end in ends[1:] if end is not None):
        raise ProviderRefused("expired", _("It has expired. Compare the clocks of both servers."))
    if any(start > now + DRIFT for start in starts if start is not None):
        raise ProviderRefused("too_early", _("It is not valid yet. Compare the clocks of both servers."))
    return datetime.fromtimestamp(min(max(end for end in ends if end is not None) + DRIFT, LAST), UTC)


def asked_at(assertion: Element) -> float | None:
    """When the provider asked the person (SAML Core 2.7.2), seconds since 1970."""
    statement = assertion.find(f"{SAML}AuthnStatement")
    return _seconds(statement.get("AuthnInstant")) if statement is not None else None


def _attributes(assertion: Element, name: str) -> list[str]:
    return [one.get(name) for one in assertion.findall(f"{SAML}Conditions") if one.get(name)]


def _seconds(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return int(Utils.parse_SAML_to_time(value))
    except Exception:  # the library raises a bare one
        raise ProviderRefused(
            "malformed_time", _("A time in it is no UTC time: “%(at)s”.") % {"at": value[:50]}
        ) from None


def check_answers(root: Element, assertion: Element, request_id: str) -> None:
    """It answers this very request; with none, it answers none (SAML Profiles 4.1.5)."""
    outer, inner = root.get("InResponseTo"), _confirmation(assertion).get("InResponseTo")
    if not request_id:
        if outer is not None or inner is not None:
            raise ProviderRefused("in_response_to_unknown", _("It answers a request that this server did not send."))
        return
    if inner is None:
        raise ProviderRefused("in_response_to_missing", _("It does not say which request it answers (InResponseTo)."))
    if inner != request_id or outer not in (None, request_id):
        raise ProviderRefused("in_response_to_other", _("It answers another request than it claims."))
