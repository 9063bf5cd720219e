"""Who is let in with a key, who is not and why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.services import accounts, locks
from accounts.services.throttle import SignInThrottle
from api_keys.models import ApiKey, KeyAddress
from api_keys.secret_text import new_secret
from api_keys.services import keys
from audit.models import Entry
from settings_admin.models import ServerSettings
from tests.api_keys.conftest import ME, call
from tests.conftest import Make

KeyOf = Callable[..., tuple[ApiKey, str]]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def code(secret: str, **how: str) -> tuple[int, str]:
    answer = call(secret, **how)
    return answer.status_code, answer.json().get("code", "")


def test_a_key_acts_as_its_account(key_of: KeyOf, ed: Account) -> None:
    _key, secret = key_of(ed)
    answer = call(secret)
    assert answer.status_code == 200
    assert (answer.json()["username"], answer.json()["role"], answer.json()["api_key"]) == (
        "ed", "editor", "Backup script",
    )  # fmt: skip
    assert "agora_session" not in answer.cookies, "a key opens no session"


def test_nobody_gets_401_with_the_scheme(db: None) -> None:
    answer = Client().get(ME)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "agora_x", "Token abc"])
def test_other_schemes_are_refused(db: None, header: str) -> None:
    answer = Client().get(ME, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_a_bearer")


def test_other_schemes_are_counted_as_guesses(db: None) -> None:
    with time_machine.travel(NOON, tick=False):
        answers = [Client().get(ME, headers={"Authorization": "Basic dXNlcjpwYXNz"}) for _ in range(22)]
    assert [answer.status_code for answer in answers] == [*[401] * 21, 429]
    assert Entry.objects.filter(event="api_key.refused", outcome="denied").count() == 21


@pytest.mark.parametrize("text", ["agora_" + "x" * 38, "x", "é" * 40, "\x00", "a" * 100_000, "' OR 1=1 --"])
def test_a_guessed_key_lets_nobody_in(key_of: KeyOf, ed: Account, text: str) -> None:
    key, _secret = key_of(ed)
    assert code(text) == (401, "unknown_key")
    assert code(key.digest) == (401, "unknown_key"), "what is stored is no key"
    entry = Entry.objects.filter(event="api_key.refused").latest("pk")
    assert (entry.outcome, entry.details["code"], entry.target_id) == ("denied", "unknown_key", "")


def test_a_key_is_dead_from_the_next_request_on(make: Make, key_of: KeyOf, sam: Account, ada: Account) -> None:
    """Locked, inactive, disabled, reset, deleted, the account gone."""
    ed = make.account("ed", role="editor")
    key, secret = key_of(ed)
    locks.lock(ed, actor=make.actor(sam))
    assert code(secret) == (401, "account_not_usable")
    locks.unlock(ed, actor=make.actor(sam))
    accounts.set_active(ed, False, actor=make.actor(ada))
    assert code(secret) == (401, "account_not_usable")
    accounts.set_active(ed, True, actor=make.actor(ada))
    keys.set_enabled(key, False, actor=make.actor(ada))
    assert code(secret) == (401, "key_disabled")
    keys.set_enabled(key, True, actor=make.actor(ada))
    assert code(secret)[0] == 200
    _key, fresh = keys.reset_key(key, actor=make.actor(ed))
    assert code(secret) == (401, "unknown_key")
    assert code(fresh)[0] == 200
    keys.delete_key(key, actor=make.actor(ed))
    assert code(fresh) == (401, "unknown_key")


def test_it_dies_at_its_expiry(key_of: KeyOf, ed: Account) -> None:
    _key, secret = key_of(ed, expires_at=NOON)
    with time_machine.travel(NOON - timedelta(seconds=1), tick=False):
        assert code(secret)[0] == 200
    with time_machine.travel(NOON, tick=False):
        assert code(secret) == (401, "key_expired")


def test_the_server_and_the_account_decide_whether_keys_count(make: Make, key_of: KeyOf, ed: Account) -> None:
    _key, secret = key_of(ed)
    for server, own, status in [
        (True, "inherit", 200), (True, "deny", 401), (False, "inherit", 401), (False, "allow", 200),
    ]:  # fmt: skip
        ServerSettings.objects.update(allow_api_keys=server)
        Account.objects.filter(pk=ed.pk).update(key_login=own)
        assert code(secret)[0] == status, (server, own)
    Account.objects.filter(pk=ed.pk).update(key_login="deny")
    assert code(secret) == (401, "keys_not_allowed")


def test_only_its_addresses(key_of: KeyOf, ed: Account) -> None:
    _key, secret = key_of(ed, networks=["10.0.0.0/8", "2001:db8::/32"])
    assert code(secret, origin="10.200.3.4")[0] == 200
    assert code(secret, origin="2001:db8::7")[0] == 200
    assert code(secret, origin="192.0.2.7") == (401, "address_not_allowed")
    assert code(secret, origin="")[0] == 401, "an unknown address is none of the list"


def test_a_forwarded_header_of_a_stranger_changes_no_address(key_of: KeyOf, ed: Account) -> None:
    _key, secret = key_of(ed, networks=["10.0.0.0/8"])
    headers = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": "10.1.1.1"}
    assert Client().get(ME, headers=headers, REMOTE_ADDR="192.0.2.7").status_code == 401


def test_a_read_only_key_changes_nothing(key_of: KeyOf, ed: Account) -> None:
    key, secret = key_of(ed, read_only=True)
    assert code(secret)[0] == 200
    assert code(secret, address=f"{ME}/keys/{key.pk}", method="DELETE") == (403, "read_only_key")
    assert ApiKey.objects.filter(pk=key.pk).exists()
    entry = Entry.objects.get(event="api_key.refused")
    assert (entry.outcome, entry.details["code"], entry.target_id) == ("denied", "read_only_key", str(key.pk))
    assert (entry.actor_name, entry.key_id, entry.method) == ("ed", key.pk, "DELETE"), "whoever has it is known"


@pytest.mark.django_db(transaction=True)  # PostgreSQL's COPY reads on a connection of its own
def test_a_read_only_key_exports_the_audit_log(key_of: KeyOf, sam: Account, ed: Account) -> None:
    _key, secret = key_of(sam, read_only=True)
    answer = call(secret, "/api/v1/audit/export?event=api_key.created", "POST")
    assert b'"api_key.created"' in b"".join(answer.streaming_content)
    assert Entry.objects.get(event="audit.exported").key_name == "Backup script"
    _key, secret = key_of(ed, read_only=True)
    assert code(secret, address="/api/v1/audit/export", method="POST") == (403, "forbidden")


def test_keys_open_no_page(key_of: KeyOf, ada: Account) -> None:
    _key, secret = key_of(ada)
    for address in ("/", "/accounts/", "/profile/"):
        answer = call(secret, address)
        assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/")


def test_a_key_in_the_address_or_the_body_is_no_key(key_of: KeyOf, ed: Account) -> None:
    _key, secret = key_of(ed)
    for name in ("api_key", "key", "pat", "access_token"):
        assert Client().get(f"{ME}?{name}={secret}").status_code == 401


def test_the_key_decides_whatever_cookie_comes_along(make: Make, key_of: KeyOf, ed: Account, ada: Account) -> None:
    _key, secret = key_of(ed)
    browser = make.client(ada)
    assert browser.get(ME, headers={"Authorization": f"Bearer {secret}"}).json()["username"] == "ed"
    assert browser.get(ME, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert browser.get(ME).json()["username"] == "ada"


def test_last_use_is_written_down_once_a_minute(key_of: KeyOf, ed: Account) -> None:
    key, secret = key_of(ed)
    for seconds, expected in [(0, 0), (30, 0), (61, 61)]:
        with time_machine.travel(NOON + timedelta(seconds=seconds), tick=False):
            call(secret)
        key.refresh_from_db()
        assert key.last_used_at == NOON + timedelta(seconds=expected)
    assert key.last_used_address == "192.0.2.7"


def test_the_first_use_from_each_address_is_recorded(key_of: KeyOf, ed: Account) -> None:
    key, secret = key_of(ed)
    for origin in ("192.0.2.7", "192.0.2.8", "192.0.2.7", "192.0.2.8"):
        call(secret, origin=origin)
    entries = Entry.objects.filter(event="api_key.used_from_new_address").order_by("pk")
    assert [(entry.address, entry.target_id) for entry in entries] == [
        ("192.0.2.7", str(key.pk)), ("192.0.2.8", str(key.pk)),
    ]  # fmt: skip
    assert KeyAddress.objects.count() == 2


def test_what_a_key_does_is_recorded_under_its_name(key_of: KeyOf, ed: Account) -> None:
    key, secret = key_of(ed, "Encoder")
    call(secret, f"{ME}/keys/{key.pk}", "DELETE")
    entry = Entry.objects.get(event="api_key.deleted")
    assert (entry.actor_name, entry.key_name, entry.key_id, entry.session_id, entry.channel) == (
        "ed", "Encoder", key.pk, None, "api",
    )  # fmt: skip


def test_guessing_is_slowed_down_by_address_and_good_keys_never_wait(key_of: KeyOf, ed: Account) -> None:
    _key, secret = key_of(ed)
    with time_machine.travel(NOON, tick=False):
        for _ in range(21):
            assert call(new_secret()).status_code == 401
        slowed = call(new_secret())
        assert (slowed.status_code, slowed.json()["code"], slowed["Retry-After"]) == (429, "too_many_attempts", "1")
        assert call(new_secret(), origin="192.0.2.99").status_code == 401
        assert call(secret).status_code == 200
    assert Entry.objects.filter(event="api_key.refused").count() == 22, "what is refused unheard is not recorded"
    assert SignInThrottle.objects.count() == 2


def test_a_known_and_an_unknown_key_are_looked_up_alike(key_of: KeyOf, ed: Account) -> None:
    """One query by digest for either, whatever the text looks like."""
    _key, secret = key_of(ed)
    with time_machine.travel(NOON, tick=False):
        call(secret)
        for text in (secret, new_secret(), "not even like a key"):
            with CaptureQueriesContext(connection) as asked:
                call(text)
            # PostgreSQL is sent the name of what was prepared once.
            named = ('FROM "api_keys_apikey"', "EXECUTE agora_key_of_digest")
            looked_up = [query["sql"] for query in asked if any(name in query["sql"] for name in named)]
            assert len(looked_up) == 1, looked_up
