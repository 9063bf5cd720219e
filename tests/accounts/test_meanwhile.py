"""What is done to an account between the look at its password and the opening of its session: no session is left."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client

from accounts.models import Account
from accounts.services import second_factor, sign_in
from accounts.services.accounts import set_active
from accounts.services.locks import lock
from accounts.services.passwords import set_password
from agora.base.actor import Actor
from audit.models import Entry, Outcome
from sessions_admin.models import Session
from tests.accounts.factor import CODE, NOON, code_of, enrolled, half_way
from tests.conftest import PASSWORD, Make

Act = Callable[[Account, Actor], object]


def remove_factor(account: Account, actor: Actor) -> None:
    second_factor.reset(account, actor=actor)


def require_another_password(account: Account, actor: Actor) -> None:
    Account.objects.filter(pk=account.pk).update(must_change_password=True)


ACTS: dict[str, Act] = {
    "locked": lambda account, actor: lock(account, actor=actor),
    "deactivated": lambda account, actor: set_active(account, False, actor=actor),
    "another password": lambda account, actor: set_password(account, "a wide plain of yellow grass", actor=actor),
    "another password is required": require_another_password,
}


WAITS_FOR_US = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid)"


def after(real: Callable[..., Any], act: Callable[[], object]) -> Callable[..., Any]:
    """``act`` happens right after the function, before its caller goes on."""

    def called(*args: Any, **how: Any) -> Any:
        found = real(*args, **how)
        act()
        return found

    return called


def assert_not_in(client: Client, account: Account) -> None:
    assert not Session.objects.signed_in().not_closed().exists()
    assert client.get("/profile/").status_code == 302
    Account.objects.filter(pk=account.pk).update(locked_at=None, locked_by_id=None, locked_by_name="", is_active=True)
    assert client.get("/profile/").status_code == 302, "what never opened does not open afterwards"
    entry = Entry.objects.filter(event="session.opened").latest("pk")
    assert (entry.outcome, entry.details["reason"], entry.target_name) == (Outcome.FAILED, "taken_back", "ada")


@pytest.mark.django_db
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_between_the_password_and_the_session(make: Make, monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    ada, client = make.account("ada", password=PASSWORD), Client()
    monkeypatch.setattr(sign_in, "authenticate", after(sign_in.authenticate, lambda: act(ada, make.actor())))
    answer = client.post("/sign-in/", {"username": "ada", "password": PASSWORD})
    assert answer.status_code in (302, 422)
    if answer.status_code == 422:
        assert "Sign in again." in answer.content.decode()
    assert_not_in(client, ada)


@pytest.mark.django_db
@pytest.mark.parametrize("act", [*ACTS.values(), remove_factor], ids=[*ACTS, "factor removed"])
def test_between_the_code_and_the_session(make: Make, monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    with time_machine.travel(NOON, tick=False):
        ada, _codes = enrolled(make)
        client = half_way()
        monkeypatch.setattr(second_factor, "check", after(second_factor.check, lambda: act(ada, make.actor())))
        answer = client.post(CODE, {"code": code_of(ada)})
        assert answer.status_code == 403
        assert "Sign in again." in answer.content.decode()
        assert_not_in(client, ada)


@pytest.mark.django_db
def test_signing_in_is_written_in_the_account_once(make: Make) -> None:
    make.account("ada", password=PASSWORD)
    with time_machine.travel(NOON, tick=False):
        Client().post("/sign-in/", {"username": "ada", "password": PASSWORD})
    ada = Account.objects.get()
    assert ada.last_login == ada.last_login_key == NOON
    assert ada.modified_at != NOON, "signing in is no change of the account"


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql("SQLite has one writer at a time.")
def test_a_sign_in_waits_for_a_lock_that_is_not_committed_yet_and_finds_it(make: Make) -> None:
    ada, client = make.account("ada", password=PASSWORD), Client()
    answers: list[int] = []

    def sign_in_there() -> None:
        try:
            answers.append(client.post("/sign-in/", {"username": "ada", "password": PASSWORD}).status_code)
        finally:
            connection.close()

    other = threading.Thread(target=sign_in_there)
    with transaction.atomic(), connection.cursor() as cursor:
        lock(ada, actor=Actor.system())
        other.start()
        for _ in range(200):
            cursor.execute(WAITS_FOR_US)
            if cursor.fetchone() == (True,):
                break
            time.sleep(0.05)
        else:
            pytest.fail("The sign-in did not wait.")
    other.join(timeout=60)
    assert answers == [422]
    assert_not_in(client, ada)
