"""How signing in withstands guessing, stolen keys and half-way visitors."""

import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, SignInThrottle
from accounts.services import throttle
from accounts.services.throttle import LONGEST, wait_after
from accounts.tasks import purge_old_throttles
from agora.celery import app
from audit.models import Entry
from sessions_admin.models import Session
from tests.conftest import PASSWORD, Make

PAGE, NEW_PASSWORD_PAGE = "/sign-in/", "/sign-in/new-password/"
NEW = "a river runs through the old town"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def attempt(
    client: Client, username: str, password: str = "a wrong password", address: str = "192.0.2.1"
) -> HttpResponse:
    return client.post(PAGE, {"username": username, "password": password}, REMOTE_ADDR=address)


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@pytest.mark.django_db
def test_who_came_an_instant_before_and_is_counted_after_waits_for_nothing() -> None:
    """Several from one address at once: the free tries are free for each of them."""
    later = NOON + timedelta(milliseconds=20)
    throttle.count_failure("eva", "192.0.2.1", now=later)
    throttle.check("max", "192.0.2.1", now=NOON)
    assert throttle.right_meanwhile("max", "192.0.2.1", now=NOON) == 0
    assert throttle.wrong_meanwhile("max", "192.0.2.1", now=NOON) == 0
    throttle.admit({"registration": "192.0.2.1"}, now=later)
    throttle.admit({"registration": "192.0.2.1"}, now=NOON)


def test_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits = [wait_after(failures, free=5).total_seconds() for failures in range(1, 18)]
    assert waits[:10] == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16]
    assert max(waits) == LONGEST.total_seconds() == 900
    assert wait_after(10**6, free=5) == LONGEST


def test_a_username_is_slowed_down_from_whatever_address(make: Make) -> None:
    make.account("ada", password=PASSWORD)
    with time_machine.travel(NOON, tick=False):
        for number in range(6):
            assert attempt(Client(), "ada", address=f"198.51.100.{number}").status_code == 422
        # Also written otherwise, also with the right password, also in a new browser.
        assert attempt(Client(), "ＡＤＡ", PASSWORD, address="203.0.113.1").status_code == 429
        assert attempt(Client(), "bob", address="203.0.113.1").status_code == 422
    assert Entry.objects.filter(outcome="failed").count() == 7, "what is refused unheard is not recorded one by one"


def test_an_address_is_slowed_down_whatever_the_username(make: Make) -> None:
    make.account("ada", password=PASSWORD)
    with time_machine.travel(NOON, tick=False):
        for number in range(21):
            assert attempt(Client(), f"guess{number}").status_code == 422
        assert attempt(Client(), "ada", PASSWORD).status_code == 429
        assert attempt(Client(), "ada", PASSWORD, address="192.0.2.2").status_code == 302


def test_what_is_kept_tells_nobody_what_was_typed(client: Client, db: None) -> None:
    attempt(client, "my secret password")
    rows = str([(row.key, str(row)) for row in SignInThrottle.objects.all()])
    assert "secret" not in rows and "192.0.2" not in rows


def test_the_right_password_forgets_the_username_but_not_the_address(make: Make) -> None:
    make.account("ada", password=PASSWORD)
    for _ in range(3):
        attempt(Client(), "ada")
    assert attempt(Client(), "ada", PASSWORD).status_code == 302
    left = {row.key: row.failures for row in SignInThrottle.objects.all()}
    assert left == {throttle.keys("ada", "192.0.2.1")["address"]: 3}


def test_a_day_without_a_failure_starts_anew(make: Make) -> None:
    make.account("ada", password=PASSWORD)
    with time_machine.travel(NOON, tick=False):
        for _ in range(6):
            attempt(Client(), "ada")
    with time_machine.travel(NOON + timedelta(hours=25), tick=False):
        attempt(Client(), "ada")
        assert attempt(Client(), "ada", PASSWORD).status_code == 302


def test_what_is_forgotten_is_removed_every_hour(make: Make) -> None:
    with time_machine.travel(NOON, tick=False):
        attempt(Client(), "ada")
    throttle.count_failure("later", None, now=NOON + timedelta(seconds=1))
    assert "accounts.purge-throttles" in {one["task"] for one in app.conf.beat_schedule.values()}
    with time_machine.travel(NOON + throttle.FORGOTTEN + timedelta(seconds=1), tick=False):
        purge_old_throttles()
    assert [row.key for row in SignInThrottle.objects.all()] == [throttle.keys("later", None)["username"]]


def test_a_forged_forwarded_header_buys_no_tries(make: Make) -> None:
    with time_machine.travel(NOON, tick=False):
        for number in range(21):
            header = {"X-Forwarded-For": f"198.51.100.{number}"}
            Client(headers=header).post(PAGE, {"username": f"g{number}", "password": "x"}, REMOTE_ADDR="192.0.2.1")
        assert attempt(Client(), "other").status_code == 429


@pytest.mark.django_db(transaction=True)
def test_failures_at_the_same_time_are_all_counted(make: Make) -> None:
    """In several threads, each with a database connection of its own, as processes have."""

    def guess() -> None:
        try:
            with transaction.atomic():
                throttle.count_failure("ada", None, now=NOON)
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert SignInThrottle.objects.get().failures == 8


@pytest.mark.django_db(transaction=True)
def test_counting_goes_on_while_what_is_right_starts_it_anew(make: Make) -> None:
    """Between two looks of one process at a row another one makes it, and a third one forgets it."""
    errors: list[BaseException] = []

    def again(work: Callable[[], object]) -> None:
        try:
            for _ in range(60):
                with transaction.atomic():
                    work()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    works = [lambda: throttle.count_failure("ada", None, now=NOON)] * 4 + [lambda: throttle.forget("ada")] * 2
    threads = [threading.Thread(target=again, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.django_db(transaction=True)
def test_of_requests_at_the_same_time_no_more_are_let_through_than_one_after_the_other(make: Make) -> None:
    let_through, at_once = [], threading.Barrier(12)

    def ask() -> None:
        try:
            at_once.wait()
            throttle.admit({"reset-account": "1"}, now=NOON)
            let_through.append(1)
        except throttle.TooManyRequests:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = SignInThrottle.objects.get()
    assert (len(let_through), row.failures, row.refused) == (4, 4, 8)  # three free ones, and the one that brings a wait


def test_a_key_planted_before_signing_in_is_worthless_afterwards(make: Make) -> None:
    """Session fixation: the attacker's key never becomes the victim's."""
    make.account("ada", password=PASSWORD, must_change_password=True)
    make.account("vic", password=PASSWORD)
    attacker = Client()
    attempt(attacker, "ada", PASSWORD)  # a visitor's session with a key the attacker knows
    planted = key_of(attacker)
    victim = Client()
    victim.cookies[settings.SESSION_COOKIE_NAME] = planted
    attempt(victim, "vic", PASSWORD)
    assert key_of(victim) != planted
    attacker.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert attacker.get("/profile/").status_code == 302
    assert victim.get("/profile/").status_code == 200


def test_the_half_way_key_is_dead_after_the_new_password(make: Make) -> None:
    make.account("ada", password=PASSWORD, must_change_password=True)
    client = Client()
    attempt(client, "ada", PASSWORD)
    half_way = key_of(client)
    client.post(NEW_PASSWORD_PAGE, {"new_password": NEW, "repeated": NEW})
    assert key_of(client) != half_way
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = half_way
    assert thief.get("/profile/").status_code == 302
    assert thief.get(NEW_PASSWORD_PAGE).headers["Location"] == PAGE
    assert thief.post(NEW_PASSWORD_PAGE, {"new_password": PASSWORD, "repeated": PASSWORD}).headers["Location"] == PAGE
    assert Account.objects.get().check_password(NEW)


def test_the_form_comes_too_late_after_ten_minutes(make: Make) -> None:
    make.account("ada", password=PASSWORD, must_change_password=True)
    client = Client()
    with time_machine.travel(NOON, tick=False):
        attempt(client, "ada", PASSWORD)
    with time_machine.travel(NOON + timedelta(minutes=10, seconds=1), tick=False):
        late = client.post(NEW_PASSWORD_PAGE, {"new_password": NEW, "repeated": NEW})
    assert late.headers["Location"] == PAGE
    assert Account.objects.get().check_password(PASSWORD)
    assert not Session.objects.signed_in().exists()


def test_half_way_opens_no_page_and_shows_no_name(make: Make) -> None:
    make.account("ada", role="administrator", password=PASSWORD, must_change_password=True)
    client = Client()
    attempt(client, "ada", PASSWORD)
    for address in ("/", "/accounts/", "/profile/", "/jump/?q=a"):
        assert client.get(address).headers["Location"].startswith(PAGE)
    assert client.post("/sign-out/").headers["Location"].startswith(PAGE)


@pytest.mark.parametrize("https", [False, True])
def test_the_session_cookie(settings: object, make: Make, https: bool) -> None:
    settings.SESSION_COOKIE_SECURE = https  # type: ignore[attr-defined]
    make.account("ada", password=PASSWORD)
    client = Client()
    attempt(client, "ada", PASSWORD)
    cookie = client.cookies["agora_session"]
    assert (cookie["httponly"], cookie["samesite"], bool(cookie["secure"])) == (True, "Lax", https)
    assert (cookie["max-age"], cookie["expires"], cookie["path"], cookie["domain"]) == ("", "", "/", "")


@pytest.mark.parametrize("address", [PAGE, NEW_PASSWORD_PAGE])
def test_nothing_of_the_sign_in_pages_is_kept_by_the_browser(make: Make, address: str) -> None:
    make.account("ada", password=PASSWORD, must_change_password=True)
    client = Client()
    attempt(client, "ada", PASSWORD)
    assert "no-store" in client.get(address).headers["Cache-Control"]


def test_a_password_is_compared_to_its_last_letter(make: Make) -> None:
    """Over-long ones are wrong, not cut off."""
    make.account("ada", password="x" * 128)
    assert attempt(Client(), "ada", "x" * 129).status_code == 422
    assert attempt(Client(), "ada", "x" * 128).status_code == 302


def test_no_way_to_fail_asks_the_database_more_than_another(make: Make) -> None:
    """What takes longer would tell which names there are; the directories are asked for after a wrong password only."""
    make.account("ada", password=PASSWORD)
    make.account("lou", password=PASSWORD, locked_at=NOON)
    make.account("ines", password=PASSWORD, is_active=False)
    attempt(Client(), "warm-up", address="198.51.100.9")  # statements are prepared once
    asked: dict[str, list[str]] = {}
    tries = [("nobody", PASSWORD), ("ada", "a wrong password"), ("lou", PASSWORD), ("ines", PASSWORD)]
    for number, (username, password) in enumerate(tries):
        with CaptureQueriesContext(connection) as queries:
            assert attempt(Client(), username, password, address=f"198.51.100.{number}").status_code == 422
        asked[username] = [re.sub(r"'[^']*'|\d+", "", query["sql"])[:60] for query in queries]
    assert asked["nobody"] == asked["ada"]
    directories = next(number for number, one in enumerate(asked["ada"]) if "sso_provider" in one or "directory" in one)
    del asked["ada"][directories]
    assert asked["lou"] == asked["ines"] == asked["ada"]
