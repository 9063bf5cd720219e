"""What administrators type about a SAML provider, and the test of it, which is a real sign-in."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from sso.models import Begun, Identity, Provider, Report, Saml, Seen, SigningKey
from sso.services.upkeep import purge
from tests.conftest import Make
from tests.pages import changed, contents
from tests.services.saml import IdentityProvider
from tests.sso.saml.attacks import message
from tests.sso.saml.conftest import FORGED_BY, US, Hall, Visitor, answer, metadata

HOME = "/settings/server/single-sign-on/"


def typed(**fields: Any) -> dict[str, Any]:
    """The form of a new provider, filled in."""
    known = {"name": "Hospital", "alias": "hospital", "enabled": "on", "create_accounts": "on", "new_account_role": ""}
    known |= {"new_account_role": "viewer", "sp_entity_id": US, "username_attribute": "uid", "email_attribute": "mail"}
    known |= {"groups-TOTAL_FORMS": "0", "groups-INITIAL_FORMS": "0", "idp_entity_id": FORGED_BY}
    return known | fields


def post(client: Client, path: str = "new/saml/", **fields: Any) -> HttpResponse:
    return client.post(HOME + path, typed(**fields))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Type the Metadata URL, or paste the metadata below."),
        ({"metadata_url": "http://id.example.com/metadata"}, "it must come by https"),
        ({"metadata_xml": "<x/>"}, "no identity provider at all"),
        ({"metadata_xml": metadata("https://other.example.com/", "provider")}, "https://other.example.com/"),
        ({"metadata_xml": "<x/>", "idp_entity_id": ""}, "Type the entity id that the metadata gives the provider."),
    ],
    ids=["nothing", "http", "no metadata", "another provider", "no entity id"],  # the metadata holds a key made anew
)
def test_what_does_not_fit_is_said(make: Make, ada: Account, fields: dict[str, Any], says: str) -> None:
    page = post(make.client(ada), untested="1", **fields)
    assert page.status_code == 422
    assert says in unescape(page.content.decode())
    assert not Provider.objects.exists()


def test_entity_ids_are_filled_in_where_there_is_one_answer(make: Make, ada: Account) -> None:
    xml = metadata(FORGED_BY, "provider")
    post(make.client(ada), metadata_xml=xml, idp_entity_id="", sp_entity_id="", untested="1")
    saml = Provider.objects.with_settings().get().saml
    assert saml.idp_entity_id == FORGED_BY
    assert saml.sp_entity_id == "http://localhost:8000/sso/hospital/metadata/"


def test_the_page_shows_the_addresses_to_copy(make: Make, ada: Account, forge: Callable[..., Provider]) -> None:
    page = make.client(ada).get(f"{HOME}{forge().pk}/").content.decode()
    for path in ("acs", "slo", "metadata"):
        assert f"http://localhost:8000/sso/forge/{path}/" in page


# --- The test ---------------------------------------------------------------------------------------------------------


class Trier(Visitor):
    """An administrator who presses Test on a form that is not saved."""

    def __init__(self, make: Make, account: Account) -> None:
        super().__init__()
        self.client = make.client(account)

    def press(self, path: str = "new/saml/test/", **fields: Any) -> str:
        page = post(self.client, path, **fields)
        found = re.search(r'id="away" href="([^"]+)"', page.content.decode())
        assert page.status_code == 200 and found, page.content
        return self.read(unescape(found[1]))

    def report(self, landed: HttpResponse) -> str:
        assert landed.status_code == 302, landed.content
        return unescape(self.client.get(landed["Location"]).content.decode())


@pytest.fixture
def tester(make: Make, ada: Account) -> Trier:
    return Trier(make, ada)


def test_a_test_is_a_real_sign_in_that_ends_on_a_report(hall: Hall, idp: IdentityProvider, tester: Trier) -> None:
    acs = "http://testserver/sso/hospital/acs/"
    idp.register(US, acs=acs, slo=acs, certificate=SigningKey.objects.get().certificate)
    idp.knows("vera", "8f3c", uid="vera", mail="vera@example.com", groups=["staff"])
    address = tester.press(metadata_url=idp.metadata, idp_entity_id=idp.entity_id)
    _target, fields = hall.pages(address, "vera")
    before = contents()
    landed = tester.bring(Provider(alias="hospital"), fields["SAMLResponse"], relay_state=fields["RelayState"])
    assert set(changed(before)) <= {"sso_report", "sso_begun", "audit_entry", "sessions_admin_session"}
    page = tester.report(landed)
    for line in ("The test passed", "Would create the account vera", "persistent:8f3c", "vera@example.com", "staff"):
        assert line in page
    assert page.count("Passed") >= 8 and "Failed" not in page
    assert not Provider.objects.exists() and not Seen.objects.exists() and not Begun.objects.exists()
    assert Session.objects.signed_in().get().account.username == "ada", "she stays who she is"  # type: ignore[union-attr]
    assert Report.objects.get().passed
    saved = post(tester.client, metadata_url=idp.metadata, idp_entity_id=idp.entity_id)
    assert saved.status_code == 302, "what passed its test is not asked about again"


@pytest.mark.parametrize(
    ("fields", "failed", "says"),
    [
        ({"audience": "https://elsewhere.example.com/"}, "Addressee", "https://elsewhere.example.com/"),
        ({"by": "attacker"}, "Signature", "a key that the metadata does not name"),
        ({"by": "other"}, "Signature", "the key of another provider: Other Lab"),
        ({"minutes": -30}, "Time", "Compare the clocks"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "Answer", "refused the sign-in (Responder)"),
        ({"username": ""}, "Person", "The attribute “uid” for the username is missing"),
    ],
    ids=str,
)
def test_the_report_says_what_failed(
    forge: Callable[..., Provider], tester: Trier, fields: dict[str, Any], failed: str, says: str
) -> None:
    forge("other-lab", key="other", entity_id="https://other.example.com/")
    tester.press(metadata_xml=metadata(FORGED_BY, "provider"))
    given = Provider(alias="hospital")
    given.saml = Provider.objects.with_settings().get().saml
    given.saml.idp_entity_id = FORGED_BY
    page = tester.report(tester.bring(given, answer(given, tester, **fields).root()))
    assert "The test did not pass" in page
    assert failed in page and says in page
    assert Entry.objects.filter(event="provider.tested").latest("pk").details["failed"] == [failed]
    assert not Report.objects.get().passed


def test_a_test_of_a_saved_provider_says_whom_it_would_find(
    forge: Callable[..., Provider], tester: Trier, vic: Account
) -> None:
    provider = forge("hospital")
    Identity.objects.create(provider=provider, subject="persistent:ada", account=vic, created_at=vic.created_at)
    tester.press(f"{provider.pk}/test/", metadata_xml=metadata(FORGED_BY, "provider"), version=provider.version)
    page = tester.report(tester.bring(provider, answer(provider, tester).root()))
    assert "Would sign in as vic" in page
    assert Identity.objects.get().last_sign_in_at is None


def test_metadata_that_can_t_be_had_ends_the_test_with_a_sentence(tester: Trier) -> None:
    page = post(tester.client, "new/saml/test/", metadata_url="http://127.0.0.1:9/metadata")
    report = tester.report(page)
    assert "The test did not pass" in report and "127.0.0.1:9" in report


def test_a_test_counts_only_for_the_one_who_began_it(
    our_key: SigningKey, tester: Trier, make: Make, root: Account
) -> None:
    tester.press(metadata_xml=metadata(FORGED_BY, "provider"))
    given = Provider(alias="hospital")
    given.saml = Saml(idp_entity_id=FORGED_BY, sp_entity_id=US)
    sent = answer(given, tester).root()
    other = Trier(make, root)
    other.relay_state = tester.relay_state
    assert other.bring(given, sent).status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "other_browser"
    assert Report.objects.get().passed is None


def test_a_purge_while_a_test_comes_back_leaves_it_what_it_needs(our_key: SigningKey, tester: Trier) -> None:
    begun = timezone.now()
    with time_machine.travel(begun, tick=False) as clock:
        tester.press(metadata_xml=metadata(FORGED_BY, "provider"))
        given = Provider(alias="hospital")
        given.saml = Saml(idp_entity_id=FORGED_BY, sp_entity_id=US)
        clock.move_to(begun + timedelta(minutes=9, seconds=30))
        sent = {"SAMLResponse": message(answer(given, tester).root()), "RelayState": tester.relay_state}
        posted = Client().post("/sso/hospital/acs/", sent)
        clock.move_to(begun + timedelta(minutes=10, seconds=30))
        purge(now=timezone.now())
        assert tester.client.get(posted["Location"]).status_code == 302
    assert Report.objects.get().passed


def test_a_test_whose_settings_are_wiped_is_refused(our_key: SigningKey, tester: Trier) -> None:
    tester.press(metadata_xml=metadata(FORGED_BY, "provider"))
    given = Provider(alias="hospital")
    given.saml = Saml(idp_entity_id=FORGED_BY, sp_entity_id=US)
    purge(now=timezone.now() + timedelta(minutes=5))
    assert Report.objects.get().tried
    Report.objects.update(created_at=timezone.now() - timedelta(minutes=16))
    purge(now=timezone.now())
    assert tester.bring(given, answer(given, tester).root()).status_code == 403
    assert Entry.objects.latest("pk").details["reason"] == "expired_request"


def test_nobody_else_may_test(make: Make, sam: Account) -> None:
    assert post(Client(), "new/saml/test/").status_code == 302
    assert post(make.client(sam), "new/saml/test/").status_code == 403
