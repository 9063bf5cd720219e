"""A directory that hangs takes a few places for a while, and nothing else."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sso import limits
from sso.claims import ProviderBusy, ProviderRefused, ProviderSilent


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
    with pytest.raises(ProviderSilent):
        limits.ask("ldap://slow", lambda: threading.Event().wait(0.5), deadline=0.05)
    assert limits.ask("ldap://slow", lambda: "back", paused=False) == "back"
    assert limits.ask("ldap://slow", lambda: "back") == "back"


def test_a_connection_that_is_refused_or_lost_keeps_nobody_else_away() -> None:
    def refused() -> None:
        raise ProviderSilent("Connection refused")

    for _try in range(3):
        with pytest.raises(ProviderSilent, match="Connection refused"):
            limits.ask("ldap://restarting", refused)
    assert limits.ask("ldap://restarting", lambda: "back") == "back"


def test_a_refusal_that_came_late_is_an_answer_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOW", 0.05)

    def refuses() -> None:
        threading.Event().wait(0.2)
        raise ProviderRefused("wrong_password", "no.")

    for _try in range(2):
        with pytest.raises(ProviderRefused, match=r"^no\.$"):
            limits.ask("ldap://well", refuses)


def test_a_refusal_is_an_answer() -> None:
    def refuses() -> None:
        raise ProviderRefused("wrong_password", "no.")

    for _try in range(3):
        with pytest.raises(ProviderRefused, match=r"^no\.$"):
            limits.ask("ldap://well", refuses)


Hang = Callable[..., None]


@pytest.fixture
def hang() -> Iterator[Hang]:
    """``hang("ldap://slow", 2)``: two conversations with it that do not end, and two who wait for them."""
    end, asking = threading.Event(), list[threading.Thread]()

    def start(server: str, times: int) -> None:
        for _time in range(times):
            talking = threading.Event()

            def conversation(talking: threading.Event = talking) -> None:
                talking.set()
                end.wait(30)

            asking.append(threading.Thread(target=lambda: limits.ask(server, conversation, deadline=20), daemon=True))
            asking[-1].start()
            assert talking.wait(5)

    yield start
    end.set()
    for thread in asking:
        thread.join(10)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAIT", 0.1)


def test_another_server_is_asked_at_once_while_one_hangs(quick: None, hang: Hang) -> None:
    hang("ldap://down", limits.EACH)
    started = time.monotonic()
    with pytest.raises(ProviderBusy, match="ldap://down was not asked"):
        limits.ask("ldap://down", lambda: "never asked", paused=False)
    for _time in range(3):
        assert limits.ask("ldap://clinic", lambda: "well") == "well"
    assert time.monotonic() - started < 2


def test_who_comes_while_others_hang_there_does_not_wait_as_well(
    monkeypatch: pytest.MonkeyPatch, quick: None, hang: Hang
) -> None:
    hang("ldap://down", limits.EACH)
    threading.Event().wait(0.2)
    monkeypatch.setattr(limits, "PAUSE", 0.0)
    started = time.monotonic()
    for _time in range(14):
        with pytest.raises(ProviderBusy):
            limits.ask("ldap://down", lambda: "never asked")
    assert time.monotonic() - started < 0.1


def test_a_place_is_waited_for_while_others_are_answered() -> None:
    end = threading.Event()

    def other() -> None:
        limits.ask("ldap://clinic", lambda: end.wait(10))

    others = [threading.Thread(target=other) for _time in range(limits.EACH)]
    for thread in others:
        thread.start()
    threading.Timer(0.2, end.set).start()
    assert limits.ask("ldap://clinic", lambda: "well") == "well"
    for thread in others:
        thread.join()


def test_a_server_is_left_in_peace_while_the_first_still_waits_for_it(
    monkeypatch: pytest.MonkeyPatch, hang: Hang
) -> None:
    monkeypatch.setattr(limits, "SLOW", 0.1)
    hang("ldap://slow", 1)
    threading.Event().wait(0.3)
    with pytest.raises(ProviderSilent, match="ldap://slow does not answer"):
        limits.ask("ldap://slow", lambda: "never asked")


def test_a_server_that_was_silent_is_asked_by_one_at_a_time_until_it_answers(
    monkeypatch: pytest.MonkeyPatch, quick: None, hang: Hang
) -> None:
    monkeypatch.setattr(limits, "PAUSE", 0.0)
    end = threading.Event()
    try:
        with pytest.raises(ProviderSilent):
            limits.ask("ldap://dead", lambda: end.wait(10), deadline=0.05)
    finally:
        end.set()
    hang("ldap://dead", 1)
    with pytest.raises(ProviderBusy):
        limits.ask("ldap://dead", lambda: "never asked")


def test_one_thread_of_the_process_is_never_taken(quick: None, hang: Hang) -> None:
    for number in range(limits.AT_ONCE):
        hang(f"ldap://slow{number}", 1)
    with pytest.raises(ProviderBusy):
        limits.ask("ldap://another", lambda: "never asked")


def test_who_was_given_up_takes_no_place_from_other_servers(quick: None) -> None:
    end = threading.Event()
    try:
        for number in range(limits.AT_ONCE):
            with pytest.raises(ProviderSilent):
                limits.ask(f"ldap://slow{number}", lambda: end.wait(30), deadline=0.05)
        assert limits.ask("ldap://clinic", lambda: "well") == "well"
    finally:
        end.set()
