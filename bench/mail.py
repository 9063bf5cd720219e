"""Mail: how fast a worker sends, what a page costs while the broker hangs, and what is left after a hundred kills."""

import json
import random
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

from django.db import connection, transaction
from django.test import Client
from kombu import Connection

from accounts.models import Account
from agora import celery
from agora.base.actor import Actor
from agora.celery import Publisher, app
from bench import databases
from bench.cluster import cluster, restart, url
from bench.timing import Line, Table, in_turns, ms
from mail.models import MailSettings, Message, Mode, State
from mail.services import send
from tests.services.background import Background

ROUNDS = 3
WITHIN = 900.0  # seconds


class Mailhost:
    """The mail server's process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.mailhost"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def arrived(self, *, delay: float = 0.0) -> list[tuple[str, float]]:
        """(Message-ID, time) of what came since the last question; from now on each mail takes ``delay`` seconds."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(delay, file=self.process.stdin, flush=True)
        return [(one, at) for one, at in json.loads(self.process.stdout.readline())]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def measure(table: Table, *, mails: int, kills: int) -> None:
    with cluster(None) as socket, tempfile.TemporaryDirectory(prefix="agora-mail-") as folder:
        databases.create(socket, "mail")
        databases.add_postgres(socket, "mail")
        host, works = Mailhost(), []
        try:
            with databases.use("mail"):
                databases.migrate()
                MailSettings.objects.update(
                    mode=Mode.SERVER, host="127.0.0.1", port=host.port, from_email="agora@example.com", use_tls=False,
                    timeout=1,
                )  # fmt: skip
                for transport in ("socket", "redis"):
                    work = Background(Path(folder) / transport, transport, database=url(socket, "mail"))
                    works.append(work)
                    work.start("queue")
                _rate(table, host, works[0], mails)
                _pages(table, works[0])
                for work, transport in zip(works, ("socket", "redis"), strict=True):
                    _chaos(table, host, work, socket, mails, kills, transport)
        finally:
            for work in works:
                work.stop()
            host.stop()
            databases.close_all()


def _queue(count: int) -> None:
    Message.objects.all().delete()
    with transaction.atomic():
        for number in range(count):
            send("test", to=f"a{number}@example.com", actor=Actor.system(), context={"by": "root"})


def _publish(work: Background, task: str, **how: object) -> None:
    with Connection(work.url, transport_options=app.conf.broker_transport_options) as broker:
        app.send_task(task, connection=broker, **how)


def _left() -> bool:
    try:
        return Message.objects.exclude(state=State.SENT).exists()
    except Exception:  # the database restarts
        connection.close()
        return True


def _rate(table: Table, host: Mailhost, work: Background, mails: int) -> None:
    """From the first arrival to the last: a plain loop and one worker process in turns, the same mails."""
    work.start("worker")
    work.until(lambda: " ready." in work.logged("worker"))
    plain, ours = [], []
    for _round in range(ROUNDS):
        _queue(mails)
        same = [
            (row.recipient, f"From: agora@example.com\r\n{row.content}".encode())
            for row in Message.objects.order_by("pk")
        ]
        with smtplib.SMTP("127.0.0.1", host.port, local_hostname="localhost") as smtp:
            for to, content in same:
                smtp.sendmail("agora@example.com", [to], content)
        plain.append(_per_second(host))
        _publish(work, "mail.drain", retry=False)
        deadline = time.monotonic() + WITHIN
        while _left():  # seldom: asking takes the worker's time
            assert time.monotonic() < deadline, work.logged("worker")[-2000:]
            time.sleep(0.25)
        ours.append(_per_second(host))
    work.kill("worker")
    ratio = median(a / b for a, b in zip(ours, plain, strict=True))
    what = f"{mails:,} mails: one worker beside a plain smtplib loop"
    table.add(Line(what, f"{median(ours):.0f}/s", f"{median(plain):.0f}/s", ratio, ">= 0.7"))


def _per_second(host: Mailhost) -> float:
    times = [at for _id, at in host.arrived()]
    return (len(times) - 1) / (max(times) - min(times))


def _pages(table: Table, work: Background) -> None:
    """A page that queues a mail, with a broker that answers and with one that hangs."""
    celery._publisher = Publisher(lambda task, **how: _publish(work, task, **how))
    account = Account.objects.create(username="root", role="administrator", is_superuser=True)
    client = Client()
    client.force_login(account)
    _queue(1)
    message = Message.objects.get()
    done = {"state": State.FAILED, "attempts": 1, "finished_at": message.created_at}

    def page(sent: signal.Signals) -> None:
        Message.objects.update(**done)
        work.signal("queue", sent)
        assert client.post(f"/settings/server/mail/outbox/{message.pk}/retry/").status_code == 302

    turns = {"fine": lambda: page(signal.SIGCONT), "hangs": lambda: page(signal.SIGSTOP)}
    times = in_turns(turns, rounds=100)
    work.signal("queue", signal.SIGCONT)
    ratio = times["hangs"] / times["fine"]
    table.add(Line("A page that mails while the broker hangs", ms(times["hangs"]), ms(times["fine"]), ratio, "<= 1.2"))


def _chaos(table: Table, host: Mailhost, work: Background, socket: str, mails: int, kills: int, transport: str) -> None:
    """Kills of workers and of the processes in them at random, the broker killed, flushed and hung, the database
    restarted; until every row says sent."""
    host.arrived(delay=0.03)  # so that the kills hit workers that send
    dice, killed = random.Random(3), 0
    _queue(mails)
    trouble = {
        kills // 5: lambda: work.client.flushall(),
        2 * kills // 5: lambda: (work.kill("queue"), work.start("queue")),
        3 * kills // 5: lambda: restart(socket),
        4 * kills // 5: lambda: work.signal("queue", signal.SIGSTOP),
        4 * kills // 5 + 3: lambda: work.signal("queue", signal.SIGCONT),
    }
    work.start("worker")
    work.start("beat")
    deadline = time.monotonic() + WITHIN
    while _left():
        assert time.monotonic() < deadline, f"{Message.objects.exclude(state=State.SENT).count()} mails are left"
        if not _left():
            break
        if killed < kills:
            time.sleep(dice.uniform(0.05, 0.6))
            if dice.random() < 0.1:
                work.kill("worker")
                work.start("worker")
                killed += 1
            else:
                killed += work.kill_pool_process()
            if happens := trouble.pop(killed, None):
                happens()
        else:
            work.tend()
            time.sleep(0.2)
    for name in ("worker", "beat"):
        work.kill(name)
    arrived = Counter(found for found, _at in host.arrived())
    lost = len(set(Message.objects.values_list("message_id", flat=True)) - set(arrived))
    twice = sum(arrived.values()) - len(arrived)
    what = f"{mails:,} mails, {killed} kill -9, broker and database as well ({transport})"
    table.add(Line(f"{what}: lost", str(lost), "", float(lost), "<= 0", unit=""))
    table.add(Line(f"{what}: sent twice", str(twice), f"{killed} kills", float(twice), f"<= {killed}", unit=""))
