"""Settings > Server > Mail > Outbox: the list, one mail with the server's answers, trying again."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from lxml import html

from accounts.models import Account
from agora.base.actor import Actor
from audit.models import Entry
from mail.models import MailSettings, Message, State
from mail.services import send
from mail.services.delivery import drain
from tests.conftest import Mailbox, Make
from tests.mail.conftest import Host, use

LIST = "/settings/server/mail/outbox/"


def text_of(client: Client, address: str) -> str:
    return " ".join(html.fromstring(client.get(address).content).text_content().split())


@pytest.fixture
def client(make: Make, ada: Account) -> Client:
    return make.client(ada)


@pytest.fixture
def mails(mailhost: Host, db: None) -> list[Message]:
    """One sent, one failed, one waiting."""
    use(mailhost(**{"bea@example.com": "550 5.1.1 No such user", "cyd@example.com": "450 Busy"}))
    sent = [
        send("test", to=f"{name}@example.com", actor=Actor.system(), context={"by": "canary-text"})
        for name in ("ada", "bea", "cyd")
    ]
    drain(seconds=30)
    return [one for one in sent if one]


def test_the_list_shows_states_and_filters_by_them(client: Client, mails: list[Message]) -> None:
    page = text_of(client, LIST)
    for said in ("ada@example.com", "bea@example.com", "cyd@example.com", "Sent", "Failed", "550 5.1.1 No such user"):
        assert said in page
    failed = text_of(client, f"{LIST}?state=failed")
    assert "bea@example.com" in failed and "ada@example.com" not in failed
    assert "bea@example.com" not in text_of(client, f"{LIST}?q=ad")
    assert "No mail matches" in text_of(client, f"{LIST}?state=sending")


def test_a_mail_is_shown_with_its_answers_and_without_its_text(client: Client, mails: list[Message]) -> None:
    for message, answer in zip(mails, ["250 2.0.0 Queued as 0001", "550 5.1.1 No such user", "450 Busy"], strict=True):
        page = text_of(client, f"{LIST}{message.pk}/")
        assert answer in page and message.message_id in page
        assert "canary" not in page
    assert "Next try" in text_of(client, f"{LIST}{mails[2].pk}/")


def test_trying_again_queues_a_failed_mail_and_is_written_down(client: Client, mails: list[Message]) -> None:
    response = client.post(f"{LIST}{mails[1].pk}/retry/", follow=True)
    assert "is queued again." in response.content.decode()
    assert Message.objects.get(pk=mails[1].pk).state == State.QUEUED
    entry = Entry.objects.get(event="mail.retried")
    assert (entry.actor_name, entry.details["recipient"]) == ("ada", "bea@example.com")
    refused = client.post(f"{LIST}{mails[0].pk}/retry/")
    assert refused.status_code == 409 and b"nothing to try again" in refused.content


def test_while_mail_is_off_the_outbox_says_so(client: Client, mailbox: Mailbox) -> None:
    MailSettings.objects.update(mode="none")
    assert "Mail is off" in text_of(client, LIST)


def test_the_list_costs_the_same_with_1_and_with_11_rows(client: Client, mailbox: Mailbox) -> None:
    counts = []
    for more in (1, 10):
        for number in range(more):
            send("test", to=f"a{number}@example.com", actor=Actor.system(), context={"by": "root"})
        client.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        counts.append(len(queries))
    assert counts[0] == counts[1]
