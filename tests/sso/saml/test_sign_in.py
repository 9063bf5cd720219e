"""Signing in through SAML: with a real identity provider, and the way back in two halves."""

import base64
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from lxml import etree

from accounts.models import Account
from accounts.roles import Role
from agora.base.actor import Actor
from audit.models import Entry
from sessions_admin.models import Session
from sso.models import Begun, GroupRole, Identity, Provider, Seen
from sso.saml import keys
from tests.services.saml import IdentityProvider
from tests.sso.saml.attacks import encrypted, message
from tests.sso.saml.conftest import FORGED_BY, SIGN_IN_AT, Hall, Visitor, answer, metadata, our_certificate

SAID = {"uid": "ada", "mail": "ada@example.com", "givenName": "Ada", "sn": "Lovelace", "groups": ["staff", "editors"]}


def sign_in(hall: Hall, visitor: Visitor, provider: Provider, *, path: str = "") -> Any:
    target, fields = hall.pages(visitor.go(provider, path=path), "ada")
    assert target == visitor.acs
    return visitor.bring(provider, fields["SAMLResponse"], relay_state=fields["RelayState"])


@pytest.mark.parametrize(
    "signs", [{"assertion": True}, {"assertion": False, "response": True}, {"response": True}], ids=str
)
def test_signing_in_makes_an_account_and_a_session_that_names_the_provider(
    hall: Hall, idp: IdentityProvider, visitor: Visitor, signs: dict[str, bool]
) -> None:
    provider = hall()
    idp.knows("ada", "8f3c", **SAID)
    idp.change(**signs)
    landed = sign_in(hall, visitor, provider, path="/profile/")
    assert (landed.status_code, landed["Location"]) == (302, "/profile/")
    ada = Account.objects.get(username="ada")
    assert (ada.email, ada.first_name, ada.last_name) == ("ada@example.com", "Ada", "Lovelace")
    assert Identity.objects.get(account=ada).subject == "persistent:8f3c"
    session = Session.objects.signed_in().get()
    assert (session.method, session.provider_name, session.provider_subject) == ("saml", "Hospital", "persistent:8f3c")
    assert session.provider_session
    assert visitor.client.get("/profile/").status_code == 200
    entry = Entry.objects.get(event="session.opened")
    assert (entry.outcome, entry.details["provider"], entry.details["method"]) == ("success", "Hospital", "saml")


def test_the_second_sign_in_is_the_same_account_whatever_its_name_is_by_then(
    hall: Hall, idp: IdentityProvider, visitor: Visitor
) -> None:
    provider = hall()
    idp.knows("ada", "8f3c", **SAID)
    sign_in(hall, visitor, provider)
    idp.knows("ada", "8f3c", **SAID | {"uid": "ada.king", "sn": "King"})
    sign_in(hall, Visitor(), provider)
    assert Account.objects.get(username="ada").last_name == "King"
    assert Identity.objects.count() == 1


def test_encrypted_assertions_are_read_with_our_key(hall: Hall, idp: IdentityProvider, visitor: Visitor) -> None:
    provider = hall()
    idp.knows("ada", "8f3c", **SAID)
    idp.change(encrypt=True)
    assert sign_in(hall, visitor, provider).status_code == 302
    assert Account.objects.get(username="ada").last_name == "Lovelace"


def test_requests_are_signed_where_the_form_says_so(hall: Hall, idp: IdentityProvider, visitor: Visitor) -> None:
    provider = hall(sign_requests=True)
    idp.knows("ada", "8f3c", **SAID)
    idp.change(signed=True)
    address = visitor.go(provider)
    assert "SigAlg=" in address and "Signature=" in address
    hall.pages(address, "ada")
    with pytest.raises(AssertionError, match="Signature"):
        hall.pages(address.replace("RelayState=", "RelayState=other"), "ada")


def test_metadata_is_fetched_when_it_is_first_needed(hall: Hall, visitor: Visitor) -> None:
    provider = hall()
    assert provider.saml.known_metadata == ""
    visitor.go(provider)
    provider.saml.refresh_from_db()
    assert "IDPSSODescriptor" in provider.saml.known_metadata and provider.saml.metadata_fetched_at


def test_the_second_half_works_once_and_only_in_the_browser_that_began(
    forge: Callable[..., Provider], visitor: Visitor
) -> None:
    provider = forge()
    visitor.go(provider)
    posted = Client().post(
        "/sso/forge/acs/",
        {"SAMLResponse": message(answer(provider, visitor).root()), "RelayState": visitor.relay_state},
    )
    other = Visitor()
    other.go(provider)
    assert other.client.get(posted["Location"]).status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "other_browser"
    assert visitor.client.get(posted["Location"]).status_code == 400
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "unknown_request"
    assert not Session.objects.signed_in().exists()


def test_rows_of_a_finished_sign_in_are_used_up(forge: Callable[..., Provider], visitor: Visitor) -> None:
    provider = forge()
    visitor.go(provider)
    assert visitor.bring(provider, answer(provider, visitor).root()).status_code == 302
    assert not Begun.objects.exists() and Seen.objects.count() == 1


def test_a_key_of_ours_that_was_replaced_still_decrypts(forge: Callable[..., Provider], visitor: Visitor) -> None:
    provider, actor = forge(), Actor.system()
    keys.announce_key(actor=actor)
    keys.switch_key(actor=actor)
    visitor.go(provider)
    assert visitor.bring(provider, encrypted(answer(provider, visitor), our_certificate())).status_code == 302
    keys.retire_key(actor=actor)
    visitor.go(provider)
    assert visitor.bring(provider, encrypted(answer(provider, visitor), our_certificate())).status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "undecryptable"


def test_addresses_with_an_ampersand_make_well_formed_requests(
    forge: Callable[..., Provider], visitor: Visitor
) -> None:
    provider = forge(sp_entity_id="https://agora.example.com/?a=1&b=2")
    assert visitor.go(provider).startswith("https://forge.example.com/sso?tenant=1&kind=web&SAMLRequest=")


def test_locked_accounts_stay_out(forge: Callable[..., Provider], visitor: Visitor, ada: Account) -> None:
    provider = forge(link_by_username=True)
    Account.objects.filter(pk=ada.pk).update(is_active=False)
    visitor.go(provider)
    refused = visitor.bring(provider, answer(provider, visitor).root())
    assert refused.status_code == 403
    assert b"inactive" not in refused.content
    assert Entry.objects.get(event="session.opened").details["reason"] == "account_inactive"


def test_sign_in_begun_at_the_provider_is_off_until_the_form_allows_it(
    hall: Hall, idp: IdentityProvider, visitor: Visitor
) -> None:
    provider = hall()
    idp.knows("ada", "8f3c", **SAID)
    begin = f"{idp.entity_id}/sso?party={provider.saml.sp_entity_id}"
    _target, fields = hall.pages(begin, "ada")
    assert visitor.bring(provider, fields["SAMLResponse"], relay_state="").status_code == 403
    assert Entry.objects.get(event="session.opened").details["reason"] == "unsolicited"
    provider.saml.allow_idp_initiated = True
    provider.saml.save()
    landed = visitor.bring(provider, fields["SAMLResponse"], relay_state="https://evil.example.com/")
    assert (landed.status_code, landed["Location"]) == (302, "/")
    assert visitor.client.get("/profile/").status_code == 200
    again = Visitor().bring(provider, fields["SAMLResponse"], relay_state="")
    assert again.status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "replayed"


def test_two_providers_that_name_the_same_subject_and_address_are_two(
    forge: Callable[..., Provider], visitor: Visitor
) -> None:
    clinic = forge("clinic", key="provider", entity_id="https://clinic.example.com/")
    lab = forge("lab", key="other", entity_id="https://lab.example.com/")
    same = {"name_id": "8f3c", "attributes": {"mail": ("ada@example.com",)}}
    visitor.go(clinic)
    assert visitor.bring(clinic, answer(clinic, visitor, username="ada", **same).root()).status_code == 302
    other = Visitor()
    other.go(lab)
    assert other.bring(lab, answer(lab, other, by="other", username="ada", **same).root()).status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "username_taken"
    other.go(lab)
    assert other.bring(lab, answer(lab, other, by="other", username="ada.lab", **same).root()).status_code == 302
    people = {session.provider_name: session.account.username for session in Session.objects.signed_in()}  # type: ignore[union-attr]
    assert people == {"Clinic": "ada", "Lab": "ada.lab"}
    assert Account.objects.filter(email="ada@example.com").count() == 2


def test_a_provider_that_takes_forms_only_is_reached_by_a_page_that_may_post_elsewhere(
    forge: Callable[..., Provider], visitor: Visitor
) -> None:
    xml = metadata(FORGED_BY, "provider").replace("HTTP-Redirect", "HTTP-POST")
    provider = forge(metadata_xml=xml, sign_requests=True)
    started = visitor.client.post("/sso/forge/login/", {"next": "/profile/"}).content.decode()
    address = unescape(re.search(r'id="away" href="([^"]+)"', started)[1])  # type: ignore[index]
    assert address.startswith("http://testserver/sso/forge/post/?request=")
    page = visitor.client.get(address)
    assert "form-action 'self' https:;" in page["Content-Security-Policy"] + ";"
    html = page.content.decode()
    assert f'action="{SIGN_IN_AT.replace("&", "&amp;")}"' in html
    fields = dict(re.findall(r'name="(SAMLRequest|RelayState)" value="([^"]+)"', html))
    asked = etree.fromstring(base64.b64decode(fields["SAMLRequest"]))
    assert asked.find("{http://www.w3.org/2000/09/xmldsig#}Signature") is not None
    visitor.request_id, visitor.relay_state = asked.get("ID"), fields["RelayState"]
    assert Client().get(address).status_code == 403, "only in the browser that began"
    assert visitor.client.get("/sso/forge/post/").status_code == 400
    assert visitor.bring(provider, answer(provider, visitor).root())["Location"] == "/profile/"
    assert visitor.client.get(address).status_code == 400, "over"


@pytest.mark.parametrize("kind", ["SAMLResponse", "SAMLart"])
def test_an_answer_by_another_binding_is_refused_by_its_name(
    forge: Callable[..., Provider], visitor: Visitor, kind: str
) -> None:
    visitor.go(forge())
    page = visitor.client.get("/sso/forge/acs/", {kind: "AAQAAA", "RelayState": visitor.relay_state})
    entry = Entry.objects.filter(event="session.opened").latest("pk")
    assert (page.status_code, entry.details["reason"]) == (403, "wrong_binding")
    assert "HTTP-POST" in entry.details["sentence"]
    assert page.headers["X-Request-Id"].encode() in page.content
    assert visitor.client.get("/sso/forge/acs/").status_code == 400


def test_groups_that_are_too_many_to_be_named_give_no_role(forge: Callable[..., Provider], visitor: Visitor) -> None:
    """Entra ID with over 150 groups."""
    provider = forge()
    GroupRole.objects.create(provider=provider, position=0, group="admins", role=Role.EDITOR)
    visitor.go(provider)
    told = {"http://schemas.microsoft.com/claims/groups.link": ("https://graph.example.com/groups",)}
    assert visitor.bring(provider, answer(provider, visitor, attributes=told).root()).status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "too_many_groups"
