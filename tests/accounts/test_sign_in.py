"""Signing in and out by the page."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, SignInThrottle
from accounts.services import sign_in
from accounts.services.locks import lock
from agora.base import writing
from agora.base.actor import Actor
from audit.models import Entry
from sessions_admin.models import Cause, Session, digest_of
from tests.conftest import PASSWORD, Make

PAGE = "/sign-in/"


def test_the_page_asks_for_username_and_password(client: Client, db: None) -> None:
    page = client.get(PAGE).content.decode()
    assert 'name="username"' in page
    assert 'name="password"' in page
    assert "Sign in" in page
    assert "csrfmiddlewaretoken" in page


def test_who_is_signed_in_is_told_so_with_a_way_on(client: Client, make: Make) -> None:
    assert "You are signed in as" not in client.get(PAGE).content.decode()
    signed_in = make.client(make.account("ada", role="administrator"))
    for query, there in (("", "/"), ("?next=/accounts/", "/accounts/"), ("?next=//evil.example", "/")):
        page = signed_in.get(f"{PAGE}{query}").content.decode()
        assert "You are signed in as ada." in page
        assert f'href="{there}">Go on</a>' in page
        assert page.index("Go on") < page.index('name="username"')


def test_the_right_password_opens_a_session(client: Client, make: Make) -> None:
    ada = make.account("ada", role="administrator", password=PASSWORD)
    answer = client.post(PAGE, {"username": "ADA", "password": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    session = Session.objects.get(account=ada)
    assert session.is_open
    assert session.method == "password"
    assert Entry.objects.get(event="session.opened").actor_id == ada.pk
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("username", "password"),
    [("ada", "not her password"), ("nobody", PASSWORD), ("lou", PASSWORD), ("ina", PASSWORD), ("pat", PASSWORD)],
)
def test_unknown_wrong_locked_inactive_and_without_password_get_the_same_answer(
    client: Client, make: Make, username: str, password: str
) -> None:
    make.account("ada", password=PASSWORD)
    make.account("ina", password=PASSWORD, is_active=False)
    lock(make.account("lou", password=PASSWORD), actor=Actor.system())
    make.account("pat")
    answer = client.post(PAGE, {"username": username, "password": password})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Username or password is not right, or the account may not sign in." in page
    assert password not in page
    assert username in page
    assert not Session.objects.filter(account__isnull=False).exists()
    assert Entry.objects.get(event="session.opened").outcome == "failed"


def test_what_a_right_password_asks_the_database(make: Make) -> None:
    for username in ("ada", "sam"):  # statements are prepared by the first
        make.account(username, password=PASSWORD)
        with CaptureQueriesContext(connection) as queries:
            assert Client().post(PAGE, {"username": username, "password": PASSWORD}).status_code == 302
    asked = [query["sql"] for query in queries if not re.match("SAVEPOINT|RELEASE", query["sql"])]
    tables = [re.findall("known|together|throttle|settings|account|session|audit", one)[0] for one in asked]
    if connection.vendor == "postgresql":
        assert tables == ["known", "together"]
    else:
        assert len(asked) == 4


OF_ITS_OWN = {"id", "key_digest", "session_id", "target_id", "target_name", "request_id", "search_text"}


def test_a_browser_that_held_something_already_gets_the_same_session_and_proof(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing is there, account, session and proof are written in one statement; else one after the other."""
    ada = make.account("ada", password=PASSWORD)
    written: list[Any] = []
    at_once: list[bool] = []

    def together(*args: Any, **how: Any) -> bool:
        at_once.append(writing.together(*args, **how))
        return at_once[-1]

    monkeypatch.setattr(sign_in, "together", together)
    for held in ({}, {"kept": "something"}):
        client = Client(HTTP_USER_AGENT="Firefox")
        client.get(PAGE)
        token = client.cookies["csrftoken"].value
        if held:
            visitor = client.session
            visitor.update(held)
            visitor.save()
            Session.objects.visitors().update(address="192.0.2.7", user_agent="Firefox")
        with time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC), tick=False):
            sent = {"username": "ada", "password": PASSWORD}
            assert client.post(PAGE, sent, REMOTE_ADDR="192.0.2.7").status_code == 302
        assert client.cookies["csrftoken"].value != token, "a token from before is worthless (OWASP: CSRF)"
        row, entry = Session.objects.latest("pk"), Entry.objects.latest("pk")
        assert row.account == ada and row.key_digest == digest_of(client.cookies[settings.SESSION_COOKIE_NAME].value)
        assert (entry.session_id, entry.target_id, entry.target_name) == (row.pk, str(row.pk), f"s-{row.pk}")
        assert entry.request_id and entry.search_text == entry.folded()
        data = json.loads(row.data)
        assert {name: data.pop(name) for name in held} == held
        rows = Session.objects.values(), Entry.objects.values(), Account.objects.values()
        found = [{name: one[name] for name in one.keys() - OF_ITS_OWN} for one in (all_.latest("pk") for all_ in rows)]
        found[0]["data"] = data
        written.append(found)
    assert at_once == [True]
    assert written[0] == written[1]
    assert written[0][2]["last_login"] == written[0][0]["opened_at"] == datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_password_is_never_written_down(client: Client, make: Make) -> None:
    make.account("ada", password=PASSWORD)
    client.post(PAGE, {"username": "her password typed as a name", "password": PASSWORD})
    client.post(PAGE, {"username": "ada", "password": PASSWORD})
    for entry in Entry.objects.all():
        text = str([getattr(entry, field.attname) for field in Entry._meta.fields])
        assert PASSWORD not in text
        assert "her password" not in text


def test_after_too_many_failures_the_answer_says_for_how_long(client: Client, make: Make) -> None:
    make.account("ada", password=PASSWORD)
    with time_machine.travel(datetime(2026, 11, 20, 12, tzinfo=UTC), tick=False):
        for _ in range(8):
            client.post(PAGE, {"username": "ada", "password": "wrong"})
            SignInThrottle.objects.update(blocked_until=datetime(2026, 11, 20, 11, tzinfo=UTC))
        client.post(PAGE, {"username": "ada", "password": "wrong"})
        answer = client.post(PAGE, {"username": "ada", "password": PASSWORD})
    assert answer.status_code == 429
    # The fourth failure beyond the five free ones.
    assert answer["Retry-After"] == "8"
    assert "Try again in 8 seconds." in answer.content.decode()


def test_the_wait_ends(client: Client, make: Make) -> None:
    make.account("ada", password=PASSWORD)
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        for _ in range(6):
            client.post(PAGE, {"username": "ada", "password": "wrong"})
        assert client.post(PAGE, {"username": "ada", "password": PASSWORD}).status_code == 429
    with time_machine.travel(now + timedelta(seconds=2), tick=False):
        assert client.post(PAGE, {"username": "ada", "password": PASSWORD}).status_code == 302


def test_next_leads_on_within_the_server(client: Client, make: Make) -> None:
    make.account("ada", password=PASSWORD)
    answer = client.post(f"{PAGE}?next=/profile/", {"username": "ada", "password": PASSWORD})
    assert answer["Location"] == "/profile/"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "\\\\evil.example",
        "/\\evil.example",
        "http:evil.example",
    ],
)
def test_next_never_leads_away(client: Client, make: Make, target: str) -> None:
    make.account("ada", password=PASSWORD)
    answer = client.post(PAGE, {"username": "ada", "password": PASSWORD, "next": target})
    assert answer["Location"] == "/"


def test_signing_in_gives_a_new_key(client: Client, make: Make) -> None:
    ada = make.account("ada", password=PASSWORD)
    client.post(PAGE, {"username": "ada", "password": PASSWORD})
    first = client.cookies["agora_session"].value
    client.post(PAGE, {"username": "ada", "password": PASSWORD})
    assert client.cookies["agora_session"].value != first
    closed, opened = Session.objects.filter(account=ada).order_by("pk")
    assert closed.cause == Cause.SIGNED_IN_AGAIN
    assert opened.is_open


def test_a_sign_in_that_misses_a_step_ends_the_session_that_was_open_here_and_says_so(
    client: Client, make: Make, vic: Account
) -> None:
    make.account("ada", password=PASSWORD, must_change_password=True)
    client.force_login(vic)
    open_one = Session.objects.get(account=vic)
    assert client.post(PAGE, {"username": "ada", "password": PASSWORD})["Location"].startswith("/sign-in/new-password/")
    open_one.refresh_from_db()
    assert (open_one.is_open, open_one.cause) == (False, Cause.SIGNED_IN_AGAIN)
    entry = Entry.objects.get(event="session.closed")
    assert (entry.actor_name, entry.target_id) == ("vic", str(open_one.pk))
    assert entry.details == {"account": "vic", "cause": Cause.SIGNED_IN_AGAIN}
    assert client.get("/profile/").status_code == 302


def test_signing_out_is_a_post_and_ends_the_session(client: Client, make: Make) -> None:
    ada = make.account("ada", password=PASSWORD)
    client.force_login(ada)
    assert client.get("/sign-out/").status_code == 405
    answer = client.post("/sign-out/")
    assert answer["Location"] == PAGE
    assert Session.objects.get(account=ada).cause == Cause.SIGNED_OUT
    assert client.get("/").status_code == 302
    assert "You are signed out." in client.get(PAGE).content.decode()


def test_without_a_token_nobody_is_signed_in(make: Make) -> None:
    make.account("ada", password=PASSWORD)
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(PAGE, {"username": "ada", "password": PASSWORD}).status_code == 403
    assert not Session.objects.filter(account__isnull=False).exists()


@pytest.mark.parametrize(
    "username", ["a" * 1_000_000, "a\x00b", "\u202eada", "e\u0301" * 200, "' OR 1=1 --", "<script>alert(1)</script>"]
)
def test_hostile_names_get_a_plain_answer(client: Client, db: None, username: str) -> None:
    answer = client.post(PAGE, {"username": username, "password": "whatever it is"})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.content.decode()
    assert not Session.objects.filter(account__isnull=False).exists()


class TestTemporaryPassword:
    NEW = "a river runs through the old town"

    def begin(self, client: Client, make: Make) -> Account:
        ada = make.account("ada", password=PASSWORD, must_change_password=True)
        answer = client.post(f"{PAGE}?next=/profile/", {"username": "ada", "password": PASSWORD})
        assert answer["Location"] == f"{reverse('accounts:sign-in-new-password')}?next=/profile/"
        return ada

    def test_it_opens_nothing_but_the_page_that_changes_it(self, client: Client, make: Make) -> None:
        ada = self.begin(client, make)
        assert client.get("/").status_code == 302
        assert "Choose a new password" in client.get("/sign-in/new-password/").content.decode()
        assert not Session.objects.of_account(ada.pk).exists()

    def test_a_new_one_signs_in(self, client: Client, make: Make) -> None:
        ada = self.begin(client, make)
        answer = client.post(
            "/sign-in/new-password/", {"new_password": self.NEW, "repeated": self.NEW, "next": "/profile/"}
        )
        assert answer["Location"] == "/profile/"
        assert client.get("/profile/").status_code == 200
        ada.refresh_from_db()
        assert not ada.must_change_password
        assert ada.check_password(self.NEW)
        assert Entry.objects.get(event="account.password_changed").details["own"] is True

    @pytest.mark.parametrize(
        ("password", "repeated", "sentence"),
        [
            ("short", "short", "at least 12 characters"),
            (PASSWORD, PASSWORD, "This is the password you have now."),
            (NEW, "something else entirely", "The two passwords differ."),
            ("x" * 129, "x" * 129, "at most 128 characters"),
            ("", "", "required"),
        ],
    )
    def test_what_is_wrong_is_said_and_never_sent_back(
        self, client: Client, make: Make, password: str, repeated: str, sentence: str
    ) -> None:
        ada = self.begin(client, make)
        answer = client.post("/sign-in/new-password/", {"new_password": password, "repeated": repeated})
        assert answer.status_code == 422
        page = answer.content.decode()
        assert sentence in page
        assert not password or f'value="{password}"' not in page
        ada.refresh_from_db()
        assert ada.must_change_password

    def test_the_page_is_for_nobody_else(self, client: Client, make: Make) -> None:
        assert client.get("/sign-in/new-password/")["Location"] == PAGE

    def test_a_lock_meanwhile_ends_it(self, client: Client, make: Make) -> None:
        ada = self.begin(client, make)
        lock(ada, actor=Actor.system())
        answer = client.post("/sign-in/new-password/", {"new_password": self.NEW, "repeated": self.NEW})
        assert answer["Location"] == PAGE
        assert not Session.objects.of_account(ada.pk).exists()

    def test_it_takes_at_most_ten_minutes(self, client: Client, make: Make) -> None:
        self.begin(client, make)
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)):
            assert client.get("/sign-in/new-password/")["Location"] == PAGE
