"""What becomes of a queued mail, by what the server answers; and who may take it."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from agora.base.actor import Actor
from agora.base.env import Relay
from mail.models import MailSettings, Message, Mode, State
from mail.services import send
from mail.services.delivery import BATCH, delay_after, drain
from mail.services.upkeep import MailIsOff, NotFailed, NothingToSend, purge_messages, retry_message
from tests.mail.conftest import Host, use
from tests.services.certificates import Authority
from tests.services.smtp import HANG, Mailhost

pytestmark = pytest.mark.django_db


def queue(*addresses: str) -> list[Message]:
    sent = [send("test", to=one, actor=Actor.system(), context={"by": "root"}) for one in addresses]
    return [one for one in sent if one]


def drained(message: Message) -> Message:
    drain(seconds=30)
    message.refresh_from_db()
    return message


def test_a_mail_arrives_once_with_its_sender_and_id(mailhost: Host) -> None:
    host = mailhost()
    use(host)
    (message,) = queue("ada@example.com")
    assert drained(message).state == State.SENT
    assert (message.answer, message.attempts, message.content) == ("250 2.0.0 Queued as 0001", 1, "")
    assert message.finished_at and message.answers[0]["answer"] == message.answer
    (mail,) = host.received
    assert (mail["From"], mail["To"]) == ("agora@example.com", "ada@example.com")
    assert mail["Message-ID"] == message.message_id
    drain(seconds=30)
    assert len(host.received) == 1


def test_through_the_operators_relay_in_its_name(mailhost: Host, settings: Any) -> None:
    host = mailhost(users={"relayed": "a secret"})
    settings.MAIL_RELAY = Relay("127.0.0.1", host.port, "noreply@example.com", "relayed", "a secret", "none")
    MailSettings.objects.update(mode=Mode.RELAY, host="elsewhere.example.com", from_email="agora@example.com")
    (message,) = queue("ada@example.com")
    assert drained(message).state == State.SENT
    assert [mail["From"] for mail in host.received] == ["noreply@example.com"]


def test_many_mails_go_over_one_connection(mailhost: Host) -> None:
    host = mailhost()
    use(host)
    queue(*(f"a{n}@example.com" for n in range(BATCH * 2 + 1)))
    assert not drain(seconds=60)
    assert [str(mail["To"]) for mail in host.received] == [f"a{n}@example.com" for n in range(BATCH * 2 + 1)]
    assert host.connections == 1


@pytest.mark.parametrize("pipelining", [True, False], ids=["at once", "one by one"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["550 5.1.1 No such user", "552 5.2.2 Mailbox full"])
def test_5xx_fails_at_once_and_the_next_mail_goes_out(mailhost: Host, step: str, answer: str, pipelining: bool) -> None:
    host = mailhost(pipelining=pipelining, **{step: answer})
    use(host)
    (message,) = queue("ada@example.com")
    assert drained(message).state == State.FAILED
    assert (message.answer, message.attempts) == (answer, 1)
    host.answers.clear()
    (second,) = queue("bea@example.com")
    assert drained(second).state == State.SENT


@pytest.mark.parametrize("pipelining", [True, False], ids=["at once", "one by one"])
@pytest.mark.parametrize("step", ["CONNECT", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", ["421 4.3.2 Shutting down", "450 4.2.1 Try later"])
def test_4xx_waits_and_tries_again(mailhost: Host, step: str, answer: str, pipelining: bool) -> None:
    host = mailhost(pipelining=pipelining, **{step: answer})
    use(host)
    (message,) = queue("ada@example.com")
    before = timezone.now()
    assert drained(message).state == State.QUEUED
    assert (message.answer, message.attempts) == (answer, 1)
    assert timedelta(seconds=29) < message.next_at - before < timedelta(seconds=40)
    assert drained(message).attempts == 1  # not due yet
    host.answers.clear()
    Message.objects.update(next_at=before)
    assert drained(message).state == State.SENT
    assert [one["answer"][:3] for one in message.answers] == [answer[:3], "250"]


@pytest.mark.parametrize("pipelining", [True, False], ids=["at once", "one by one"])
def test_one_refused_recipient_does_not_hold_up_the_others(mailhost: Host, pipelining: bool) -> None:
    host = mailhost(pipelining=pipelining, **{"bea@example.com": "550 No such user", "cyd@example.com": "450 Busy"})
    use(host)
    queue("ada@example.com", "bea@example.com", "cyd@example.com", "dan@example.com")
    drain(seconds=30)
    assert list(Message.objects.order_by("pk").values_list("state", flat=True)) == ["sent", "failed", "queued", "sent"]
    assert host.connections == 1


def test_a_wrong_password_fails_at_once(mailhost: Host) -> None:
    use(mailhost(users={"agora": "right"}), username="agora", password="wrong")
    (message,) = queue("ada@example.com")
    assert drained(message).state == State.FAILED
    assert message.answer == "535 5.7.8 Wrong username or password"


@pytest.mark.parametrize("answers", [{"MAIL": "550 no, canary-pass"}, {"taken": "250 canary-pass"}, {}])
def test_a_server_that_repeats_the_password_does_not_get_it_into_the_outbox(
    mailhost: Host, answers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    right = "canary-pass" if answers else "another"
    host = mailhost(users={"agora": right}, refusal="535 canary-pass is wrong", **answers)
    use(host, username="agora", password="canary-pass")
    (message,) = queue("ada@example.com")
    assert "•••" in drained(message).answer
    assert "canary" not in f"{message.answer}{message.answers}{caplog.text}"


def test_a_password_outside_ascii_is_sent_as_utf_8(mailhost: Host) -> None:
    use(mailhost(users={"agora": "schlüssel ☂"}), username="agora", password="schlüssel ☂")
    (message,) = queue("ada@example.com")
    assert drained(message).state == State.SENT


def test_a_server_that_hangs_costs_the_timeout_and_not_more(mailhost: Host) -> None:
    use(mailhost(RCPT=HANG), timeout=1)
    (first,) = queue("ada@example.com")
    assert drained(first).state == State.QUEUED
    assert "did not answer within 1 seconds" in first.answer


def test_nobody_there_is_tried_again_and_all_wait(mailhost: Host) -> None:
    host = mailhost()
    use(host)
    host.stop()
    first, second = queue("ada@example.com", "bea@example.com")
    drain(seconds=30)
    for message in (first, second):
        message.refresh_from_db()
        assert (message.state, message.attempts) == (State.QUEUED, 1)
        assert message.answer == f"127.0.0.1:{host.port} refuses the connection. Check Host and Port."


def test_after_a_day_it_is_given_up(mailhost: Host) -> None:
    host = mailhost(RCPT="450 Busy")
    use(host)
    with time_machine.travel(timezone.now() - timedelta(hours=24, minutes=1), tick=True):
        (message,) = queue("ada@example.com")
    assert drained(message).state == State.FAILED
    assert message.answer == "450 Busy"


def test_the_delays_grow_to_an_hour_and_fill_a_day() -> None:
    delays = [delay_after(n) for n in range(1, 40)]
    assert delays[:4] == [timedelta(seconds=n) for n in (30, 60, 120, 240)]
    assert delays == sorted(delays) and delays[-1] == timedelta(hours=1)
    assert sum(delays, timedelta()) > timedelta(hours=24)


@pytest.mark.parametrize("how", [{"use_tls": True}, {"use_ssl": True}])
def test_encrypted_with_a_certificate_that_is_checked(
    mailhost: Host, authority: Authority, how: dict[str, bool]
) -> None:
    host = mailhost(certificate=authority.issue("localhost"), ssl_from_start="use_ssl" in how)
    use(host, **how)
    (message,) = queue("ada@example.com")
    assert drained(message).state == State.SENT


@pytest.mark.parametrize("how", [{"use_tls": True}, {"use_ssl": True}])
def test_no_mail_and_no_password_to_a_server_with_a_bad_certificate(
    mailhost: Host, authority: Authority, how: dict[str, bool]
) -> None:
    expired = authority.issue("localhost", days=-1)
    host = mailhost(certificate=expired, ssl_from_start="use_ssl" in how, users={"agora": "secret"})
    use(host, username="agora", password="secret", **how)
    (message,) = queue("ada@example.com")
    assert drained(message).state == State.QUEUED
    assert message.answer == f"The certificate of 127.0.0.1:{host.port} is not valid: certificate has expired."
    assert host.received == []


def test_no_mail_without_the_encryption_that_was_asked_for(mailhost: Host) -> None:
    host = mailhost()
    use(host, use_tls=True)
    (message,) = queue("ada@example.com")
    assert "does not offer STARTTLS" in drained(message).answer
    assert host.received == []


def test_while_mail_is_off_what_is_queued_waits(mailhost: Host) -> None:
    host = mailhost()
    use(host)
    (message,) = queue("ada@example.com")
    MailSettings.objects.update(mode=Mode.NONE)
    assert drained(message).state == State.QUEUED
    Message.objects.update(give_up_at=timezone.now(), next_at=timezone.now())
    assert drained(message).state == State.FAILED
    assert message.answer == "Mail was off for a day."


def test_a_mail_that_another_worker_holds_is_left_alone_until_its_lease_ends(mailhost: Host) -> None:
    host = mailhost()
    use(host)
    (message,) = queue("ada@example.com")
    ahead = timezone.now() + timedelta(minutes=1)
    Message.objects.update(state=State.SENDING, lease="of a worker that was killed", next_at=ahead)
    assert drained(message).state == State.SENDING
    assert host.received == []
    Message.objects.update(next_at=timezone.now())
    assert drained(message).state == State.SENT


def test_an_unreadable_text_is_not_sent(mailhost: Host, settings: Any) -> None:
    host = mailhost()
    use(host)
    (message,) = queue("ada@example.com")
    settings.ENCRYPTION_KEY = "A" * 43 + "="
    assert drained(message).state == State.FAILED
    assert "can't be read with this encryption key" in message.answer
    assert host.received == []


def failed_mail(mailhost: Host) -> tuple[Mailhost, Message]:
    host = mailhost(RCPT="550 No such user")
    use(host)
    (message,) = queue("ada@example.com")
    return host, drained(message)


def test_a_failed_mail_is_tried_again_when_somebody_asks(mailhost: Host) -> None:
    host, message = failed_mail(mailhost)
    host.answers.clear()
    retry_message(message, actor=Actor.system())
    assert drained(message).state == State.SENT
    assert message.attempts == 2
    with pytest.raises(NotFailed):
        retry_message(message, actor=Actor.system())


def test_no_retry_without_mail_or_text(mailhost: Host) -> None:
    _host, message = failed_mail(mailhost)
    MailSettings.objects.update(mode=Mode.NONE)
    with pytest.raises(MailIsOff):
        retry_message(message, actor=Actor.system())
    MailSettings.objects.update(mode=Mode.SERVER)
    Message.objects.update(content="")
    with pytest.raises(NothingToSend):
        retry_message(message, actor=Actor.system())


def test_old_mails_are_removed_and_waiting_ones_never(mailhost: Host) -> None:
    use(mailhost())
    now = timezone.now()
    for days, state in ((29, "sent"), (31, "sent"), (31, "failed"), (91, "failed"), (400, "queued")):
        (message,) = queue(f"{state}-{days}@example.com")
        done = {"content": "", "finished_at": now} if state != "queued" else {}
        Message.objects.filter(pk=message.pk).update(state=state, created_at=now - timedelta(days=days), **done)
    assert purge_messages(now=now) == 2
    left = Message.objects.order_by("pk").values_list("recipient", flat=True)
    assert list(left) == ["sent-29@example.com", "failed-31@example.com", "queued-400@example.com"]
