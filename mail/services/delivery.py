"""Sending what is queued: claim, hand over, write down. Any number of workers may do it at once.

What can be guaranteed, and what can't: a row is taken by one worker at a time, for as long as its lease lasts, and each
answer is written down before the next mail is handed over. When a worker dies after the server's "250" and before that
UPDATE is committed, the mail is sent again: SMTP has no way to ask whether a mail arrived (RFC 5321, 4.5.3.2.6; RFC
1047). So a kill costs at most one duplicate, with the same Message-ID, by which most mailboxes drop the second one; and
it never costs a mail. The same holds for a worker that was frozen for longer than its lease. A crash of PostgreSQL
(not a restart) may forget the outcomes of its last half second, at most of one batch, and these mails are sent again.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakSet

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agora.base.models import Unreadable
from mail.models import MailSettings, Message, State
from mail.services.messages import ascii_address, domain_of
from mail.smtp import PATIENCE, Connection, Rejected, Server, Unreachable
from settings_admin.models import ServerSettings

BATCH = 100  # mails that one worker takes at once
FEW = 5  # mails whose outcomes are each on the disk before the next one is handed over
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)

WRITE_SENT = (
    "UPDATE mail_message SET state = 'sent', content = '', lease = '', finished_at = {}, attempts = {}, answer = {}, "
    "answers = {} WHERE id = {} AND lease = {}"
)
PREPARE_SENT = "PREPARE mail_sent AS " + WRITE_SENT.format("$1", "$2", "$3", "$4", "$5", "$6")
PLACES = ["%s"] * 6

logger = logging.getLogger(__name__)
_prepared: WeakSet[Any] = WeakSet()  # the driver's connections on which PostgreSQL knows the statement

Outcome = str | Rejected | Unreachable  # a text is the server's yes


@dataclass
class Batch:
    """Mails that this worker holds: ``lease`` is its mark on the rows, ``until`` ends it on the monotonic clock.

    ``noted`` is the outcome that is not written down yet. There is never more than one, and it is written before the
    next mail is handed over: while the server thinks about that one's sender, which costs no time.
    """

    server: Server
    lease: str = field(default_factory=lambda: uuid.uuid4().hex)
    rows: list[Message] = field(default_factory=list)
    until: float = 0.0
    noted: tuple[Message, Outcome] | None = None

    @property
    def length(self) -> float:
        """Seconds of a lease: one mail, however slow, ends well within it."""
        return float(settings.MAIL_LEASE) + PATIENCE * self.server.timeout

    def extended(self) -> datetime:
        self.until = time.monotonic() + self.length
        return timezone.now() + timedelta(seconds=self.length)

    def settle(self) -> None:
        if self.noted is not None:
            row, outcome = self.noted
            _write_down(self, row, outcome)
            self.noted = None


def drain(*, seconds: float) -> bool:
    """Send what is due, for about so long. True when there may be more: call again."""
    deadline, kept = time.monotonic() + seconds, None
    try:
        while (server := _server()) is not None:
            if kept is not None and (kept.server != server or not kept.usable):
                kept.close()
                kept = None
            batch = _claim(server)
            if not batch.rows:
                return False
            with _relaxed(len(batch.rows)):
                kept = _send(batch, kept, deadline)
            if time.monotonic() > deadline:
                return True
        return False
    finally:
        if kept is not None:
            kept.close()


def _server() -> Server | None:
    """Where to; while mail is off what is queued waits for a day."""
    server = MailSettings.load().server
    if server is None:
        now = timezone.now()
        Message.objects.due(now).filter(give_up_at__lte=now).update(
            state=State.FAILED, lease="", finished_at=now, answer=_("Mail was off for a day.")
        )
    return server


def _claim(server: Server) -> Batch:
    """Take the oldest due rows for as long as the lease lasts; nobody else gets them meanwhile."""
    batch, now = Batch(server), timezone.now()
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        due = Message.objects.due(now).order_by("next_at", "pk").select_for_update(skip_locked=skip)
        batch.rows = list(due[:BATCH])
        if batch.rows:
            taken = Message.objects.filter(pk__in=[row.pk for row in batch.rows])
            taken.update(state=State.SENDING, lease=batch.lease, next_at=batch.extended())
    return batch


def _send(batch: Batch, kept: Connection | None, deadline: float) -> Connection | None:
    """Hand the batch over; returns the connection if it can be used again."""
    rows = list(reversed(batch.rows))
    try:
        while rows:
            if time.monotonic() > deadline:
                _give_back(batch, rows)
                break
            if not _still_ours(batch, rows):
                break
            if kept is None or not kept.usable:
                batch.settle()
                kept = _connect(batch, rows)
                if kept is None:
                    break
            row = rows.pop()
            outcome = _hand_over(batch, row, kept)
            batch.settle()  # unless that was done meanwhile
            batch.noted = row, outcome
    finally:
        batch.settle()
    return kept


@contextmanager
def _relaxed(mails: int) -> Iterator[None]:
    """Many mails: their outcomes need not wait for the disk one by one. They are in the database's memory at once, so
    that a killed worker changes nothing; the claim of the next batch brings them to the disk."""
    if mails <= FEW or connection.vendor != "postgresql":  # SQLite in WAL mode never waits for the disk here
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    try:
        yield
    finally:
        try:
            with connection.cursor() as cursor:
                cursor.execute("RESET synchronous_commit")
        except DatabaseError:
            connection.close()  # a new connection begins with the server's own setting


def _connect(batch: Batch, rows: list[Message]) -> Connection | None:
    """A new conversation; None when there is none to be had, which is then written down for all the rows."""
    made = Connection(batch.server, name=domain_of(ServerSettings.load()))
    try:
        made.open()
    except (Rejected, Unreachable) as trouble:
        made.close()
        for row in rows:  # the same would happen to each
            _write_down(batch, row, trouble)
        return None
    return made


def _hand_over(batch: Batch, row: Message, to: Connection) -> Outcome:
    if isinstance(row.content, Unreadable) or not row.content:
        return Rejected(554, _("The text can't be read with this encryption key; it was not sent."))
    content = f"From: {batch.server.sender}\r\n{row.content}".encode("ascii")
    try:
        return to.deliver(ascii_address(row.recipient), content, meanwhile=batch.settle)
    except (Rejected, Unreachable) as trouble:
        return trouble
    except DatabaseError:
        raise
    except Exception as error:  # one mail must not stand in the way of the others
        logger.exception("%s could not be handed over", row)
        to.close()
        return Unreachable(batch.server.masked(f"{type(error).__name__}: {error}"))


def _write_down(batch: Batch, row: Message, outcome: Outcome) -> None:
    """What became of it, if it is still ours. While the database is away it is tried until the lease ends."""
    now, attempts, text = timezone.now(), row.attempts + 1, str(outcome)[:2_000]
    answers = [*row.answers, {"at": now.isoformat(timespec="seconds"), "answer": text}][-50:]
    if isinstance(outcome, str):
        _while_ours(batch, lambda: _write_sent(now, attempts, text, json.dumps(answers), row.pk, batch.lease))
        return
    ours = Message.objects.filter(pk=row.pk, lease=batch.lease)
    change = {"attempts": attempts, "answer": text, "answers": answers, "lease": ""}
    if (isinstance(outcome, Rejected) and outcome.permanent) or now >= row.give_up_at:
        change |= {"state": State.FAILED, "finished_at": now}
        logger.warning("%s was not sent: %s", row, text)
    else:
        change |= {"state": State.QUEUED, "next_at": min(now + delay_after(attempts), row.give_up_at)}
    _while_ours(batch, lambda: ours.update(**change))


def _write_sent(now: datetime, *values: str | int) -> None:
    """One of these for each mail: composing it anew through the ORM takes twice the time of the mail itself, and
    planning it anew as long as writing it (see ``agora.base.prepared``)."""
    sent = [connection.ops.adapt_datetimefield_value(now), *values]
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute(WRITE_SENT.format(*PLACES), sent)
            return
        if connection.connection not in _prepared:
            cursor.execute(PREPARE_SENT)
            _prepared.add(connection.connection)
        cursor.execute(f"EXECUTE mail_sent ({', '.join(PLACES)})", sent)


def delay_after(attempts: int) -> timedelta:
    """30 s, 1, 2, 4 … 32 minutes, then every hour (RFC 5321, 4.5.4.1, wants at least 30 minutes in the long run)."""
    doubled: timedelta = FIRST_DELAY * 2 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_DELAY)


def _still_ours(batch: Batch, rows: list[Message]) -> bool:
    """Renews the lease when it would end before one more slow mail; drops rows that somebody else has."""
    left = batch.until - time.monotonic()
    if left > batch.length / 2:
        return True
    if left <= 0:  # frozen for so long: the rows are somebody else's by now
        return False
    ours = Message.objects.filter(pk__in=[row.pk for row in rows], lease=batch.lease)
    renewed = batch.extended()
    if ours.update(next_at=renewed) != len(rows):
        kept = set(ours.values_list("pk", flat=True))
        rows[:] = [row for row in rows if row.pk in kept]
    return bool(rows)


def _give_back(batch: Batch, rows: list[Message]) -> None:
    """What this worker will not get to; the next look finds it at once."""
    ours = Message.objects.filter(pk__in=[row.pk for row in rows], lease=batch.lease)
    ours.update(state=State.QUEUED, lease="", next_at=timezone.now())


def _while_ours(batch: Batch, write: Callable[[], object]) -> None:
    """A database that restarts must not make a sent mail look unsent."""
    pause = 0.1
    while True:
        try:
            write()
            return
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() + pause > batch.until:
                raise
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
