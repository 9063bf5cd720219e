"""A directory that hangs takes a few places for a while, and nothing else."""

import threading
from collections.abc import Iterator

import pytest

from sso import limits
from sso.claims import ProviderRefused, ProviderSilent


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    limits.forget()
    yield
    limits.forget()


def test_a_conversation_past_its_deadline_is_given_up_and_the_server_left_in_peace() -> None:
    end, asked = threading.Event(), []

    def hangs() -> None:
        asked.append(1)
        end.wait(30)

    try:
        for _try in range(3):
            with pytest.raises(ProviderSilent, match="ldap://slow does not answer"):
                limits.ask("ldap://slow", hangs, deadline=0.05)
        assert len(asked) == 1  # then not again for a while
        assert limits.ask("ldap://other", lambda: "well") == "well"
    finally:
        end.set()


def test_a_test_asks_also_while_the_server_is_left_in_peace() -> None:
    def silent() -> None:
        raise ProviderSilent("no")

    with pytest.raises(ProviderSilent):
        limits.ask("ldap://slow", silent)
    assert limits.ask("ldap://slow", lambda: "back", paused=False) == "back"
    assert limits.ask("ldap://slow", lambda: "back") == "back"


def test_a_refusal_is_an_answer() -> None:
    def refuses() -> None:
        raise ProviderRefused("wrong_password", "no")

    for _try in range(3):
        with pytest.raises(ProviderRefused, match="no"):
            limits.ask("ldap://well", refuses)


def test_conversations_that_hang_do_not_take_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAIT", 0.05)
    end = threading.Event()
    try:
        for number in range(limits.AT_ONCE):
            with pytest.raises(ProviderSilent):
                limits.ask(f"ldap://slow{number}", lambda: end.wait(30), deadline=0.05)
        with pytest.raises(ProviderSilent):
            limits.ask("ldap://third", lambda: "never asked")
    finally:
        end.set()
