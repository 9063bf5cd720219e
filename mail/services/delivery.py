"""Sending what is queued: claim, hand over, write down. Any number of workers may do it at once.

What can be guaranteed, and what can't: a row is taken by one worker at a time, for as long as its lease lasts, and each
answer is written down before the next mail is handed over. When a worker dies after the server's "250" and before that
UPDATE is committed, the mail is sent again: SMTP has no way to ask whether a mail arrived (RFC 5321, 4.5.3.2.6; RFC
1047). So a kill costs at most one duplicate, with the same Message-ID, by which most mailboxes drop the second one; and
it never costs a mail. The same holds for a worker that was frozen for longer than its lease.
"""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from agora.base.models import Unreadable
from mail.models import MailSettings, Message, State
from mail.services.messages import ascii_address, domain_of
from mail.smtp import PATIENCE, Connection, Rejected, Server, Unreachable
from settings_admin.models import ServerSettings

BATCH = 50  # mails that one worker takes at once
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)

logger = logging.getLogger(__name__)


@dataclass
class Batch:
    """Mails that this worker holds: ``lease`` is its mark on the rows, ``until`` ends it on the monotonic clock."""

    server: Server
    lease: str = field(default_factory=lambda: uuid.uuid4().hex)
    rows: list[Message] = field(default_factory=list)
    until: float = 0.0

    @property
    def length(self) -> float:
        """Seconds of a lease: one mail, however slow, ends well within it."""
        return settings.MAIL_LEASE + PATIENCE * self.server.timeout

    def extended(self) -> datetime:
        self.until = time.monotonic() + self.length
        return timezone.now() + timedelta(seconds=self.length)


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
    while rows:
        if time.monotonic() > deadline:
            _give_back(batch, rows)
            break
        if not _still_ours(batch, rows):
            break
        row = rows.pop()
        try:
            if kept is None or not kept.usable:
                kept = _connect(batch.server)
        except (Rejected, Unreachable) as trouble:
            for one in (row, *rows):  # the same would happen to each
                _write_down(batch, one, trouble)
            return None
        _hand_over(batch, row, kept)
    return kept


def _connect(server: Server) -> Connection:
    made = Connection(server, name=domain_of(ServerSettings.load()))
    try:
        made.open()
    except BaseException:
        made.close()
        raise
    return made


def _hand_over(batch: Batch, row: Message, to: Connection) -> None:
    if isinstance(row.content, Unreadable) or not row.content:
        _write_down(batch, row, Rejected(554, _("The text can't be read with this encryption key; it was not sent.")))
        return
    content = f"From: {batch.server.sender}\r\n{row.content}".encode("ascii")
    try:
        answer = to.deliver(ascii_address(row.recipient), content)
    except (Rejected, Unreachable) as trouble:
        _write_down(batch, row, trouble)
    except Exception as error:  # one mail must not stand in the way of the others
        logger.exception("%s could not be handed over", row)
        to.close()
        _write_down(batch, row, Unreachable(f"{type(error).__name__}: {error}"))
    else:
        _write_down(batch, row, answer)


def _write_down(batch: Batch, row: Message, outcome: str | Rejected | Unreachable) -> None:
    """What became of it, if it is still ours. While the database is away it is tried until the lease ends."""
    now, attempts, text = timezone.now(), row.attempts + 1, str(outcome)[:2_000]
    answers = [*row.answers, {"at": now.isoformat(timespec="seconds"), "answer": text}][-50:]
    ours = Message.objects.filter(pk=row.pk, lease=batch.lease)
    change = {"attempts": attempts, "answer": text, "answers": answers, "lease": ""}
    if isinstance(outcome, str):
        change |= {"state": State.SENT, "content": "", "finished_at": now}
    elif (isinstance(outcome, Rejected) and outcome.permanent) or now >= row.give_up_at:
        change |= {"state": State.FAILED, "finished_at": now}
        logger.warning("%s was not sent: %s", row, text)
    else:
        change |= {"state": State.QUEUED, "next_at": min(now + delay_after(attempts), row.give_up_at)}
    _while_ours(batch, lambda: ours.update(**change))


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
