"""Unhandled errors reach the right people, told apart, in few mails, without a secret."""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
import time_machine
from celery import shared_task
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import Account
from agora.base.actor import NamesFilter
from api_keys.services.keys import create_key
from logs.models import ErrorGroup
from logs.reports import masked, report_on
from logs.services import KEPT, MOST, purge_errors
from logs.tasks import summarise_errors
from mail.models import MailSettings, Message, Mode
from settings_admin.models import ServerSettings
from tests.conftest import Mailbox, Make

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
Later = Callable[..., None]


@pytest.fixture(autouse=True)
def _failing_pages(settings: Any, root: Account) -> None:
    settings.ROOT_URLCONF = "tests.logs.urls"
    Account.objects.filter(pk=root.pk).update(email="root@example.com")


@pytest.fixture
def later() -> Any:
    """A clock that stands until ``later(minutes=5)``."""
    with time_machine.travel(START, tick=False) as clock:

        def move(**by: int) -> None:
            clock.shift(timedelta(**by))

        yield move


def visit(path: str, client: Client | None = None, **how: Any) -> Any:
    client = client or Client()
    client.raise_request_exception = False
    answer = client.get(path, **how)
    assert answer.status_code == 500
    return answer


def text(mailbox: Mailbox, number: int = -1) -> str:
    return str(mailbox.queued()[number][1].get_body(("plain",)).get_content())  # type: ignore[union-attr]


def subjects(mailbox: Mailbox) -> list[str]:
    return [mail["Subject"] for _row, mail in mailbox.queued()]


def test_a_mail_tells_what_where_in_which_request_and_for_whom(mailbox: Mailbox, make: Make, vic: Account) -> None:
    answer = visit("/fail/?say=the+well+is+dry", make.client(vic))
    ((message, mail),) = mailbox.queued()
    assert (message.template, mail["To"]) == ("error", "root@example.com")
    assert mail["Subject"] == "Error on localhost:8000: ZeroDivisionError"
    said = text(mailbox)
    assert "at tests/logs/urls.py, fail, line" in said
    assert "GET /fail/" in said and "vic" in said and answer.headers["X-Request-Id"] in said
    assert answer.headers["X-Request-Id"] in answer.content.decode()


def test_a_download_that_breaks_in_the_middle_is_mailed_too(mailbox: Mailbox, make: Make, vic: Account) -> None:
    answer: Any = make.client(vic).get("/break-off/")
    parts = iter(answer.streaming_content)
    assert next(parts) == b"the first half"
    with pytest.raises(BrokenPipeError) as caught:
        next(parts)
    record = logging.makeLogRecord({"exc_info": (caught.type, caught.value, caught.tb)})  # as gunicorn's own line
    NamesFilter().filter(record)
    assert record.__dict__["actor"] == "vic"
    said = text(mailbox)
    assert "BrokenPipeError: the disk is gone" in said and "GET /break-off/" in said and "vic" in said
    assert answer.headers["X-Request-Id"] in said


def test_somebody_who_stops_a_download_is_no_error(mailbox: Mailbox, make: Make, vic: Account) -> None:
    answer: Any = make.client(vic).get("/break-off/")
    parts = iter(answer.streaming_content)
    next(parts)
    answer._iterator.close()  # as the web server does
    assert mailbox.queued() == []


def test_the_error_of_a_task_is_mailed_too(mailbox: Mailbox) -> None:
    @shared_task(name="tests.fails")
    def fails() -> None:
        raise LookupError("no such thing")

    fails.apply()
    assert subjects(mailbox) == ["Error on localhost:8000: LookupError"]
    assert "tests.fails" in text(mailbox) and "LookupError: no such thing" in text(mailbox)


@pytest.mark.django_db(transaction=True)
def test_an_error_of_the_api_is_mailed_too(mailbox: Mailbox, make: Make, sam: Account) -> None:
    _key, secret = create_key(sam, "Script", actor=make.actor(sam))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sessions_admin_session RENAME TO away")
    try:
        client = Client(raise_request_exception=False)
        answer = client.get("/api/v1/sessions", headers={"Authorization": f"Bearer {secret}"})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE away RENAME TO sessions_admin_session")
    assert answer.status_code == 500
    said = text(mailbox)
    assert "GET /api/v1/sessions" in said and "sam" in said and answer.headers["X-Request-Id"] in said
    assert secret not in said


@pytest.mark.parametrize("name", ["mail.fails", "logs.fails"])
def test_a_task_that_mails_is_written_down_and_never_mailed(mailbox: Mailbox, name: str) -> None:
    @shared_task(name=name)
    def fails() -> None:
        raise LookupError

    fails.apply()
    assert ErrorGroup.objects.get().what == name
    assert mailbox.queued() == []


def test_refusals_and_missing_pages_are_no_errors(mailbox: Mailbox, make: Make, vic: Account) -> None:
    client = make.client(vic)
    for path in ("/no-such-page/", "/accounts/", "/accounts/?after=x", "/audit/"):
        client.get(path)
    client.get("/", headers={"Host": "evil.example"})
    assert not ErrorGroup.objects.exists()


def test_the_recipients_are_those_of_the_setting_or_all_usable_superusers(
    mailbox: Mailbox, make: Make, ada: Account
) -> None:
    Account.objects.filter(pk=ada.pk).update(email="ada@example.com")
    make.account("rita", role="administrator", is_superuser=True, email="rita@example.com")
    make.account("rolf", role="administrator", is_superuser=True, email="rolf@example.com", is_active=False)
    make.account("rosa", role="administrator", is_superuser=True)
    visit("/fail/")
    assert {mail["To"] for _row, mail in mailbox.queued()} == {"root@example.com", "rita@example.com"}
    Message.objects.all().delete()
    ServerSettings.objects.update(error_recipients="it@example.com, night@example.com")
    visit("/fail/1/")
    assert {mail["To"] for _row, mail in mailbox.queued()} == {"it@example.com", "night@example.com"}


@pytest.mark.parametrize("off", ["mail", "the setting"])
def test_switched_off_errors_are_written_down_and_not_told_later(mailbox: Mailbox, later: Later, off: str) -> None:
    if off == "mail":
        MailSettings.objects.update(mode=Mode.NONE)
    else:
        ServerSettings.objects.update(send_error_mails=False)
    visit("/fail/")
    MailSettings.objects.update(mode=Mode.SERVER)
    ServerSettings.objects.update(send_error_mails=True)
    later(minutes=30)
    summarise_errors()
    assert mailbox.queued() == []
    assert ErrorGroup.objects.get().count == 1


def test_one_group_is_mailed_at_most_every_ten_minutes_and_the_rest_is_summed_up(
    mailbox: Mailbox, later: Later
) -> None:
    for _second in range(5):
        visit("/fail/")
        later(seconds=1)
    summarise_errors()
    assert subjects(mailbox) == ["Error on localhost:8000: ZeroDivisionError"]
    later(minutes=9)
    visit("/fail/")
    summarise_errors()
    assert len(mailbox.queued()) == 1
    later(minutes=1)
    summarise_errors()
    assert subjects(mailbox)[1:] == ["5 more errors on localhost:8000"]
    assert "5 times: ZeroDivisionError" in text(mailbox)
    later(minutes=11)
    summarise_errors()
    assert len(mailbox.queued()) == 2
    visit("/fail/")
    assert "7 times" in text(mailbox)


def test_after_ten_minutes_the_next_error_itself_tells_what_was_held_back(mailbox: Mailbox, later: Later) -> None:
    visit("/fail/")
    visit("/fail/")
    later(minutes=10)
    visit("/fail/")
    assert "3 times, 2 since the last mail" in text(mailbox)
    assert ErrorGroup.objects.get().untold == 0


def test_twenty_mails_an_hour_and_then_a_summary(mailbox: Mailbox, later: Later) -> None:
    for number in range(MOST + 10):
        visit(f"/fail/{number}/")
        later(seconds=10)
    assert len(mailbox.queued()) == MOST
    assert "This is error mail 20 within the hour." in text(mailbox)
    assert "This is error mail" not in text(mailbox, -2)
    for _minute in range(50):
        summarise_errors()
        later(minutes=1)
    assert len(mailbox.queued()) == MOST
    later(minutes=6)
    summarise_errors()
    assert subjects(mailbox)[MOST:] == ["10 more errors on localhost:8000"]
    assert text(mailbox).count("1 time: LookupError") == 10
    summarise_errors()
    assert len(mailbox.queued()) == MOST + 1


def test_errors_from_different_places_are_different_groups_and_other_values_are_not(mailbox: Mailbox) -> None:
    for path in ("/fail/?say=one", "/fail/?say=two", "/fail/1/", "/fail/2/"):
        visit(path)
    assert ErrorGroup.objects.count() == 3
    assert sorted(ErrorGroup.objects.values_list("count", flat=True)) == [1, 1, 2]


CANARIES = {
    "a password": "correct horse/& battery+ñ",
    "a session key": "s3ss10nk3ys3ss10nk3ys3ss10nk3y",
    "an API key": "agora_9f8e7d6c5b4a",
    "a value in JSON": "json-secret-value",
}


FORM, JSON = "application/x-www-form-urlencoded", "application/json"
SENT = {
    FORM: urlencode({"new_password": CANARIES["a password"], "x": "line one\nline two"}),
    JSON: json.dumps({"deep": [{"secret": CANARIES["a value in JSON"]}]}),
}


@pytest.mark.parametrize("kind", [FORM, JSON])
def test_nothing_that_was_sent_along_and_no_secret_is_told(
    mailbox: Mailbox, make: Make, vic: Account, kind: str
) -> None:
    client = make.client(vic)
    client.raise_request_exception = False
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.cookies["other"] = CANARIES["a session key"]
    bearer = {"Authorization": f"Bearer {CANARIES['an API key']}"}
    path = f"/tell/?q={quote(CANARIES['a password'])}"
    client.post(path, SENT[kind], content_type=kind, headers=bearer)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM logs_errorgroup")
        stored = str(cursor.fetchall())
    told = "".join(mail.as_string() + text(mailbox, n) for n, (_row, mail) in enumerate(mailbox.queued()))
    for canary in (*CANARIES.values(), key, "pass-in-a-url", "line two"):
        for secret in (canary, quote(canary), quote_plus(canary), quote(canary, safe="")):
            assert secret not in told and secret not in stored, secret
    said = text(mailbox)
    assert "could not use" in said and "•••" in said
    assert "postgres://agora:•••@db/agora" in said, "the message is told to its end"


def test_the_servers_own_secrets_are_masked_in_any_message() -> None:
    try:
        raise RuntimeError(f"bad key {settings.SECRET_KEY} or {settings.ENCRYPTION_KEY}")
    except RuntimeError as error:
        report = report_on(error, what="", request_id="", account_name="")
    assert report.message == "bad key ••• or •••"
    assert masked("smtps://me:p%40ss@mail and it's 'a\\'b'", ["a'b", "abc"]).startswith("smtps://me:•••@mail")


def test_the_password_of_the_mail_server_is_masked_in_errors_of_pages_and_tasks(mailbox: Mailbox) -> None:
    settings = MailSettings.load()
    settings.username, settings.password = "agora", "canary-smtp"
    settings.save()

    @shared_task(name="tests.tells")
    def tells() -> None:
        raise LookupError("not canary-smtp")

    tells.apply()
    visit("/fail/the-password/")
    assert [group.message for group in ErrorGroup.objects.order_by("pk")] == ["not •••", "it is •••"]


def test_only_the_first_line_is_told_for_databases_add_the_values_of_the_row() -> None:
    report = report_on(
        ValueError("duplicate key\nDETAIL: Key (email)=(v@example.com)"), what="", request_id="", account_name=""
    )
    assert report.message == "duplicate key" and report.place == "unknown"


def test_an_exception_that_can_not_be_shown_is_told_without_its_message(mailbox: Mailbox) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert report_on(Broken(), what="", request_id="", account_name="").message == ""


def test_a_broken_database_makes_the_error_page_no_worse(mailbox: Mailbox, settings: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE logs_errorgroup")
    assert visit("/fail/").headers["X-Request-Id"]
    assert mailbox.queued() == []


def test_a_recipient_whose_address_makes_no_sense_stands_in_nobodys_way(mailbox: Mailbox) -> None:
    ServerSettings.objects.update(error_recipients="broken, it@example.com")
    visit("/fail/")
    assert [mail["To"] for _row, mail in mailbox.queued()] == ["it@example.com"]


def test_old_errors_are_removed(mailbox: Mailbox, later: Later) -> None:
    visit("/fail/")
    assert purge_errors(now=START + KEPT) == 0
    assert purge_errors(now=START + KEPT + timedelta(seconds=1)) == 1
