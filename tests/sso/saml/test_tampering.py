"""No change of a signed answer, wherever it is made, makes it somebody else's."""

import base64
from collections.abc import Iterator

import pytest
from lxml import etree

from sso.claims import Check, ProviderRefused
from sso.models import Saml
from sso.saml.metadata import understand
from sso.saml.response import Arrived, check_response
from sso.saml.toolkit import Addresses, Pair, Sides
from tests.services.saml import key_and_certificate
from tests.sso.saml.attacks import NS, WRAPPED, Answer, Element
from tests.sso.saml.conftest import FORGED_BY, US, metadata

ACS = "https://agora.example.com/sso/forge/acs/"
GOOD = Answer(issuer=FORGED_BY, acs=ACS, audience=US, request_id="r1")
SAML = Saml(idp_entity_id=FORGED_BY, sp_entity_id=US)
EVERY = 29  # bytes between two changes


@pytest.fixture(scope="module")
def sides() -> Sides:
    facts = understand(metadata(FORGED_BY, "provider"), FORGED_BY)
    slo = ACS.replace("acs", "slo")
    return Sides(facts, US, Addresses(ACS, slo, ""), (Pair(*key_and_certificate("us")),))


def check(xml: bytes, sides: Sides) -> Arrived:
    message, checks = base64.b64encode(xml).decode(), list[Check]()
    return check_response(message, sides, SAML, request_id="r1", checks=checks, owner=lambda _certificate: "")


def is_ada(xml: bytes, sides: Sides) -> bool:
    """Accepted as who was signed; False when refused. Anybody else fails the test."""
    try:
        arrived = check(xml, sides)
    except ProviderRefused:
        return False
    assert (arrived.person.subject, arrived.person.username) == ("persistent:ada", "ada")
    return True


def test_as_it_was_signed(sides: Sides) -> None:
    assert is_ada(etree.tostring(GOOD.root()), sides)


@pytest.mark.parametrize("signs", ["assertion", "response", "both"])
def test_another_byte_anywhere(sides: Sides, signs: str) -> None:
    xml = etree.tostring(GOOD.changed(signs=signs).root())
    accepted = [
        place
        for place in range(0, len(xml), EVERY)
        if is_ada(xml[:place] + (b"X" if xml[place : place + 1] != b"X" else b"Y") + xml[place + 1 :], sides)
    ]
    signed = range(xml.index(b"<Assertion"), xml.index(b"</Assertion>"))
    certificate = range(xml.index(b"X509Certificate>"), xml.rindex(b"X509Certificate>"))
    inside = [place for place in accepted if place in signed and place not in certificate]
    assert inside == [], [xml[place - 20 : place + 20] for place in inside]


def removed(root: Element) -> Iterator[bytes]:
    """The answer without one of its elements, for each of them."""
    for place in range(1, len(list(root.iter()))):
        copied = etree.fromstring(etree.tostring(root))
        element = list(copied.iter())[place]
        element.getparent().remove(element)
        yield etree.tostring(copied)


def test_without_any_one_element(sides: Sides) -> None:
    root = GOOD.root()
    # The status message's neighbours and the response's own issuer are not signed here; nobody else comes of that.
    accepted = [xml for xml in removed(root) if is_ada(xml, sides)]
    for xml in accepted:
        assert etree.fromstring(xml).find("a:Assertion/d:Signature", NS) is not None


@pytest.mark.parametrize("shape", WRAPPED)
def test_wrapped_where_both_are_signed(sides: Sides, shape: str) -> None:
    with pytest.raises(ProviderRefused):
        check(etree.tostring(WRAPPED[shape](GOOD.changed(signs="both"))), sides)
