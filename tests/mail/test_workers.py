"""Real workers on real queues, killed while they send: nothing is lost, and little is sent twice."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from kombu import Connection

from accounts.models import Account
from agora import celery
from agora.base.actor import Actor
from agora.celery import Publisher, app
from mail.models import Message, State
from mail.services import send
from tests.mail.conftest import Host, use
from tests.services.background import Background
from tests.services.smtp import HANG, Mailhost

pytestmark = pytest.mark.django_db(transaction=True)

MAILS = 150
WITHIN = 120.0  # seconds; an idle machine needs 25

Start = Callable[[str], Background]


@pytest.fixture
def start(tmp_path: Path, transactional_db: None) -> Iterator[Start]:
    """``start("redis")``: the queue runs, workers are started by the test."""
    started: list[Background] = []

    def begin(transport: str) -> Background:
        started.append(Background(tmp_path / transport, transport))
        started[-1].start("queue")
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def tell(work: Background, task: str) -> None:
    """What a web process does after its commit."""
    with Connection(work.url, transport_options=app.conf.broker_transport_options) as connection:
        app.send_task(task, connection=connection, retry=False)


def queue(count: int) -> None:
    with transaction.atomic():
        for number in range(count):
            send("test", to=f"a{number}@example.com", actor=Actor.system(), context={"by": "root"})


def all_sent() -> bool:
    return not Message.objects.exclude(state=State.SENT).exists()


def duplicates(host: Mailhost) -> int:
    """How many mails too many arrived; every row's mail must have arrived."""
    arrived = Counter(str(mail["Message-ID"]) for mail in host.received)
    assert set(arrived) == set(Message.objects.values_list("message_id", flat=True))
    return sum(arrived.values()) - len(arrived)


@pytest.mark.parametrize("transport", ["socket", "redis"])
def test_a_task_whose_worker_was_killed_is_delivered_again(start: Start, mailhost: Host, transport: str) -> None:
    """Without the schedule: the queue alone brings it back, to another worker."""
    host = mailhost(MAIL=HANG)
    use(host, timeout=1)
    queue(1)
    work = start(transport)
    work.start("worker")
    tell(work, "mail.drain")
    work.until(lambda: Message.objects.filter(state=State.SENDING).exists())
    work.kill("worker")
    assert Message.objects.get().state == State.SENDING
    host.answers.clear()
    work.start("worker")
    work.until(lambda: work.logged("worker").count("Task mail.drain") >= 2)
    work.start("beat")  # the queue may bring it back before the killed worker's lease is over
    work.until(all_sent)
    assert duplicates(host) == 0


@pytest.mark.parametrize("transport", ["socket", "redis"])
def test_nothing_is_lost_when_workers_and_broker_are_killed(start: Start, mailhost: Host, transport: str) -> None:
    host = mailhost(delay=0.01)
    use(host, timeout=1)
    queue(MAILS)
    work = start(transport)
    for name in ("worker", "beat"):
        work.start(name)
    kills = 0

    def at(mails: int) -> None:
        work.until(lambda: len(host.received) >= mails or all_sent(), WITHIN)

    for mails in (10, 25, 40):  # the process that sends
        at(mails)
        kills += work.kill_pool_process()
    at(60)
    work.client.flushall()
    at(75)
    work.kill("worker")  # the whole worker
    kills += 1
    work.start("worker")
    at(90)
    work.kill("queue")
    work.start("queue")
    at(110)
    work.signal("queue", signal.SIGSTOP)
    kills += work.kill_pool_process()
    time.sleep(2)  # what a hanging broker is: the proof is that nothing is lost meanwhile
    work.signal("queue", signal.SIGCONT)
    work.until(all_sent, WITHIN)
    assert duplicates(host) <= kills
    assert kills >= 4


def test_a_page_that_mails_does_not_wait_for_a_broker_that_hangs(
    start: Start, monkeypatch: pytest.MonkeyPatch, mailhost: Host, ada: Account
) -> None:
    use(mailhost())
    work = start("socket")

    def publish(task: str, **how: object) -> None:
        with Connection(work.url, transport_options=app.conf.broker_transport_options) as connection:
            app.send_task(task, connection=connection, **how)

    monkeypatch.setattr(celery, "_publisher", Publisher(publish))
    client = Client()
    client.force_login(ada)
    failed = [
        send("test", to=f"a{number}@example.com", actor=Actor.system(), context={"by": "root"}) for number in range(2)
    ]
    Message.objects.update(state=State.FAILED, attempts=1, finished_at=failed[0].created_at if failed[0] else None)
    work.signal("queue", signal.SIGSTOP)
    started = time.monotonic()
    for message in failed:
        assert message
        assert client.post(f"/settings/server/mail/outbox/{message.pk}/retry/").status_code == 302
    assert time.monotonic() - started < 2.0  # the broker's own limit is 5 seconds
    work.signal("queue", signal.SIGCONT)
    work.until(lambda: work.client.llen("agora:celery") >= 1)
