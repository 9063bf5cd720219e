"""Superusers without a password confirm admin mode at the provider that they signed in through."""

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry, Outcome
from sessions_admin.models import Elevation
from sso.models import Identity, Provider
from tests.conftest import Make
from tests.sso.openid.conftest import Connect, address_in, come_back, sign_in
from tests.sso.openid.hostile import Hostile

pytestmark = pytest.mark.django_db
REASON = {"reason": "Ticket 4711"}


@pytest.fixture
def boss(client: Client, hostile: Hostile, connect: Connect, root: Account) -> Client:
    """The superuser, who has no password, signed in through the provider."""
    link(connect(hostile), root)
    assert sign_in(client, hostile).status_code == 302
    return client


def link(provider: Provider, account: Account) -> None:
    Identity.objects.create(provider=provider, subject="248289", account=account, created_at=timezone.now())


def ask(client: Client) -> str:
    """The address at which the provider asks."""
    answer = client.post("/sso/again/", {"next": "/admin-mode/"})
    assert answer.status_code == 200
    return address_in(answer)


def confirm(client: Client, hostile: Hostile, **claims: Any) -> Any:
    hostile.claims = {"auth_time": int(time.time())} | claims
    return come_back(client, hostile.agree(ask(client)))


def reasons() -> list[str]:
    rows = Entry.objects.filter(event="identity.confirmed", outcome=Outcome.FAILED).order_by("pk")
    return [entry.details["reason"] for entry in rows]


def test_the_provider_asks_and_admin_mode_starts(boss: Client, hostile: Hostile) -> None:
    assert "Go on at Staff" in boss.get("/admin-mode/").content.decode()
    asked = hostile.asked_for(ask(boss))
    assert asked["prompt"] == "login" and asked["max_age"] == "0"
    answer = confirm(boss, hostile)
    assert answer.status_code == 302 and answer["Location"] == "/admin-mode/"
    page = boss.get("/admin-mode/").content.decode()
    assert "Start admin mode?" in page and 'name="password"' not in page
    assert boss.post("/admin-mode/", REASON)["Location"] == "/projects/"
    assert Elevation.objects.get().account_name == "root"
    started = Entry.objects.get(event="admin_mode.started")
    assert started.details["method"] == "openid" and started.details["provider"] == "Staff"


def test_a_confirmation_counts_once(boss: Client, hostile: Hostile) -> None:
    confirm(boss, hostile)
    boss.post("/admin-mode/", REASON)
    boss.post("/admin-mode/stop/")
    assert "Go on at Staff" in boss.get("/admin-mode/").content.decode()
    assert boss.post("/admin-mode/", REASON).status_code == 409
    assert Elevation.objects.count() == 1


def test_a_confirmation_counts_for_five_minutes(boss: Client, hostile: Hostile) -> None:
    confirm(boss, hostile)
    with time_machine.travel(timezone.now() + timedelta(minutes=5, seconds=1)):
        assert boss.post("/admin-mode/", REASON).status_code == 409
    assert not Elevation.objects.exists()


def test_without_being_asked_nothing_starts(boss: Client) -> None:
    assert boss.post("/admin-mode/", REASON).status_code == 409
    denied = Entry.objects.get(event="admin_mode.started")
    assert denied.outcome == Outcome.DENIED and denied.details["code"] == "not_asked_yet"


LIES: dict[str, tuple[str, dict[str, Any]]] = {
    "asked when the session began": ("not_asked_again", {"auth_time": int(time.time()) - 3_600}),
    "asked in an hour": ("not_asked_again", {"auth_time": int(time.time()) + 3_600}),
    "asked at no time": ("malformed", {"auth_time": 1e300}),
    "does not say when": ("no_auth_time", {"auth_time": None}),
    "says it in words": ("malformed", {"auth_time": "now"}),
    "says yes": ("malformed", {"auth_time": True}),
    "a token of another issuer": ("wrong_issuer", {"iss": "https://id.example.com"}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_provider_that_did_not_ask(lie: str, boss: Client, hostile: Hostile) -> None:
    reason, claims = LIES[lie]
    answer = confirm(boss, hostile, **claims)
    assert answer.status_code == 403 and b"did not confirm that it is you" in answer.content
    assert reasons() == [reason]
    assert Entry.objects.filter(event="identity.confirmed").get().request_id in answer.content.decode()
    assert boss.post("/admin-mode/", REASON).status_code == 409
    assert boss.get("/profile/").status_code == 200


def test_somebody_else_at_the_provider(boss: Client, hostile: Hostile) -> None:
    hostile.about["sub"] = "somebody else"
    assert confirm(boss, hostile, sub="somebody else").status_code == 403
    assert reasons() == ["other_person"]


def test_somebody_who_says_no(boss: Client, hostile: Hostile) -> None:
    state = hostile.asked_for(ask(boss))["state"]
    assert come_back(boss, {"error": "access_denied", "state": state}).status_code == 403
    assert reasons() == ["declined"]


def test_the_answer_comes_to_another_session(boss: Client, hostile: Hostile) -> None:
    hostile.claims = {"auth_time": int(time.time())}
    brought = hostile.agree(ask(boss))
    sign_in(boss, hostile)  # the same person in the same browser, in a new session
    assert come_back(boss, brought).status_code == 403
    assert reasons() == ["other_session"]


def test_an_ordinary_sign_in_confirms_nothing(boss: Client, hostile: Hostile) -> None:
    hostile.claims = {"auth_time": int(time.time())}
    sign_in(boss, hostile)
    assert boss.post("/admin-mode/", REASON).status_code == 409


def test_who_came_another_way_is_not_asked(make: Make, ada: Account, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    assert make.client(ada).post("/sso/again/").status_code == 409
    assert Client().post("/sso/again/")["Location"].startswith("/sign-in/")


def test_who_has_a_password_types_it(client: Client, hostile: Hostile, connect: Connect, root: Account) -> None:
    root.set_password("a river runs through the old town")
    root.save()
    link(connect(hostile), root)
    sign_in(client, hostile)
    assert 'name="password"' in client.get("/admin-mode/").content.decode()
    confirm(client, hostile)
    assert client.post("/admin-mode/", REASON).status_code == 422
    assert not Elevation.objects.exists()
