"""Superusers without a password confirm admin mode at the SAML provider that they signed in through."""

import re
from collections.abc import Callable
from html import unescape

import pytest
import requests
from django.http import HttpResponse
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Elevation
from sso.models import Identity, Provider
from tests.services.saml import IdentityProvider
from tests.sso.saml.attacks import Answer
from tests.sso.saml.conftest import Hall, Visitor, answer

REASON = {"reason": "Ticket 4711"}


def ask(visitor: Visitor) -> str:
    """The address at which the provider asks."""
    page = visitor.client.post("/sso/again/", {"next": "/admin-mode/"}).content.decode()
    found = re.search(r'id="away" href="([^"]+)"', page)
    assert found, page
    return visitor.read(unescape(found[1]))


@pytest.fixture
def forged(forge: Callable[..., Provider], root: Account) -> Provider:
    provider = forge()
    Identity.objects.create(provider=provider, subject="persistent:ada", account=root, created_at=timezone.now())
    return provider


@pytest.fixture
def boss(forged: Provider, visitor: Visitor) -> Visitor:
    """The superuser, who has no password, signed in through the provider."""
    visitor.go(forged)
    assert visitor.bring(forged, answer(forged, visitor).root()).status_code == 302
    return visitor


def test_a_real_provider_asks_again_and_admin_mode_starts(
    hall: Hall, idp: IdentityProvider, visitor: Visitor, root: Account
) -> None:
    provider, browser = hall(), requests.Session()
    idp.knows("chief", "8f3c", uid="root")
    Identity.objects.create(provider=provider, subject="persistent:8f3c", account=root, created_at=timezone.now())
    _target, fields = hall.pages(visitor.go(provider), "chief", browser)
    visitor.bring(provider, fields["SAMLResponse"], relay_state=fields["RelayState"])
    address = ask(visitor)
    assert "Provider sign-in" in browser.get(address, timeout=10).text, "whoever is signed in there is asked as well"
    _target, fields = hall.pages(address, "chief", browser)
    landed = visitor.bring(provider, fields["SAMLResponse"], relay_state=fields["RelayState"])
    assert landed["Location"] == "/admin-mode/"
    assert visitor.client.post("/admin-mode/", REASON)["Location"] == "/projects/"
    assert Elevation.objects.get().account_name == "root"
    assert Entry.objects.get(event="admin_mode.started").details["method"] == "saml"


def said(visitor: Visitor, provider: Provider, given: Answer) -> HttpResponse:
    ask(visitor)
    return visitor.bring(provider, given.changed(request_id=visitor.request_id).root())


@pytest.mark.parametrize(
    ("fields", "why"),
    [({"name_id": "somebody-else"}, "other_person"), ({"asked": -60.0}, "not_asked_again")],
    ids=str,
)
def test_lies_confirm_nothing(boss: Visitor, forged: Provider, fields: dict[str, object], why: str) -> None:
    given = answer(forged, boss, **fields)
    assert said(boss, forged, given).status_code == 403
    failed = Entry.objects.filter(event="identity.confirmed", outcome="failed").latest("pk")
    assert failed.details["reason"] == why
    assert boss.client.post("/admin-mode/", REASON).status_code == 409
    assert not Elevation.objects.exists()


def test_forged_confirmations_confirm_nothing(boss: Visitor, forged: Provider) -> None:
    assert said(boss, forged, answer(forged, boss, by="attacker")).status_code == 403
    assert boss.client.post("/admin-mode/", REASON).status_code == 409
    assert said(boss, forged, answer(forged, boss)).status_code == 302
    assert boss.client.post("/admin-mode/", REASON).status_code == 302


def test_another_session_of_the_same_browser_is_another(boss: Visitor, forged: Provider) -> None:
    ask(boss)
    sent = answer(forged, boss).root()
    relay_state = boss.relay_state
    boss.client.post("/sign-out/")
    boss.go(forged)
    boss.bring(forged, answer(forged, boss).root())
    assert boss.bring(forged, sent, relay_state=relay_state).status_code == 403
    failed = Entry.objects.filter(event="identity.confirmed", outcome="failed").latest("pk")
    assert failed.details["reason"] == "other_session"
