"""An account of one's own: with mail by a link, without it at once, and not at all unless the server allows it."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from lxml import html

from accounts.models import Account, Registration
from accounts.services.registration import purge_registrations
from audit.models import Entry
from mail.models import MailSettings, Mode
from settings_admin.models import ServerSettings
from tests.conftest import Mailbox, Make

PAGE, CONFIRM = "/register/", "/register/confirm/"
SENTENCE = "a river runs through the old town"
VERA = {"username": "vera", "email": "vera@example.com", "password": SENTENCE}


def text_of(content: bytes) -> str:
    return " ".join(html.fromstring(content).text_content().split())


@pytest.fixture(autouse=True)
def _allowed(db: None) -> None:
    ServerSettings.objects.update(allow_registration=True)


def outcomes() -> list[tuple[str, str, str]]:
    names = ("account.registration_requested", "account.registered")
    return list(Entry.objects.filter(event__in=names).order_by("pk").values_list("event", "outcome", "target_name"))


def link_in(mailbox: Mailbox) -> str:
    ((_row, mail),) = mailbox.queued()
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    (path,) = re.findall(r"http://localhost:8000(/\S+)", text)
    return str(path)


def press(link: str, client: Client | None = None) -> Any:
    return (client or Client()).post(CONFIRM, {"key": link.partition("key=")[2]})


def test_off_there_is_no_page_and_no_link(mailbox: Mailbox) -> None:
    assert PAGE in Client().get("/sign-in/").content.decode()
    Client().post(PAGE, VERA)
    link = link_in(mailbox)
    ServerSettings.objects.update(allow_registration=False)
    assert PAGE not in Client().get("/sign-in/").content.decode()
    for answer in (Client().get(PAGE), Client().post(PAGE, VERA | {"username": "v"}), Client().get(link), press(link)):
        assert answer.status_code == 404
    assert not Account.objects.exists()


def test_with_mail_the_account_is_made_when_the_link_is_opened(mailbox: Mailbox) -> None:
    answer = Client().post(PAGE, VERA)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/")
    assert not Account.objects.exists()
    link = link_in(mailbox)
    client = Client()
    assert "Create the account vera?" in text_of(client.get(link).content)
    assert not Account.objects.exists(), "mail scanners open every link"
    assert press(link, client)["Location"] == "/sign-in/"
    account = Account.objects.get()
    assert (account.username, account.email, account.role, account.is_superuser) == (
        "vera",
        VERA["email"],
        "none",
        False,
    )
    assert account.check_password(SENTENCE) and not account.must_change_password
    assert Client().post("/sign-in/", {"username": "vera", "password": SENTENCE}).headers["Location"] == "/"
    assert outcomes() == [
        ("account.registration_requested", "success", "vera"),
        ("account.registered", "success", "vera"),
    ]
    assert press(link).status_code == Client().get(link).status_code == 404
    assert outcomes()[2:] == [("account.registered", "failed", "")], "using the link again; looking is nothing"
    assert Entry.objects.latest("pk").details == {"reason": "used, old or made-up link"}


@pytest.mark.parametrize("email", ["", "vera@example.com"])
def test_without_mail_the_account_is_made_at_once_and_needs_no_address(email: str) -> None:
    assert Client().post(PAGE, VERA | {"email": email})["Location"] == "/sign-in/"
    account = Account.objects.get()
    assert (account.email, account.role) == (email, "none")
    assert account.check_password(SENTENCE)
    assert not Registration.objects.exists()
    assert outcomes() == [("account.registered", "success", "vera")]


def test_with_mail_an_address_is_needed(mailbox: Mailbox) -> None:
    answer = Client().post(PAGE, VERA | {"email": ""})
    assert answer.status_code == 422 and "This field is required." in text_of(answer.content)
    assert outcomes() == [("account.registration_requested", "failed", "")]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"username": "ADA"}, "This username is taken. Choose another."),
        ({"username": "two words"}, "A username has no spaces."),
        ({"username": ""}, "This field is required."),
        ({"email": "no address"}, "Enter a valid email address."),
        ({"password": "short"}, "at least 12 characters"),
        ({"password": "vera@example.com"}, "too similar"),
        ({"password": "password1234"}, "too common"),
    ],
)
def test_what_is_refused_is_said_and_written_down_without_what_was_typed(
    ada: Account, changes: dict[str, str], sentence: str
) -> None:
    answer = Client().post(PAGE, VERA | changes)
    assert answer.status_code == 422 and sentence in text_of(answer.content)
    assert SENTENCE not in answer.content.decode()
    assert Account.objects.count() == 1
    entry = Entry.objects.get(event="account.registration_requested")
    assert (entry.outcome, entry.details) == ("failed", {"fields": list(changes)})


def test_nobody_registers_more_than_the_form_offers() -> None:
    Client().post(PAGE, VERA | {"role": "administrator", "is_superuser": "on", "superuser": "on", "is_active": ""})
    account = Account.objects.get()
    assert (account.role, account.is_superuser, account.is_active) == ("none", False, True)


def test_of_two_with_the_same_name_the_first_to_confirm_has_it(mailbox: Mailbox) -> None:
    Client().post(PAGE, VERA)
    first = link_in(mailbox)
    Client().post(PAGE, VERA | {"email": "other@example.com"})
    second = str(re.findall(r"(/register/confirm/\S+)", mailbox.queued()[1][1].get_body(("plain",)).get_content())[0])  # type: ignore[union-attr]
    assert press(second).status_code == 302
    answer = press(first)
    assert answer.status_code == 422 and "This username is taken." in text_of(answer.content)
    assert Account.objects.get().email == "other@example.com"
    assert outcomes()[-2:] == [("account.registered", "success", "vera"), ("account.registered", "failed", "vera")]
    assert Entry.objects.latest("pk").details == {"reason": "username taken"}


def test_a_link_works_for_a_day_and_then_the_row_goes(mailbox: Mailbox) -> None:
    Client().post(PAGE, VERA)
    link = link_in(mailbox)
    now = timezone.now()
    with time_machine.travel(now + timedelta(hours=23), tick=True):
        assert Client().get(link).status_code == 200
        assert purge_registrations(now=timezone.now()) == 0
    with time_machine.travel(now + timedelta(hours=25), tick=True):
        assert press(link).status_code == 404
        assert purge_registrations(now=timezone.now()) == 1
    assert not Registration.objects.exists()


@pytest.mark.parametrize("key", ["", "x", "MQ:1:x", "\x00", "a" * 5_000])
def test_made_up_keys_open_nothing(key: str) -> None:
    assert Client().get(CONFIRM, {"key": key}).status_code == Client().post(CONFIRM, {"key": key}).status_code == 404


@time_machine.travel("2026-11-20 12:00Z", tick=False)
def test_many_registrations_from_one_address_have_to_wait(make: Make) -> None:
    sent = [VERA | {"username": f"v{number}", "email": ""} for number in range(12)]
    statuses = [Client().post(PAGE, one).status_code for one in sent]
    assert statuses == [302] * 11 + [429]
    refused = Client().post(PAGE, VERA)
    assert "Too many requests." in text_of(refused.content) and refused.headers["Retry-After"]
    kept = html.fromstring(refused.content).xpath("//main//form[@method='post']")[0].fields
    assert (kept["username"], kept["email"], kept["password"]) == ("vera", "vera@example.com", None)
    taken = Client().post(PAGE, VERA | {"username": "v0"})
    assert "taken" not in text_of(taken.content), "a form that is not heard tells nothing"
    assert Client(REMOTE_ADDR="192.0.2.9").post(PAGE, VERA).status_code == 302
    assert Account.objects.count() == 12


def denied() -> list[dict[str, Any]]:
    return [one.details for one in Entry.objects.filter(outcome="denied").order_by("pk")]


def test_of_what_has_to_wait_the_first_and_how_many_are_written_down(make: Make) -> None:
    """However many come: the log is no place to be filled by somebody without an account."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for number in range(18):
            Client().post(PAGE, VERA | {"username": f"v{number}", "email": ""})
        assert denied() == [{"reason": "too many requests", "wait_seconds": 1}]
        clock.shift(timedelta(seconds=2))
        assert Client().post(PAGE, VERA | {"username": "late", "email": ""}).status_code == 302
    assert denied()[1:] == [{"reason": "too many requests", "refused_meanwhile": 7}]


def test_many_dead_links_from_one_address_have_to_wait_and_fill_no_log(make: Make) -> None:
    statuses = [press("/register/confirm/?key=x").status_code for _number in range(24)]
    assert statuses == [404] * 21 + [429] * 3
    assert outcomes() == [("account.registered", "failed", "")] * 21 + [("account.registered", "denied", "")]


def test_one_mailbox_is_not_filled_from_many_addresses(mailbox: Mailbox) -> None:
    statuses = [
        Client(REMOTE_ADDR=f"192.0.2.{number}").post(PAGE, VERA | {"username": f"v{number}"}).status_code
        for number in range(6)
    ]
    assert statuses == [302] * 4 + [429] * 2
    assert len(mailbox.queued()) == 4
    assert len(denied()) == 1


def test_the_password_is_nowhere_but_as_a_hash(mailbox: Mailbox) -> None:
    Client().post(PAGE, VERA)
    assert Registration.objects.get().password.startswith("argon2")
    assert SENTENCE not in str(list(Entry.objects.values())) + str([str(mail) for _row, mail in mailbox.queued()])


def test_mail_that_is_switched_off_meanwhile_leaves_the_link_good(mailbox: Mailbox) -> None:
    Client().post(PAGE, VERA)
    link = link_in(mailbox)
    MailSettings.objects.update(mode=Mode.NONE)
    assert press(link).status_code == 302
