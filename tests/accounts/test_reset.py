"""A forgotten password: asking for a link, the mail, using the link; and the administrator's button."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from lxml import html

from accounts.models import Account, ResetRequest
from accounts.services import locks, passwords
from accounts.services.accounts import set_active
from accounts.services.resets import answer_resets, link_path
from accounts.tasks import answer_reset_requests
from audit.models import Entry
from mail.models import MailSettings, Message, Mode
from sessions_admin.models import Session
from settings_admin.models import ServerSettings
from tests.conftest import PASSWORD, Mailbox, Make

FORGOT, RESET = "/sign-in/forgot/", "/sign-in/reset/"
NEW = "a river runs through the old town"


def text_of(content: bytes) -> str:
    return " ".join(html.fromstring(content).text_content().split())


def ask(typed: str, **headers: str) -> Any:
    return Client(**headers).post(FORGOT, {"account": typed})


def answered() -> list[dict[str, Any]]:
    """What the worker writes down about each request, oldest first."""
    answer_reset_requests()
    entries = Entry.objects.filter(event="account.reset_requested").order_by("pk")
    return [{"outcome": one.outcome, "target": one.target_name, "reason": one.details.get("reason")} for one in entries]


def links(mailbox: Mailbox) -> list[str]:
    """The addresses in the mails, as paths of this server."""
    texts = [mail.get_body(("plain",)).get_content() for _row, mail in mailbox.queued()]  # type: ignore[union-attr]
    return re.findall(r"http://localhost:8000(/\S+)", "\n".join(texts))


@pytest.fixture
def vera(make: Make) -> Account:
    """An account with a password and an address."""
    return make.account("vera", password=PASSWORD, email="vera@example.com")


def choose(link: str, password: str = NEW, client: Client | None = None) -> Any:
    key = link.partition("key=")[2]
    return (client or Client()).post(RESET, {"key": key, "new_password": password, "repeated": password})


def test_the_link_on_the_sign_in_page_is_there_while_mail_is_on(mailbox: Mailbox) -> None:
    assert FORGOT in Client().get("/sign-in/").content.decode()
    assert Client().get(FORGOT).status_code == 200
    MailSettings.objects.update(mode=Mode.NONE)
    assert FORGOT not in Client().get("/sign-in/").content.decode()
    assert Client().get(FORGOT).status_code == ask("vera").status_code == 404


def test_from_the_question_to_the_new_password(mailbox: Mailbox, make: Make, vera: Account) -> None:
    elsewhere = make.client(vera)
    assert ask("VERA").headers["Location"] == "/sign-in/"
    assert answered() == [{"outcome": "success", "target": "vera", "reason": None}]
    ((message, mail),) = mailbox.queued()
    assert (message.template, mail["To"], mail["Subject"]) == (
        "password_reset",
        "vera@example.com",
        "New password for vera",
    )
    (link,) = links(mailbox)
    client = Client()
    assert "For the account vera." in text_of(client.get(link).content)
    answer = choose(link, client=client)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/")
    vera.refresh_from_db()
    assert vera.check_password(NEW) and not vera.must_change_password
    assert Session.objects.get(account=vera).cause == "password_changed"
    assert elsewhere.get("/profile/").status_code == 302
    entry = Entry.objects.get(event="account.password_changed")
    assert (entry.actor_name, entry.target_name, entry.details["by"]) == ("vera", "vera", "reset link")
    assert entry.details["sessions_ended"] == 1
    assert [row.template for row in Message.objects.order_by("pk")] == ["password_reset", "password_was_reset"]
    assert Client().post("/sign-in/", {"username": "vera", "password": NEW}).status_code == 302


@pytest.mark.parametrize("typed", ["vera", "VERA@example.COM"])
def test_by_username_or_by_address(mailbox: Mailbox, vera: Account, typed: str) -> None:
    ask(typed)
    assert answered()[0]["outcome"] == "success"


def test_an_address_that_several_accounts_share_gets_a_link_for_each(
    mailbox: Mailbox, make: Make, vera: Account
) -> None:
    make.account("victor", password=PASSWORD, email="Vera@example.com")
    ask("vera@example.com")
    assert {entry["target"] for entry in answered()} == {"vera", "victor"}
    assert len(links(mailbox)) == 2


def test_the_page_does_and_says_the_same_whoever_is_meant(mailbox: Mailbox, make: Make, vera: Account) -> None:
    """Same answer, and the same queries in the same order: what takes time is done by a worker."""
    locks.lock(make.account("lou", email="lou@example.com"), actor=make.actor())
    ask("warm-up")
    seen = []
    for typed in ("vera", "vera@example.com", "lou", "nobody-has-this-name", "nobody@example.com"):
        client = Client()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answer = client.post(FORGOT, {"account": typed})
        page = client.get("/sign-in/").content.decode()
        said = re.sub(r'value="[^"]{30,}"', "", page)
        shapes = tuple(re.sub(r"'[^']*'|\b\d+\b", "?", one["sql"]) for one in queries)
        seen.append((answer.status_code, answer["Location"], said, shapes))
    assert len(set(seen)) == 1
    assert "accounts_account" not in str(seen[0][3])


@pytest.mark.parametrize(
    ("state", "reason", "sentence"),
    [
        ("locked", "account_locked", "The account is locked."),
        ("inactive", "account_inactive", "The account is out of use."),
        ("no password", "no password", "The account has no password on this server."),
    ],
)
def test_who_may_not_sign_in_gets_the_reason_and_no_link(
    mailbox: Mailbox, make: Make, vera: Account, state: str, reason: str, sentence: str
) -> None:
    if state == "locked":
        locks.lock(vera, actor=make.actor())
    elif state == "inactive":
        set_active(vera, False, actor=make.actor())
    else:
        vera.set_unusable_password()
        vera.save()
    ask("vera")
    assert answered() == [{"outcome": "failed", "target": "vera", "reason": reason}]
    ((message, mail),) = mailbox.queued()
    assert message.template == "password_reset_refused" and links(mailbox) == []
    assert sentence in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_without_an_address_or_an_account_there_is_no_mail(mailbox: Mailbox, make: Make) -> None:
    make.account("nora", password=PASSWORD)
    ask("nora")
    ask("my own password, typed by mistake")
    assert [(one["target"], one["reason"]) for one in answered()] == [
        ("nora", "no e-mail address"),
        ("", "no such account"),
    ]
    assert mailbox.queued() == []
    assert "typed by mistake" not in str(list(Entry.objects.values()))


def test_what_was_typed_is_encrypted_and_gone_afterwards(mailbox: Mailbox, vera: Account) -> None:
    ask("my own password, typed by mistake")
    with connection.cursor() as cursor:
        cursor.execute("SELECT typed FROM accounts_resetrequest")
        assert "typed by mistake" not in cursor.fetchone()[0]
    answered()
    assert not ResetRequest.objects.exists()


def test_a_link_works_once(mailbox: Mailbox, vera: Account) -> None:
    link = link_path(vera)
    assert choose(link).status_code == 302
    again = choose(link, "another sentence that is long")
    assert again.status_code == 404 and "This link does not work any more." in text_of(again.content)
    assert Client().get(link).status_code == 404
    vera.refresh_from_db()
    assert vera.check_password(NEW)


def test_a_link_works_for_an_hour(mailbox: Mailbox, vera: Account) -> None:
    link = link_path(vera)
    now = timezone.now()
    with time_machine.travel(now + timedelta(minutes=59), tick=True):
        assert Client().get(link).status_code == 200
    with time_machine.travel(now + timedelta(minutes=61), tick=True):
        assert Client().get(link).status_code == choose(link).status_code == 404


@pytest.mark.parametrize("what", ["password", "own password", "address", "lock", "deactivation"])
def test_a_link_is_dead_after(mailbox: Mailbox, make: Make, root: Account, vera: Account, what: str) -> None:
    link = link_path(vera)
    assert Client().get(link).status_code == 200
    match what:
        case "password":
            passwords.set_password(vera, "the orchard behind the mill", actor=make.actor(root))
        case "own password":
            passwords.choose_password(vera, "the orchard behind the mill", actor=make.actor(vera))
        case "address":
            Account.objects.filter(pk=vera.pk).update(email="other@example.com")
        case "lock":
            locks.lock(vera, actor=make.actor(root))
        case "deactivation":
            set_active(vera, False, actor=make.actor(root))
    assert choose(link).status_code == 404
    vera.refresh_from_db()
    assert not vera.check_password(NEW)


def test_a_link_stays_good_while_the_password_does_whoever_signs_in(mailbox: Mailbox, vera: Account) -> None:
    link = link_path(vera)
    assert Client().post("/sign-in/", {"username": "vera", "password": PASSWORD}).headers["Location"] == "/"
    vera.refresh_from_db()
    assert vera.last_login
    assert choose(link).status_code == 302


def test_the_same_password_again_kills_the_link_too(mailbox: Mailbox, vera: Account) -> None:
    link = link_path(vera)
    assert choose(link, PASSWORD).status_code == 302
    assert choose(link).status_code == 404


@pytest.mark.parametrize("key", ["", "x", "1.", "0.abc-def", "-1.a-b", "9" * 40 + ".a-b", "\x00", "1.2.3", "١.a-b"])
def test_made_up_keys_open_nothing(mailbox: Mailbox, vera: Account, key: str) -> None:
    assert Client().get(RESET, {"key": key}).status_code == 404
    assert Client().post(RESET, {"key": key, "new_password": NEW, "repeated": NEW}).status_code == 404
    theirs = link_path(vera).partition("key=")[2]
    other = f"{vera.pk + 1}.{theirs.partition('.')[2]}"
    assert Client().get(RESET, {"key": other}).status_code == 404


def test_a_weak_password_is_refused_and_the_link_stays_good(mailbox: Mailbox, vera: Account) -> None:
    link = link_path(vera)
    for weak in ("short", "vera@example.com", "password1234"):
        assert choose(link, weak).status_code == 422
    assert choose(link).status_code == 302


def test_the_new_password_ends_the_wait_for_wrong_tries(mailbox: Mailbox, vera: Account) -> None:
    for number in range(8):
        Client(headers={"X-Try": str(number)}).post("/sign-in/", {"username": "vera", "password": "wrong"})
    assert Client().post("/sign-in/", {"username": "vera", "password": PASSWORD}).status_code == 429
    choose(link_path(vera))
    assert Client().post("/sign-in/", {"username": "vera", "password": NEW}).status_code == 302


def test_an_address_and_an_account_have_to_wait_after_many_requests(
    mailbox: Mailbox, make: Make, vera: Account
) -> None:
    statuses = [ask(f"somebody-{number}").status_code for number in range(12)]
    assert statuses == [302] * 11 + [429]
    refused = ask("vera")
    assert "Too many requests. Try again in" in text_of(refused.content) and refused.headers["Retry-After"]
    (entry,) = Entry.objects.filter(event="account.reset_requested")
    assert (entry.outcome, entry.target_name, entry.details["reason"]) == ("denied", "", "too many requests")
    answered()
    for number in range(6):
        Client(REMOTE_ADDR=f"192.0.2.{number}").post(FORGOT, {"account": "vera"})
    outcomes = [one for one in answered() if one["target"] == "vera"]
    assert [one["outcome"] for one in outcomes] == ["success"] * 4 + ["denied"] * 2
    assert len(links(mailbox)) == 4


def test_a_request_that_waited_for_a_worker_too_long_is_not_answered(mailbox: Mailbox, vera: Account) -> None:
    ask("vera")
    answer_resets(now=timezone.now() + timedelta(hours=2))
    assert mailbox.queued() == []
    assert Entry.objects.get(event="account.reset_requested").details["reason"] == "answered too late"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="The trigger is written for SQLite.")
def test_a_request_that_fails_stands_in_nobodys_way(mailbox: Mailbox, make: Make, vera: Account) -> None:
    make.account("bad", password=PASSWORD, email="bad@example.com")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER no_mail BEFORE INSERT ON mail_message WHEN NEW.recipient = 'bad@example.com' "
            "BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    ask("bad")
    ask("vera")
    with pytest.raises(IntegrityError, match="not this one"):
        answer_resets(now=timezone.now())
    assert [mail["To"] for _row, mail in mailbox.queued()] == ["vera@example.com"]
    assert ResetRequest.objects.count() == 1
    answer_resets(now=timezone.now() + timedelta(hours=2))
    assert not ResetRequest.objects.exists()


def test_links_are_built_from_the_setting_and_never_from_the_request(mailbox: Mailbox, vera: Account) -> None:
    ServerSettings.objects.update(hostname="agora.example.com")
    Client().post(FORGOT, {"account": "vera"}, headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"})
    answered()
    ((_row, mail),) = mailbox.queued()
    assert "http://agora.example.com/sign-in/reset/?key=" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "evil.example" not in mail.as_string()


def test_the_key_is_not_in_the_audit_log_and_not_in_the_outbox(mailbox: Mailbox, vera: Account) -> None:
    ask("vera")
    answered()
    (link,) = links(mailbox)
    token = link.partition(".")[2]
    choose(link)
    choose(link)
    assert token not in str(list(Entry.objects.values()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM mail_message")
        assert token not in str(cursor.fetchall())


# --- The administrator's button -------------------------------------------------------------------------------------


def send_link(client: Client, account: Account) -> Any:
    return client.post(f"/accounts/{account.pk}/send-reset-link/")


def test_an_administrator_sends_a_link_also_for_a_first_password(mailbox: Mailbox, make: Make, ada: Account) -> None:
    fresh = make.account("fresh", email="fresh@example.com")
    client = make.client(ada)
    assert "Send reset link" in text_of(client.get(f"/accounts/{fresh.pk}/").content)
    assert send_link(client, fresh).status_code == 302
    (link,) = links(mailbox)
    assert choose(link).status_code == 302
    entry = Entry.objects.get(event="account.reset_link_sent")
    assert (entry.actor_name, entry.target_name) == ("ada", "fresh")


def test_where_no_link_can_be_sent_the_card_says_why(mailbox: Mailbox, make: Make, ada: Account, vera: Account) -> None:
    client = make.client(ada)
    nora, lou = make.account("nora"), make.account("lou", email="lou@example.com")
    locks.lock(lou, actor=make.actor())
    for account, sentence in (
        (nora, "has no e-mail address"),
        (lou, "may not sign in"),
        (vera, "Mail is switched off"),
    ):
        if account == vera:
            MailSettings.objects.update(mode=Mode.NONE)
        page = text_of(client.get(f"/accounts/{account.pk}/").content)
        assert sentence in page and "Send reset link" not in page
        refused = send_link(client, account)
        assert refused.status_code == 409 and sentence in text_of(refused.content)
    assert mailbox.queued() == []
    assert Entry.objects.filter(event="account.reset_link_sent", outcome="denied").count() == 3


def test_only_superusers_send_a_superuser_a_link_and_nobody_themselves(
    mailbox: Mailbox, make: Make, root: Account, ada: Account, sam: Account, vera: Account
) -> None:
    Account.objects.update(email="all@example.com")
    assert send_link(make.client(ada), root).status_code == 403
    assert send_link(make.client(ada), ada).status_code == 403
    assert send_link(make.client(sam), vera).status_code == 403
    assert mailbox.queued() == []
    other = make.account("rita", role="administrator", is_superuser=True, email="rita@example.com")
    assert send_link(make.client(root), other).status_code == 302
