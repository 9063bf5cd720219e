"""What strangers send again and again is heard, and fills neither the tables nor the log."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.services import throttle
from audit.models import Entry
from sso.models import Begun, Provider
from tests.sso.conftest import MakeProvider
from tests.sso.openid.conftest import (  # noqa: F401 - fixtures
    Connect,
    _nothing_known,
    begin,
    come_back,
    connect,
    hostile,
    sign_in,
)
from tests.sso.openid.hostile import Hostile
from tests.sso.saml.attacks import message
from tests.sso.saml.conftest import Visitor, answer, forge, our_key, visitor  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db
MANY = 60
MOST = 30  # entries of so many: 20, and one for each wait that is over


def flood(send: Callable[[], Any]) -> tuple[set[int], int]:
    """What it is answered, and how many entries it leaves."""
    before = Entry.objects.count()
    statuses = {send().status_code for _ in range(MANY)}
    return statuses, Entry.objects.count() - before


def test_starts_are_slowed_down_until_somebody_comes_through(
    hostile: Hostile,  # noqa: F811
    connect: Connect,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(throttle.FREE, "provider-start", 5)
    connect(hostile)
    person = Client()
    brought = hostile.agree(begin(person))
    statuses, entries = flood(lambda: Client().post("/sso/staff/login/"))
    assert statuses == {200, 429}
    assert Begun.objects.count() < 20 and entries < 10
    assert come_back(person, brought).status_code == 302
    assert Client().post("/sso/staff/login/").status_code == 200


def test_a_house_behind_one_address_begins_hundreds_and_waits_half_a_minute_at_most() -> None:
    assert throttle.FREE["provider-start"] >= 500
    assert throttle.SHORTER["provider-start"].total_seconds() <= 30


@pytest.mark.parametrize(
    "send",
    [
        lambda: Client().get("/sso/staff/callback/", {"state": "x"}),
        lambda: Client().post("/sso/staff/back-channel-logout/", {"logout_token": "e30.e30.x"}),
    ],
    ids=["callback", "back-channel logout"],
)
def test_nonsense_leaves_a_few_entries_and_good_answers_are_heard(
    hostile: Hostile,  # noqa: F811
    connect: Connect,  # noqa: F811
    send: Callable[[], Any],
) -> None:
    connect(hostile)
    statuses, entries = flood(send)
    assert statuses <= {400, 429} and 20 <= entries < MOST
    told = {"logout_token": hostile.logout_token()}
    assert Client().post("/sso/staff/back-channel-logout/", told).status_code == 200
    flood(send)
    assert sign_in(Client(), hostile).status_code == 302
    assert Entry.objects.latest("pk").event == "session.opened"
    assert send().status_code == 400  # counted anew


@pytest.mark.parametrize(
    "send",
    [
        lambda: Client().post("/sso/forge/acs/", {"SAMLResponse": "nonsense"}),
        lambda: Client().get("/sso/forge/arrival/", {"token": "nonsense"}),
        lambda: Client().get("/sso/forge/slo/", {"SAMLRequest": "nonsense"}),
        lambda: Client().get("/sso/forge/post/", {"request": "nonsense"}),
    ],
    ids=["acs", "arrival", "slo", "post"],
)
def test_nonsense_to_saml_as_well(
    forge: Callable[..., Provider],  # noqa: F811
    visitor: Visitor,  # noqa: F811
    send: Callable[[], Any],
) -> None:
    provider = forge()
    _statuses, entries = flood(send)
    assert entries < MOST
    visitor.go(provider)
    assert visitor.bring(provider, message(answer(provider, visitor).root())).status_code == 302


@pytest.mark.parametrize("alias", ["nosuch", "house"])
def test_nothing_is_recorded_where_there_is_no_such_provider(provider: MakeProvider, alias: str) -> None:
    provider("ldap", "house")
    client = Client()
    answers = [
        client.get(f"/sso/{alias}/callback/", {"state": "x"}),
        client.post(f"/sso/{alias}/back-channel-logout/", {"logout_token": "e30.e30.x"}),
        client.post(f"/sso/{alias}/acs/", {"SAMLResponse": "x"}),
        client.get(f"/sso/{alias}/arrival/", {"token": "x"}),
        client.get(f"/sso/{alias}/slo/", {"SAMLRequest": "x"}),
    ]
    assert [found.status_code for found in answers] == [404] * 5
    assert not Entry.objects.exists()
