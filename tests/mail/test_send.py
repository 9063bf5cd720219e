"""Writing a mail: a row in the causing transaction, nothing when mail is off, no header that anybody smuggles in."""

import pytest
from django.db import connection, transaction

from accounts.models import Account
from agora.base.actor import Actor, Origin
from mail.models import MailSettings, Message, Mode, State
from mail.services import CannotMail, mail_is_on, send
from settings_admin.models import ServerSettings
from tests.conftest import Mailbox, Make

ACTOR = Actor(name="shell", origin=Origin(request_id="r-1"))


@pytest.mark.django_db
def test_when_mail_is_off_nothing_is_made() -> None:
    assert not mail_is_on()
    assert send("test", to="ada@example.com", actor=ACTOR, context={"by": "root"}) is None
    assert not Message.objects.exists()


@pytest.mark.django_db
def test_the_relay_mode_is_off_without_a_relay() -> None:
    MailSettings.objects.update(mode=Mode.RELAY)
    assert not mail_is_on()


def test_the_row_holds_the_whole_mail(mailbox: Mailbox) -> None:
    assert mail_is_on()
    message = send("test", to="ada@example.com", actor=ACTOR, context={"by": "Zoë & <b>"})
    ((row, mail),) = mailbox.queued()
    assert message == row
    assert (row.state, row.recipient, row.attempts, row.actor_name) == (State.QUEUED, "ada@example.com", 0, "shell")
    assert row.request_id == "r-1"
    assert mail["To"] == "ada@example.com"
    assert mail["Subject"] == row.subject == "Test mail from Agora at localhost:8000"
    assert mail["Message-ID"] == row.message_id
    assert row.message_id.endswith("@localhost>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "From" not in mail
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text and "Sent by Zoë & <b>." in text.get_content()
    assert html and "Sent by Zoë &amp; &lt;b&gt;." in html.get_content()
    assert row.content.isascii()


def test_the_text_is_encrypted_at_rest(mailbox: Mailbox) -> None:
    send("test", to="ada@example.com", actor=ACTOR, context={"by": "canary-51"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT content FROM mail_message")
        ((stored,),) = cursor.fetchall()
    assert stored.startswith("gAAAA") and "canary" not in stored
    assert "canary-51" in Message.objects.get().content


def test_a_change_that_is_undone_mails_nothing(mailbox: Mailbox) -> None:
    with transaction.atomic():
        send("test", to="ada@example.com", actor=ACTOR, context={"by": "root"})
        transaction.set_rollback(True)
    assert mailbox.queued() == []


@pytest.mark.parametrize(
    "smuggled",
    ["a\r\nBcc: eve@example.com", "a\nBcc: eve@example.com", "a\rBcc: eve@example.com", "a\x00b", "a\u2028Bcc: e",
     "a\x0bBcc: e", "a\x85Bcc: e", "=?utf-8?q?a=0D=0ABcc:_eve@example.com?="],
)  # fmt: skip
def test_a_name_in_the_subject_adds_no_header(mailbox: Mailbox, smuggled: str) -> None:
    if "\0" in smuggled and connection.vendor == "postgresql":
        pytest.skip("PostgreSQL stores no NUL, so no name can hold one.")
    ServerSettings.objects.update(hostname=smuggled)
    send("test", to="ada@example.com", actor=ACTOR, context={"by": "root"})
    ((row, mail),) = mailbox.queued()
    assert set(mail.keys()) == {
        "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version",
        "Content-Type",
    }  # fmt: skip
    assert len(row.subject.splitlines()) == 1


@pytest.mark.parametrize(
    "address",
    ["", "ada", "ada@", "@example.com", "ada@example.com\nBcc: eve@example.com", "ada@example.com\r\n",
     "a b@example.com", "ada@example.com, eve@example.com", "Ada <ada@example.com>", "ada@exam\x00ple.com",
     "ädä@example.com", "a" * 250 + "@example.com", "<ada@example.com>", "ada@example..com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(mailbox: Mailbox, address: str) -> None:
    with pytest.raises(CannotMail, match="This is not an e-mail address"):
        send("test", to=address, actor=ACTOR, context={"by": "root"})
    assert mailbox.queued() == []


def test_fail_silently_spares_the_sender_and_the_row_says_failed(mailbox: Mailbox) -> None:
    MailSettings.objects.update(fail_silently=True)
    send("test", to="ada\nBcc: eve@example.com", actor=ACTOR, context={"by": "root"})
    row = Message.objects.get()
    assert (row.state, row.content) == (State.FAILED, "")
    assert row.answer == "This is not an e-mail address. Correct it and try again."


def test_a_foreign_domain_is_written_as_the_dns_has_it(mailbox: Mailbox) -> None:
    send("test", to="ada@bücher.example", actor=ACTOR, context={"by": "root"})
    ((row, mail),) = mailbox.queued()
    assert row.recipient == "ada@bücher.example"
    assert mail["To"] == "ada@xn--bcher-kva.example"


def test_links_start_with_the_hostname_of_the_settings(settings: object) -> None:
    server = ServerSettings(hostname="agora.example.com:8443")
    assert server.absolute("/sign-in/") == "http://agora.example.com:8443/sign-in/"
    settings.HTTPS = True  # type: ignore[attr-defined]
    assert server.absolute("/sign-in/") == "https://agora.example.com:8443/sign-in/"


def test_a_mail_caused_while_impersonating_names_both(
    mailbox: Mailbox, make: Make, root: Account, vic: Account
) -> None:
    actor = make.actor(vic, impersonator=root, elevation_id=3)
    send("test", to="ada@example.com", actor=actor, context={"by": "vic"})
    ((row, _mail),) = mailbox.queued()
    assert (row.actor_id, row.actor_name) == (root.pk, "root")
    assert (row.behalf_id, row.behalf_name, row.elevation_id) == (vic.pk, "vic", 3)
