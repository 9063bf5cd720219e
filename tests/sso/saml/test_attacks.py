"""What attackers send to the ACS. Each is refused with its own reason in the audit log; nobody gets in, no account
comes of it, and the person sees a neutral page."""

from collections.abc import Callable
from typing import Any

import pytest
import xmlsec
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from sso.models import Identity, Provider
from tests.services.saml import key_and_certificate
from tests.sso.saml.attacks import FORGED, VICTIM, WRAPPED, Answer, Element, encrypted, message
from tests.sso.saml.conftest import Visitor, answer, our_certificate

Forge = Callable[..., Provider]


@pytest.fixture
def target(forge: Forge, root: Account) -> Provider:
    """A provider that would let the victim in, beside another one with a key of its own."""
    forge("other-lab", key="other", entity_id="https://other.example.com/", name="Other lab")
    provider = forge(link_by_username=True)
    Identity.objects.create(provider=provider, subject=f"persistent:{VICTIM}", account=root, created_at=root.created_at)
    return provider


def reason() -> str:
    """Why the last sign-in failed, as security reads it."""
    entry = Entry.objects.filter(event="session.opened").latest("pk")
    assert entry.outcome == "failed" and entry.details["sentence"]
    return str(entry.details["reason"])


def refused(visitor: Visitor, provider: Provider, sent: Element, **how: Any) -> str:
    accounts = set(Account.objects.values_list("username", flat=True))
    page = visitor.bring(provider, sent, **how)
    assert page.status_code in (400, 403)
    assert b"You are not signed in" in page.content
    assert not Session.objects.signed_in().exists()
    assert set(Account.objects.values_list("username", flat=True)) == accounts
    assert reason() not in page.content.decode(), "the person learns nothing"
    return reason()


@pytest.mark.parametrize("shape", WRAPPED)
def test_wrapped_signatures_are_refused(target: Provider, visitor: Visitor, shape: str) -> None:
    visitor.go(target)
    assert refused(visitor, target, WRAPPED[shape](answer(target, visitor))) == shape


@pytest.mark.parametrize("forgery", FORGED)
def test_forged_answers_are_refused(target: Provider, visitor: Visitor, forgery: str) -> None:
    visitor.go(target)
    assert refused(visitor, target, FORGED[forgery](answer(target, visitor))) == forgery


def test_the_same_answer_is_accepted_without_the_forgery(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    assert visitor.bring(target, answer(target, visitor, name_id=VICTIM).root()).status_code == 302
    assert Session.objects.signed_in().get().account.username == VICTIM  # type: ignore[union-attr]


def test_an_answer_to_no_request_is_refused(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    assert refused(visitor, target, answer(target, visitor, request_id=None).root()) == "unsolicited"


def test_an_answer_to_an_unknown_request_is_refused(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    assert refused(visitor, target, answer(target, visitor, request_id="_invented").root()) == "unknown_request"


def test_an_answer_to_another_browsers_request_is_refused(target: Provider, visitor: Visitor) -> None:
    attacker = Visitor()
    attacker.go(target)
    sent = answer(target, attacker).root()
    visitor.go(target)
    assert refused(visitor, target, sent, relay_state=attacker.relay_state) == "other_browser"


def test_a_browser_that_began_nothing_is_refused(target: Provider, visitor: Visitor) -> None:
    attacker = Visitor()
    attacker.go(target)
    sent = answer(target, attacker).root()
    assert refused(visitor, target, sent, relay_state=attacker.relay_state) == "other_browser"


def test_an_answer_counts_once(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    sent = answer(target, visitor).root()
    assert visitor.bring(target, sent).status_code == 302
    assert visitor.bring(target, sent).status_code == 403
    assert reason() == "replayed"


def test_an_assertion_in_a_new_response_is_still_the_same_assertion(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    first = answer(target, visitor, assertion_id="a1")
    assert visitor.bring(target, first.root()).status_code == 302
    again = Visitor()
    again.go(target)
    assert again.bring(target, answer(target, again, assertion_id="a1").root()).status_code == 403
    assert reason() == "replayed"


@pytest.mark.parametrize("sent", ["https://evil.example.com/", "//evil.example.com", "", "/audit/"])
def test_the_relay_state_leads_nowhere(target: Provider, visitor: Visitor, sent: str) -> None:
    visitor.go(target)
    assert refused(visitor, target, answer(target, visitor).root(), relay_state=sent) == "relay_state"


def test_another_providers_answer_is_refused_here(target: Provider, visitor: Visitor) -> None:
    other = Provider.objects.with_settings().get(alias="other-lab")
    visitor.go(other)
    theirs = answer(other, visitor, by="other", name_id=VICTIM)
    assert refused(visitor, target, theirs.root()) == "other_provider"
    visitor.go(target)
    theirs = answer(target, visitor, issuer=other.saml.idp_entity_id, by="other", name_id=VICTIM)
    assert refused(visitor, target, theirs.root()) == "wrong_issuer"


def test_the_test_key_of_an_encrypted_forgery_is_not_enough(target: Provider, visitor: Visitor) -> None:
    """Everybody knows our certificate, so everybody can encrypt for us: the signature decides."""
    visitor.go(target)
    forged = answer(target, visitor, by="attacker", name_id=VICTIM)
    ours = our_certificate()
    assert refused(visitor, target, encrypted(forged, ours)) == "unknown_key"
    visitor.go(target)
    unsigned = answer(target, visitor, signs="nothing", name_id=VICTIM)
    assert refused(visitor, target, encrypted(unsigned, ours)) == "unsigned"


def test_encryption_that_can_be_asked_open_is_refused(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    sent = encrypted(answer(target, visitor), our_certificate(), xmlsec.Transform.RSA_PKCS1)
    assert refused(visitor, target, sent) == "weak_encryption"
    visitor.go(target)
    other = encrypted(answer(target, visitor), key_and_certificate("somebody")[1])
    assert refused(visitor, target, other) == "undecryptable"


def test_wrapping_inside_of_an_encrypted_assertion_is_refused(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    inner = answer(target, visitor)

    class Wrapped(Answer):
        def root(self) -> Element:
            return WRAPPED["assertion_in_assertion"](inner)

    wrapped = Wrapped(**{name: getattr(inner, name) for name in inner.__dataclass_fields__})
    assert refused(visitor, target, encrypted(wrapped, our_certificate())) == "assertion_in_assertion"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name_id": ""}, "no_name_id"),
        ({"name_format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}, "transient_name_id"),
        ({"audience": None}, "wrong_audience"),
        ({"recipient": None}, "wrong_recipient"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "declined"),
        ({"attributes": {"uid": ("ada", "root")}}, "several_usernames"),
        ({"name_id": "x" * 300}, "no_name_id"),
    ],
    ids=str,
)
def test_incomplete_answers_are_refused(target: Provider, visitor: Visitor, fields: dict[str, Any], why: str) -> None:
    visitor.go(target)
    assert refused(visitor, target, answer(target, visitor, **fields).root()) == why


def test_an_end_at_the_end_of_time_is_no_error(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    root = answer(target, visitor).root()
    for element in root.iter():
        if element.get("NotOnOrAfter"):
            element.set("NotOnOrAfter", "9999-12-31T23:59:59Z")
    assert refused(visitor, target, root) == "signature"


@pytest.mark.parametrize(
    "sent", ["%%%", "PHg+", "A" * 2_000_000, message(b"<x/>"), message(b"\xff\xfe<\x00x\x00/\x00>\x00"), "\0"]
)
def test_nonsense_is_refused(target: Provider, visitor: Visitor, sent: str) -> None:
    visitor.go(target)
    assert refused(visitor, target, sent) in ("malformed", "unsolicited", "not_a_response")


def test_a_disabled_provider_lets_nobody_in(target: Provider, visitor: Visitor) -> None:
    visitor.go(target)
    Provider.objects.filter(pk=target.pk).update(enabled=False)
    assert refused(visitor, target, answer(target, visitor).root()) == "disabled"


def test_looking_at_the_addresses_records_nothing(target: Provider) -> None:
    for answer_of in (
        Client().post("/sso/forge/acs/"),
        Client().get("/sso/forge/arrival/"),
        Client().get("/sso/forge/slo/"),
    ):
        assert answer_of.status_code == 400
    assert not Entry.objects.filter(outcome="failed").exists()


def test_other_methods_and_unknown_providers(target: Provider) -> None:
    assert Client().put("/sso/forge/acs/").status_code == 405
    assert Client().put("/sso/forge/slo/").status_code == 405
    assert Client().post("/sso/nowhere/acs/", {"SAMLResponse": message(b"<x/>")}).status_code == 404
    assert Client().get("/sso/nowhere/slo/").status_code == 404
    assert Client().get("/sso/nowhere/metadata/").status_code == 404
