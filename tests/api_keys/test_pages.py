"""The pages of API keys: on the profile, on the card, and what is done to one key."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client

from accounts.models import Account
from api_keys.models import ApiKey
from api_keys.services.keys import MOST
from audit.models import Entry
from settings_admin.models import ServerSettings
from tests.api_keys.conftest import call
from tests.conftest import Make

KeyOf = Callable[..., tuple[ApiKey, str]]
SignedIn = Callable[[Account], Client]
MINE = "/profile/keys/"
SECRET = re.compile(r'id="secret"[^>]*>(agora_\w+)<')


def text(answer: object) -> str:
    return answer.content.decode()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("who", ["root", "ada", "sam", "connie", "ed", "vic", "otto", "nell"])
def test_everybody_makes_keys_of_their_own(signed_in: SignedIn, request: pytest.FixtureRequest, who: str) -> None:
    account = request.getfixturevalue(who)
    client = signed_in(account)
    shown = client.post(f"{MINE}new/", {"name": "Backup"})
    secret = SECRET.search(text(shown))
    assert secret and call(secret[1]).json()["username"] == who
    assert shown["Cache-Control"] == "no-store"
    again = text(client.get(MINE))
    assert "Backup" in again and secret[1][:12] in again
    assert secret[1] not in again, "it is shown once"
    entry = Entry.objects.get(event="api_key.created")
    assert secret[1] not in str(vars(entry))


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    for address in (MINE, f"{MINE}new/", "/keys/1/", "/keys/1/reset/"):
        assert client.get(address)["Location"].startswith("/sign-in/")


def test_limits_are_kept_as_they_were_typed(signed_in: SignedIn, nell: Account) -> None:
    limits = {"name": "Encoder", "expires_on": "2031-05-17", "read_only": "on", "networks": "10.1.2.3\n192.0.2.9/24"}
    signed_in(nell).post(f"{MINE}new/", limits)
    key = ApiKey.objects.get()
    assert (key.read_only, key.networks) == (True, ["10.1.2.3/32", "192.0.2.0/24"])
    assert key.expires_at and key.expires_at.isoformat() == "2031-05-18T00:00:00+00:00", "to the end of the day"
    form = text(signed_in(nell).get(f"/keys/{key.pk}/"))
    assert 'value="2031-05-17"' in form and "192.0.2.0/24" in form


@pytest.mark.parametrize("ends", ["2030-01-01T08:00:00+00:00", "2026-11-19T08:00:00+00:00"], ids=["valid", "expired"])
def test_another_name_moves_no_end(signed_in: SignedIn, key_of: KeyOf, nell: Account, ends: str) -> None:
    """Neither to the end of its day nor back to life; another day does."""
    with time_machine.travel("2026-11-20T12:00Z", tick=False):
        key, secret = key_of(nell, expires_at=datetime.fromisoformat(ends))
        client, before = signed_in(nell), call(secret).status_code
        [day] = re.findall(r'name="expires_on" value="([^"]+)"', text(client.get(f"/keys/{key.pk}/")))
        assert client.post(f"/keys/{key.pk}/", {"name": "Renamed", "expires_on": day}).status_code == 302
        key.refresh_from_db()
        assert (key.name, key.expires_at) == ("Renamed", datetime.fromisoformat(ends))
        assert call(secret).status_code == before
        client.post(f"/keys/{key.pk}/", {"name": "Renamed", "expires_on": "2026-11-30"})
        assert call(secret).status_code == 200
        key.refresh_from_db()
        assert key.expires_at == datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "a\x00b"), ("name", "x" * 101), ("expires_on", "2001-01-01"), ("expires_on", "soon"),
        ("expires_on", "9999-12-31"), ("networks", "anywhere"), ("networks", "10.0.0.0/99"),
        ("networks", "\n".join(f"10.0.0.{n}" for n in range(101))),
    ],
)  # fmt: skip
def test_other_values_are_refused_under_their_field(signed_in: SignedIn, nell: Account, field: str, value: str) -> None:
    answer = signed_in(nell).post(f"{MINE}new/", {"name": "Backup"} | {field: value})
    assert answer.status_code == 422
    assert f'id="id_{field}_error"' in text(answer)
    assert not ApiKey.objects.exists()


def test_a_name_is_taken_once(signed_in: SignedIn, key_of: KeyOf, nell: Account) -> None:
    key_of(nell, "Backup")
    answer = signed_in(nell).post(f"{MINE}new/", {"name": "Backup"})
    assert answer.status_code == 422
    assert "has an API key of this name" in text(answer)


def test_fifty_are_enough(signed_in: SignedIn, key_of: KeyOf, nell: Account) -> None:
    for number in range(MOST):
        key_of(nell, f"Key {number}")
    assert signed_in(nell).post(f"{MINE}new/", {"name": "One more"}).status_code == 409
    assert ApiKey.objects.count() == MOST


def test_disable_enable_reset_delete(signed_in: SignedIn, key_of: KeyOf, nell: Account) -> None:
    key, secret = key_of(nell)
    client = signed_in(nell)
    client.post(f"/keys/{key.pk}/disable/")
    assert call(secret).status_code == 401
    client.post(f"/keys/{key.pk}/enable/")
    assert call(secret).status_code == 200
    assert "stops working at once" in text(client.get(f"/keys/{key.pk}/reset/"))
    fresh = SECRET.search(text(client.post(f"/keys/{key.pk}/reset/")))
    assert fresh and call(fresh[1]).status_code == 200 and call(secret).status_code == 401
    client.get(f"/keys/{key.pk}/delete/")
    assert ApiKey.objects.exists()
    client.post(f"/keys/{key.pk}/delete/")
    assert call(fresh[1]).status_code == 401
    events = set(Entry.objects.filter(event__startswith="api_key.").values_list("event", flat=True))
    assert {"api_key.disabled", "api_key.enabled", "api_key.reset", "api_key.deleted"} <= events
    assert Entry.objects.get(event="api_key.deleted").target_id == str(key.pk)


@pytest.mark.parametrize("verb", ["", "enable/", "disable/", "reset/", "delete/"])
def test_other_peoples_keys_are_not_there(
    signed_in: SignedIn, key_of: KeyOf, nell: Account, vic: Account, verb: str
) -> None:
    key, secret = key_of(nell)
    answer = signed_in(vic).post(f"/keys/{key.pk}/{verb}", {"name": "Mine"})
    assert answer.status_code == 404
    assert call(secret).status_code == 200


@pytest.mark.parametrize("verb", ["", "enable/", "disable/", "reset/", "delete/"])
def test_security_sees_keys_and_changes_none(
    signed_in: SignedIn, key_of: KeyOf, nell: Account, sam: Account, verb: str
) -> None:
    key, secret = key_of(nell)
    client = signed_in(sam)
    card = text(client.get(f"/accounts/{nell.pk}/keys/"))
    assert key.visible in card and "/disable/" not in card and "New API key" not in card
    assert client.post(f"/keys/{key.pk}/{verb}", {"name": "Mine"}).status_code == 403
    assert call(secret).status_code == 200


class TestOnTheCard:
    def test_administrators_make_and_end_keys_for_services(
        self, signed_in: SignedIn, ada: Account, nell: Account
    ) -> None:
        client = signed_in(ada)
        secret = SECRET.search(text(client.post(f"/accounts/{nell.pk}/keys/new/", {"name": "Encoder"})))
        assert secret and call(secret[1]).json()["username"] == "nell"
        entry = Entry.objects.get(event="api_key.created")
        assert (entry.actor_name, entry.target_name) == ("ada", "nell")
        client.post(f"/keys/{ApiKey.objects.get().pk}/disable/")
        assert call(secret[1]).status_code == 401

    def test_a_superusers_keys_are_for_superusers(
        self, signed_in: SignedIn, key_of: KeyOf, ada: Account, root: Account
    ) -> None:
        key, secret = key_of(root)
        client = signed_in(ada)
        assert client.post(f"/accounts/{root.pk}/keys/new/", {"name": "Way in"}).status_code == 403
        assert client.post(f"/keys/{key.pk}/reset/").status_code == 403
        assert client.post(f"/accounts/{root.pk}/keys/login/", {"key_login": "deny"}).status_code == 403
        assert ApiKey.objects.count() == 1 and call(secret).status_code == 200

    def test_the_accounts_own_setting(self, signed_in: SignedIn, key_of: KeyOf, ada: Account, nell: Account) -> None:
        _key, secret = key_of(nell)
        client, home = signed_in(ada), f"/accounts/{nell.pk}/keys/"
        client.post(f"{home}login/", {"key_login": "deny"})
        assert call(secret).status_code == 401
        assert "its own setting says Deny" in text(client.get(home))
        assert "switched off for your account" in text(signed_in(nell).get(MINE))
        client.post(f"{home}login/", {"key_login": "allow"})
        ServerSettings.objects.update(allow_api_keys=False)
        assert call(secret).status_code == 200
        changes = Entry.objects.filter(event="account.key_login_changed").latest("pk").details["changes"]
        assert changes == {"key_login": ["deny", "allow"]}
        assert client.post(f"{home}login/", {"key_login": "maybe"}).status_code == 422

    def test_the_tab_says_when_the_server_refuses(self, signed_in: SignedIn, key_of: KeyOf, ada: Account) -> None:
        key_of(ada)
        ServerSettings.objects.update(allow_api_keys=False)
        assert "is off for the server" in text(signed_in(ada).get(f"/accounts/{ada.pk}/keys/"))


def test_what_a_key_may_not_do_with_keys(make: Make, key_of: KeyOf, nell: Account) -> None:
    """A stolen key must not become another one, or a wider one."""
    key, secret = key_of(nell, networks=["192.0.2.0/24"])
    other, _ = key_of(nell, "Other")
    headers = {"Authorization": f"Bearer {secret}"}
    home = "/api/v1/me/keys"

    def send(method: str, address: str, body: object = None) -> tuple[int, str]:
        answer = Client().generic(
            method, address, json.dumps(body), content_type="application/json",
            headers=headers, REMOTE_ADDR="192.0.2.7",
        )  # fmt: skip
        return answer.status_code, answer.json().get("code", "") if answer.content else ""

    assert send("POST", home, {"name": "Wider"}) == (403, "key_cannot_do_this")
    assert send("PATCH", f"{home}/{key.pk}", {"networks": []}) == (403, "key_cannot_do_this")
    assert send("POST", f"{home}/{other.pk}/reset") == (403, "key_cannot_do_this")
    assert send("PATCH", f"{home}/{other.pk}", {"enabled": False})[0] == 200
    assert send("PATCH", f"{home}/{other.pk}", {"enabled": True}) == (403, "key_cannot_do_this")
    assert send("POST", f"{home}/{key.pk}/reset")[0] == 200, "its own secret it may renew"
    key.refresh_from_db()
    assert key.networks == ["192.0.2.0/24"]
