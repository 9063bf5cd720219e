"""Codes and passwords that arrive at the same moment: as if they came one after the other."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.backends import authenticate
from accounts.models import Account, SignInThrottle
from accounts.services import sign_in, throttle
from accounts.services.throttle import FREE, count_failure
from sessions_admin.models import Session
from tests.accounts.factor import CODE, NOON, code_of, enrolled, half_way, let_in
from tests.conftest import PASSWORD, Make

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(clients: list[Client], send: Callable[[Client], HttpResponse]) -> list[int]:
    """The statuses, in the order in which they were answered."""
    start, statuses = threading.Barrier(len(clients)), []

    def one(client: Client) -> None:
        start.wait(timeout=20)
        try:
            statuses.append(send(client).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(statuses) == len(clients)
    return statuses


@pytest.mark.parametrize("kind", ["of the app", "for recovery"])
def test_one_code_lets_one_in(make: Make, kind: str) -> None:
    with time_machine.travel(NOON, tick=False):
        ada, codes = enrolled(make)
        code = codes[0] if kind == "for recovery" else code_of(ada)
        clients = [half_way() for _ in range(5)]
        statuses = at_once(clients, lambda client: client.post(CODE, {"code": code}))
        assert sorted(statuses) == [302, *[422] * 4]
        assert sum(let_in(client) for client in clients) == 1


def test_many_guesses_at_once_are_as_few_as_in_a_row(make: Make) -> None:
    with time_machine.travel(NOON, tick=False):
        enrolled(make)
        clients = [half_way() for _ in range(12)]
        statuses = at_once(clients, lambda client: client.post(CODE, {"code": "000000"}))
        heard = FREE["code"] + 1
        assert sorted(statuses) == [*[422] * heard, *[429] * (12 - heard)]
        row = SignInThrottle.objects.get(failures__gt=0)
        assert (row.failures, row.refused) == (heard, 12 - heard)


def test_many_passwords_at_once_are_as_few_as_in_a_row(make: Make) -> None:
    make.account("ada", password=PASSWORD)
    with time_machine.travel(NOON, tick=False):
        guess = {"username": "ada", "password": "a wrong password"}
        statuses = at_once([Client() for _ in range(12)], lambda client: client.post("/sign-in/", guess))
        heard = FREE["username"] + 1
        assert sorted(statuses) == [*[422] * heard, *[429] * (12 - heard)]


@pytest.mark.parametrize("step", ["none", "new password", "code"])
def test_a_right_password_looked_at_while_others_filled_the_wait_is_not_told_from_a_wrong_one(
    make: Make, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    if step == "code":
        ada, _codes = enrolled(make)
    else:
        ada = make.account("ada", password=PASSWORD, must_change_password=step == "new password")
    before = ada.last_login

    def meanwhile(*args: Any, **how: Any) -> Any:
        with transaction.atomic():
            for _ in range(FREE["username"] + 1):
                count_failure("ada", "192.0.2.7", now=timezone.now())
        return authenticate(*args, **how)

    monkeypatch.setattr(sign_in, "authenticate", meanwhile)
    client = Client()
    with time_machine.travel(NOON, tick=False):
        for password in (PASSWORD, "a wrong password"):
            SignInThrottle.objects.all().delete()
            answer = client.post("/sign-in/", {"username": "ada", "password": password})
            assert answer.status_code == 429
    assert not Session.objects.exists()
    ada.refresh_from_db()
    assert ada.last_login == before


@pytest.mark.parametrize("step", ["none", "code"])
def test_a_right_password_goes_before_guesses_that_make_nobody_wait_and_ends_their_count(
    make: Make, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    if step == "code":
        enrolled(make)
    else:
        make.account("ada", password=PASSWORD)

    def meanwhile(*args: Any, **how: Any) -> Any:
        with transaction.atomic():
            count_failure("ada", "192.0.2.7", now=timezone.now())
        return authenticate(*args, **how)

    monkeypatch.setattr(sign_in, "authenticate", meanwhile)
    sent = {"username": "ada", "password": PASSWORD}
    assert Client().post("/sign-in/", sent, REMOTE_ADDR="192.0.2.7").status_code == 302
    assert SignInThrottle.objects.get().key == throttle.keys("ada", "192.0.2.7")["address"]


def test_a_lock_while_others_guess_is_told_as_a_wait(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else "changed meanwhile" would say that the password was right."""
    ada = make.account("ada", password=PASSWORD)

    def meanwhile(*args: Any, **how: Any) -> Any:
        found = authenticate(*args, **how)
        with transaction.atomic():
            for _ in range(FREE["username"] + 1):
                count_failure("ada", "192.0.2.7", now=timezone.now())
        Account.objects.filter(pk=ada.pk).update(locked_at=timezone.now())
        return found

    monkeypatch.setattr(sign_in, "authenticate", meanwhile)
    assert Client().post("/sign-in/", {"username": "ada", "password": PASSWORD}).status_code == 429
