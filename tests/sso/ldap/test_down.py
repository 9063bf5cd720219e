"""Signing in while a directory hangs, is down, is set up wrongly or disabled meanwhile: the others go on."""

import threading
import time
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sso import limits
from sso.claims import ProviderSilent
from sso.ldap import connection
from sso.ldap.directory import Directory
from sso.models import Identity, Provider
from tests.conftest import PASSWORD, Make
from tests.sso.conftest import meanwhile
from tests.sso.ldap.conftest import CLINIC, SECRET, STUDIO, MakeDirectory, reason, sign_in

GROUPS = f"ou=groups,{CLINIC}"


def test_a_directory_that_hangs_gives_one_sentence_and_local_sign_in_works(
    make: Make, directory: MakeDirectory, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ANSWER", 1)
    directory(port=silent_port)
    make.account("vic", password=PASSWORD)
    response = sign_in("eva", SECRET)
    assert response.status_code == 503
    assert "Clinic does not answer. Try again later." in response.content.decode()
    assert reason() == "unreachable"
    assert sign_in("vic", PASSWORD).status_code == 302


@pytest.mark.parametrize("first", ["down", "clinic"])
def test_another_directory_works_while_two_people_wait_for_one_that_hangs(
    directory: MakeDirectory, silent_port: int, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    monkeypatch.setattr(connection, "ANSWER", 4)
    monkeypatch.setattr(limits, "WAIT", 0.2)
    rows = {"down": {"port": silent_port}, "clinic": {}}
    made = {alias: directory(alias, **rows[alias]) for alias in (first, *(set(rows) - {first}))}

    def hang() -> None:
        with pytest.raises(ProviderSilent):
            Directory(made["down"].ldap).look_up("eva", paused=False)

    hanging = [threading.Thread(target=hang) for _person in range(limits.EACH)]
    for thread in hanging:
        thread.start()
    threading.Event().wait(0.3)
    started = time.monotonic()
    assert sign_in("eva", SECRET).status_code == 302
    assert sign_in("nobody-there", SECRET).status_code == 503  # perhaps the other one knows them
    assert "Down was not asked: others wait already." in sign_in("nobody-there", SECRET).content.decode()
    assert reason() == "busy"
    assert time.monotonic() - started < 3
    for thread in hanging:
        thread.join()


def test_the_next_directory_is_asked_when_the_first_does_not_answer(directory: MakeDirectory) -> None:
    down = directory("down", port=1)
    directory("clinic")
    assert sign_in("eva", SECRET).status_code == 302
    entry = Entry.objects.get(event="provider.passed_over")
    assert (entry.target_id, entry.outcome, entry.details["reason"]) == (str(down.pk), "failed", "unreachable")
    assert reason() == "success"


def test_the_log_says_what_each_directory_said(directory: MakeDirectory) -> None:
    directory("down", port=1)
    directory("studio", suffix=STUDIO)
    directory("clinic")
    assert sign_in("max", "wrong").status_code == 503
    details = Entry.objects.filter(event="session.opened").latest("pk").details
    assert details["asked"] == [
        {"provider": "Down", "reason": "unreachable"},
        {"provider": "Studio", "reason": "unknown_username"},
        {"provider": "Clinic", "reason": "wrong_password"},
    ]
    assert (details["reason"], details["provider"]) == ("wrong_password", "Clinic")


@pytest.mark.parametrize(
    "wrong",
    [{"admin_bind_password": "wrong"}, {"user_search_dn": "ou=nowhere,dc=clinic,dc=test"}, {"tls": "off", "port": 1}],
)
def test_the_next_directory_is_asked_when_the_first_is_set_up_wrongly(
    directory: MakeDirectory, wrong: dict[str, Any]
) -> None:
    directory("wrong", **wrong)
    response = sign_in("eva", SECRET)
    assert response.status_code == 503
    assert not Account.objects.exists()
    directory("clinic")
    assert sign_in("eva", SECRET).status_code == 302


def test_guesses_at_one_directory_are_counted_while_another_is_down(directory: MakeDirectory) -> None:
    directory("down", port=1)
    directory("clinic")
    answers = [sign_in("eva", f"guess {number}").status_code for number in range(8)]
    assert 429 in answers


def test_names_that_nobody_has_are_counted_as_well_while_another_directory_is_down(directory: MakeDirectory) -> None:
    """Else who guesses would learn which names there are."""
    directory("down", port=1)
    directory("clinic")
    tried = {name: [sign_in(name, "guess").status_code for _try in range(8)] for name in ("eva", "nobody-there")}
    assert tried["eva"] == tried["nobody-there"]
    assert 429 in tried["eva"]


def test_a_directory_that_is_down_counts_no_failures_of_the_person(directory: MakeDirectory) -> None:
    directory(port=1)
    for _try in range(8):
        assert sign_in("eva", SECRET).status_code == 503


def test_guesses_in_an_open_session_are_counted_while_another_directory_of_the_account_is_down(
    root: Account, directory: MakeDirectory
) -> None:
    directory(superuser_group=f"cn=chiefs,{GROUPS}")
    client = Client()
    sign_in("eva", SECRET, client=client)
    eva = Account.objects.named("eva").get()
    Identity.objects.create(provider=directory("down", port=1), subject="1", account=eva, created_at=eva.created_at)
    guess = {"reason": "Ticket 1", "password": "wrong"}
    answers = [client.post("/admin-mode/", guess).content.decode() for _try in range(8)]
    assert "Down does not answer. Try again later." in answers[0]
    assert "Too many failed attempts." in answers[-1]


def test_a_directory_that_is_disabled_while_it_is_asked_lets_nobody_in(
    directory: MakeDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory()
    sign_in("eva", SECRET)
    meanwhile(monkeypatch, Directory, "sign_in", lambda: Provider.objects.update(enabled=False))
    for username in ("eva", "max"):
        Provider.objects.update(enabled=True)
        assert sign_in(username, SECRET).status_code == 422
        assert reason() == "disabled"
    assert not Account.objects.named("max").exists()
