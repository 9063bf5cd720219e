"""Settings > Server > Mail: what it shows, what it refuses, what it writes down, and how a test mail goes."""

import errno
import ssl
import time
from base64 import b64encode
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client, override_settings
from lxml import html

from accounts.models import Account
from agora.base.env import Relay
from audit.models import Entry
from mail.models import MailSettings, Message
from mail.services.configuration import NAMES, change_mail_settings
from mail.services.trial import AT_ONCE
from tests.conftest import Make
from tests.mail.conftest import Host, use
from tests.services.certificates import Authority
from tests.services.smtp import DRIP, HANG

PAGE, TEST = "/settings/server/mail/", "/settings/server/mail/test/"
SERVER = {
    "mode": "server", "host": "mail.example.com", "port": "587", "from_email": "agora@example.com", "username": "",
    "password": "", "use_tls": "on", "timeout": "10",
}  # fmt: skip
RELAY = Relay("relay.example.com", 25, "noreply@example.com", "", "", "none")


def version() -> str:
    return str(MailSettings.load().version)


def save(client: Client, **changes: Any) -> Any:
    sent = {name: value for name, value in {**SERVER, "version": version(), **changes}.items() if value is not None}
    return client.post(PAGE, sent)


def errors(response: Any) -> str:
    tree = html.fromstring(response.content)
    return " ".join(" ".join(one.text_content().split()) for one in tree.xpath("//*[contains(@class, 'error')]"))


def text_of(response: Any) -> str:
    return " ".join(html.fromstring(response.content).text_content().split())


@pytest.fixture
def client(make: Make, ada: Account) -> Client:
    return make.client(ada)


def test_a_fresh_server_sends_no_mail_and_offers_no_relay(client: Client) -> None:
    tree = html.fromstring(client.get(PAGE).content)
    assert tree.xpath("//input[@name='mode']/@value") == ["server", "none"]
    assert tree.xpath("//input[@name='mode'][@checked]/@value") == ["none"]


@override_settings(MAIL_RELAY=RELAY)
def test_the_relay_is_offered_where_the_operator_named_one(client: Client) -> None:
    page = client.get(PAGE)
    assert "Agora Mail Service" in text_of(page) and "from noreply@example.com" in text_of(page)
    assert save(client, mode="relay", host="", from_email="").status_code == 302
    server = MailSettings.load().server
    assert server and (str(server), server.sender) == ("relay.example.com:25", "noreply@example.com")


def test_the_relay_is_refused_where_there_is_none(client: Client) -> None:
    assert save(client, mode="relay").status_code == 422


def test_each_changed_field_is_written_down_and_the_password_never(client: Client) -> None:
    assert save(client, username="agora", password="canary-pass").status_code == 302
    row = MailSettings.load()
    assert (row.mode, row.host, row.username, row.password) == ("server", "mail.example.com", "agora", "canary-pass")
    entry = Entry.objects.get(event="mail_settings.changed")
    assert entry.details["changes"]["host"] == ["", "mail.example.com"]
    assert entry.details["changes"]["mode"] == ["none", "server"]
    assert "port" not in entry.details["changes"]
    assert "canary" not in str(entry.details)
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM mail_mailsettings")
        assert "canary" not in cursor.fetchone()[0]
    assert b"canary" not in client.get(PAGE).content


def test_an_empty_password_keeps_the_stored_one_and_no_username_removes_it(client: Client) -> None:
    save(client, username="agora", password="secret")
    save(client, username="agora", timeout="20")
    assert (MailSettings.load().password, MailSettings.load().timeout) == ("secret", 20)
    save(client)
    assert MailSettings.load().password == ""


@pytest.mark.parametrize(
    "moved",
    [
        {"host": "evil.example.com"}, {"port": "2525"}, {"username": "eve"}, {"use_tls": None},
        {"use_tls": None, "use_ssl": "on"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("address", [PAGE, TEST])
def test_the_stored_password_goes_nowhere_else(client: Client, address: str, moved: dict[str, Any]) -> None:
    save(client, username="agora", password="secret")
    sent = SERVER | {"username": "agora", "version": version(), "to": "ada@example.com"} | moved
    response = client.post(address, {name: value for name, value in sent.items() if value is not None})
    assert "Type the password again" in text_of(response)
    row = MailSettings.load()
    assert (row.host, row.port, row.username, row.use_tls) == ("mail.example.com", 587, "agora", True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"host": ""}, "Name the mail server."),
        ({"host": "https://mail.example.com"}, "Type only the name or address"),
        ({"host": "mail.example.com:25"}, "Type only the name or address"),
        ({"host": "mail\r\n.example.com"}, "Type only the name or address"),
        ({"host": "mail\x7f.example.com"}, "Type only the name or address"),
        ({"host": "2001:db8::1 x"}, "Type only the name or address"),
        ({"port": "0"}, "greater than or equal to 1"),
        ({"port": "65536"}, "less than or equal to 65535"),
        ({"port": "x"}, "whole number"),
        ({"from_email": ""}, "Name the sender."),
        ({"from_email": "agora"}, "valid email address"),
        ({"from_email": "a@example.com\r\nBcc: e@example.com"}, "valid email address"),
        ({"use_ssl": "on"}, "Use TLS and Use SSL exclude each other."),
        ({"timeout": "0"}, "greater than or equal to 1"),
        ({"timeout": "61"}, "less than or equal to 60"),
        ({"password": "secret"}, "A password needs a username."),
        ({"mode": "pigeon"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused(client: Client, changes: dict[str, str], sentence: str) -> None:
    response = save(client, **changes)
    assert response.status_code == 422
    assert sentence in errors(response)
    assert MailSettings.load().mode == "none"


def test_fields_of_another_mode_are_neither_checked_nor_saved(client: Client) -> None:
    save(client)
    assert save(client, mode="none", host="https://x", port="x", from_email="x").status_code == 302
    row = MailSettings.load()
    assert (row.mode, row.host, row.port) == ("none", "mail.example.com", 587)


def told(response: Any) -> tuple[list[list[str]], dict[str, str]]:
    """What the others changed, and the form over which that is said."""
    assert response.status_code == 409
    tree = html.fromstring(response.content)
    rows = [[cell.text_content() for cell in row] for row in tree.xpath("//table[@class='diff']/tbody/tr")]
    form = tree.xpath("//main//form[contains(@class, 'mail-form')]")[0]
    return rows, {name: value for name, value in form.fields.items() if value is not None}


def test_the_second_of_two_administrators_sees_all_that_was_changed_and_saves_both(
    client: Client, make: Make, root: Account
) -> None:
    save(client)
    before, first = version(), make.client(root)
    save(first, host="between.example.com", use_tls=None)
    save(first, host="first.example.com", use_tls=None, port="25")
    response = save(client, timeout="20", version=before)
    rows, merged = told(response)
    assert rows == [
        ["Host", "mail.example.com", "first.example.com"],
        ["Use TLS", "On", "Off"],
        ["Port", "587", "25"],
    ]
    assert text_of(response).count("root saved at") == 2 and "holds their changes and yours" in text_of(response)
    assert (merged["host"], merged["port"], merged.get("use_tls"), merged["timeout"]) == (
        "first.example.com", "25", None, "20",
    )  # fmt: skip
    assert html.fromstring(response.content).xpath("//form/@data-unsaved") == ["1"]
    assert MailSettings.load().timeout == 10
    assert client.post(PAGE, merged).status_code == 302
    row = MailSettings.load()
    assert (row.host, row.port, row.use_tls, row.timeout) == ("first.example.com", 25, False, 20)


def test_where_both_changed_the_same_the_second_decides_knowingly(client: Client, make: Make, root: Account) -> None:
    before = version()
    save(make.client(root), host="first.example.com")
    response = save(client, host="second.example.com", version=before)
    rows, merged = told(response)
    assert ["How Agora sends mail", "Do not use email", "Mail Server"] in rows
    assert "You both changed: How Agora sends mail, Host, From Email." in text_of(response)
    assert (merged["mode"], merged["host"]) == ("server", "second.example.com")
    assert MailSettings.load().host == "first.example.com"
    assert client.post(PAGE, merged).status_code == 302
    assert MailSettings.load().host == "second.example.com"


def test_of_a_password_that_was_changed_meanwhile_only_that_is_told(client: Client, make: Make, root: Account) -> None:
    save(client, username="agora", password="one-canary")
    before = version()
    save(make.client(root), host="first.example.com", username="agora", password="two-canary")
    rows, merged = told(save(client, username="agora", timeout="20", version=before))
    assert rows == [["Host", "mail.example.com", "first.example.com"], ["Password", "•••", "•••"]]
    assert "password" not in merged and merged["timeout"] == "20"
    response = save(client, username="agora", password="three-canary", version=before)
    assert "You both changed: Password." in text_of(response) and "canary" not in text_of(response)
    assert "Type the password again before you save" in text_of(response)
    assert client.post(PAGE, merged).status_code == 302
    assert (MailSettings.load().password, MailSettings.load().timeout) == ("two-canary", 20)


def test_who_saved_as_another_is_named_with_both_names(client: Client, make: Make, root: Account, vic: Account) -> None:
    before, values = version(), {name: getattr(MailSettings.load(), name) for name in NAMES}
    change_mail_settings(
        values | {"mode": "server", "host": "first.example.com", "from_email": "a@example.com"},
        version=int(before),
        actor=make.actor(vic, impersonator=root),
    )
    assert "root as vic saved at" in text_of(save(client, version=before))


def test_the_database_refuses_both_encryptions_and_half_a_server(db: None) -> None:
    for nonsense in ({"use_tls": True, "use_ssl": True}, {"mode": "server", "host": ""}, {"mode": "pigeon"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            MailSettings.objects.update(**nonsense)


def try_out(client: Client, to: Any, /, **changes: Any) -> Any:
    sent = SERVER | {"host": "127.0.0.1", "port": str(to.port), "version": version(), "to": "ada@example.com"}
    sent |= {"use_tls": None, "timeout": "5"} | changes
    return client.post(TEST, {name: value for name, value in sent.items() if value is not None})


def test_a_test_mail_is_sent_with_what_is_typed_and_nothing_is_saved(client: Client, mailhost: Host) -> None:
    host = mailhost(users={"agora": "canary-pass"})
    response = try_out(client, host, username="agora", password="canary-pass")
    said = text_of(response)
    assert "The server took the test mail." in said and "250 2.0.0 Queued as 0001" in said
    assert "AUTH PLAIN •••" in said and "235 2.7.0" in said
    assert "canary" not in said and "Y2FuYXJ5" not in said
    (mail,) = host.received
    assert (mail["To"], mail["From"]) == ("ada@example.com", "agora@example.com")
    assert MailSettings.load().mode == "none" and not Message.objects.exists()
    entry = Entry.objects.get(event="mail.tested")
    assert (entry.outcome, entry.details["recipient"]) == ("success", "ada@example.com")
    assert "canary" not in str(entry.details)


def test_a_server_that_repeats_the_password_does_not_show_it(client: Client, mailhost: Host) -> None:
    """Nor the audit log, which keeps the answer."""
    encoded = b64encode(b"\0agora\0canary-pass").decode()
    host = mailhost(users={"agora": "canary-pass"}, MAIL=f"550 I know canary-pass and {encoded}")
    said = text_of(try_out(client, host, username="agora", password="canary-pass"))
    assert said.count("550 I know ••• and •••") == 2  # the answer, and its line in the conversation
    assert Entry.objects.get(event="mail.tested").details["answer"] == "550 I know ••• and •••"
    assert "canary" not in said and encoded not in said


@pytest.mark.parametrize("step", ["CONNECT", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["421 4.3.2 Shutting down", "450 4.2.1 Try later", "550 5.1.1 No such user",
                                    "552 5.2.2 Mailbox full"])  # fmt: skip
def test_the_exact_refusal_is_shown(client: Client, mailhost: Host, step: str, answer: str) -> None:
    said = text_of(try_out(client, mailhost(**{step: answer})))
    assert "The test mail was not sent." in said
    assert answer in said
    assert Entry.objects.get(event="mail.tested").details["answer"] == answer


def test_a_wrong_password_is_said_in_the_servers_words(client: Client, mailhost: Host) -> None:
    said = text_of(try_out(client, mailhost(users={"agora": "right"}), username="agora", password="wrong-canary"))
    assert "535 5.7.8 Wrong username or password" in said
    assert "canary" not in said


@pytest.mark.parametrize("answers", [{"CONNECT": HANG}, {"RCPT": HANG}, {"DATA": HANG}, {"CONNECT": DRIP}])
def test_a_server_that_hangs_holds_the_page_for_the_timeout(
    client: Client, mailhost: Host, answers: dict[str, str]
) -> None:
    host, started = mailhost(**answers), time.monotonic()
    said = text_of(try_out(client, host, timeout="1"))
    assert time.monotonic() - started < 3.0
    assert "did not answer" in said or "did not finish within 1 seconds" in said


def test_tls_version_and_certificate_are_shown(client: Client, mailhost: Host, authority: Authority) -> None:
    host = mailhost(certificate=authority.issue("localhost"))
    said = text_of(try_out(client, host, use_tls="on"))
    assert "The server took the test mail." in said
    assert "TLSv1.3; certificate of commonName=localhost, valid until" in said


def test_a_bad_certificate_is_named(client: Client, mailhost: Host, authority: Authority) -> None:
    assert authority
    other = Authority(authority.folder, "Somebody Else")
    host = mailhost(certificate=other.issue("stranger"))
    said = text_of(try_out(client, host, use_tls="on"))
    assert f"The certificate of 127.0.0.1:{host.port} is not valid: unable to get local issuer certificate." in said
    assert host.received == []


def test_missing_starttls_is_named(client: Client, mailhost: Host) -> None:
    assert "The server does not offer STARTTLS." in text_of(try_out(client, mailhost(), use_tls="on"))


def test_a_test_without_an_address_or_a_server_says_what_is_missing(client: Client, mailhost: Host) -> None:
    host = mailhost()
    assert "Send the test to: This field is required." in text_of(try_out(client, host, to=""))
    assert "Host: Name the mail server." in text_of(try_out(client, host, host=""))
    assert "there is nothing to test" in text_of(try_out(client, host, mode="none"))
    assert host.connections == 0


def test_what_fails_before_the_talk_is_told_as_it_is_and_takes_no_place(
    client: Client, mailhost: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = mailhost()

    def no_file() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as trouble:
        trouble.setattr(ssl, "create_default_context", no_file)
        for _number in range(AT_ONCE + 1):
            said = text_of(try_out(client, host))
            assert "The test mail was not sent." in said and "OSError: [Errno 24] Too many open files" in said
    assert "The server took the test mail." in text_of(try_out(client, host))


def test_htmx_gets_the_result_alone(client: Client, mailhost: Host) -> None:
    host = mailhost()
    sent = SERVER | {"host": "127.0.0.1", "port": str(host.port), "version": version(), "to": "ada@example.com"}
    sent.pop("use_tls")
    response = client.post(TEST, sent, headers={"HX-Request": "true"})
    assert b"<form" not in response.content and "The server took the test mail." in text_of(response)


def test_a_stored_password_is_used_for_a_test(client: Client, mailhost: Host) -> None:
    host = mailhost(users={"agora": "secret"})
    use(host, username="agora", password="secret")
    assert "The server took the test mail." in text_of(try_out(client, host, username="agora"))
