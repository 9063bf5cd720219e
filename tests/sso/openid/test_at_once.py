"""Two that come at the same moment, and providers that take their time."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts.models import Account
from audit.models import Entry, Outcome
from sessions_admin.models import Session
from sso import fetch
from tests.accounts.factor import NOON, code_of, enrolled
from tests.conftest import Make
from tests.sso.conftest import MakeProvider
from tests.sso.openid.conftest import Connect, address_in, begin, come_back, sign_in
from tests.sso.openid.hostile import Hostile


def at_once(*calls: Any) -> list[Any]:
    """What each call returns, in threads that start together."""
    together, found = threading.Barrier(len(calls)), [None] * len(calls)

    def run(place: int, call: Any) -> None:
        together.wait(10)
        found[place] = call()
        connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_comes_twice_at_once_counts_once(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    brought = hostile.agree(begin(client))
    copies = [Client(), Client()]
    for copy in copies:
        copy.cookies = client.cookies.copy()
    answers = at_once(*(lambda copy=copy: come_back(copy, brought).status_code for copy in copies))
    assert sorted(answers) == [302, 400]
    assert Session.objects.signed_in().count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_logout_token_that_comes_twice_at_once_counts_once(hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    told = {"logout_token": hostile.logout_token()}
    calls = [lambda: Client().post("/sso/staff/back-channel-logout/", told).status_code] * 2
    assert sorted(at_once(*calls)) == [200, 400]


@pytest.mark.django_db(transaction=True)
def test_somebody_new_in_two_browsers_at_once_is_one_account(hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    browsers = [Client(), Client()]
    brought = [(browser, hostile.agree(begin(browser))) for browser in browsers]
    answers = at_once(*(lambda pair=pair: come_back(*pair).status_code for pair in brought))
    assert Account.objects.get().username == "vera"
    assert 302 in answers and set(answers) <= {302, 403}  # the second one tries again


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.django_db
def test_a_provider_that_says_nothing_is_one_sentence_in_time(
    silent: str, client: Client, provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider("openid", "staff", discovery_endpoint=f"{silent}/.well-known/openid-configuration")
    monkeypatch.setattr(fetch, "TOTAL", 1.0)
    assert client.get("/sign-in/").status_code == 200  # asks nobody
    page = client.post("/sso/staff/login/")
    assert page.status_code == 503 and b"Staff does not answer" in page.content
    failed = Entry.objects.get(event="session.opened")
    assert failed.outcome == Outcome.FAILED and "did not answer within 1 seconds" in failed.details["sentence"]
    monkeypatch.setattr(fetch, "TOTAL", 600.0)
    assert client.post("/sso/staff/login/").status_code == 503  # at once: it was silent just now


@pytest.mark.django_db
def test_our_second_factor_where_the_provider_says_so(hostile: Hostile, connect: Connect, make: Make) -> None:
    """Half-way in is nobody yet; signing out at the provider works all the same afterwards."""
    account, _recovery = enrolled(make, "vera", role="viewer")
    hostile.document = {"end_session_endpoint": f"{hostile.issuer}/logout"}
    connect(hostile, ask_second_factor=True, link_by_username=True)
    client = Client()
    with time_machine.travel(NOON, tick=False):
        answer = sign_in(client, hostile)
        assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/code/")
        assert client.get("/profile/").status_code == 302
        assert not Session.objects.signed_in().exists()
        answer = client.post("/sign-in/code/", {"code": code_of(account), "next": "/profile/"})
        assert answer["Location"] == "/profile/"
        session = Session.objects.signed_in().get()
        assert (session.method, session.provider_subject) == ("openid", "248289")
        assert "id_token_hint" in address_in(client.post("/sign-out/"))
