"""Every end of a sign-in session."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.prepared import NUMBER, Prepared, stand_in
from agora.base.writing import PreparedUpdate
from audit.events import event
from audit.services import change, record
from sessions_admin.elevations import end_of_sessions, write_down_overdue
from sessions_admin.models import Cause, Session, SessionQuerySet

if TYPE_CHECKING:
    from accounts.models import Account

CLOSED = event("session.closed", _("Session ended"))
ENDED_ALL = event("session.ended_all", _("All sessions of an account ended"))
PURGED = event("session.purged", _("Old sessions removed"))

KEPT = timedelta(days=365)
VISITORS_KEPT = timedelta(days=1)
BATCH = 500  # sessions that one transaction of a purge writes down


_not_closed_of = Prepared(
    "agora_not_closed_of",
    lambda: Session.objects.of_account(NUMBER).not_closed().with_limits().select_related(None).with_elevated(),
)
_close_all_of = PreparedUpdate(
    "agora_close_all_of",
    lambda: Session.objects.of_account(NUMBER).not_closed().exclude(pk=stand_in(int, 1)),
    *("closed_at", "cause", "data", "closed_by_id", "closed_by_name"),
)


class AlreadyClosed(Refused):
    """The session ended before: there is nothing left to end."""

    status = 409
    message = _("This session has already ended.")


def end_session(session: Session, *, actor: Actor, cause: Cause = Cause.ENDED, batch: str = "") -> None:
    """End one session; its next request is refused. Raises AlreadyClosed."""
    for row in Session.objects.not_closed().with_limits().filter(pk=session.pk):
        _write_down_if_past(row, actor.at)
    details = {"account": _name(session), "cause": cause} | ({"batch": batch} if batch else {})
    with change(CLOSED, actor=actor, target=session, **details):
        if not _close(Session.objects.filter(pk=session.pk), cause=cause, actor=actor):
            raise AlreadyClosed


def end_all_sessions(
    account: "Account", *, actor: Actor, cause: Cause = Cause.ENDED, but: int | None = None, batch: str = ""
) -> int:
    """End every session of an account (but one) as an act of its own; returns how many. One entry, also for none."""
    details = {"cause": cause} | ({"batch": batch} if batch else {})
    with change(ENDED_ALL, actor=actor, target=account, **details) as entry:
        ended = end_sessions_of(account.pk, cause=cause, actor=actor, but=but)
        entry.details["sessions_ended"] = ended
    return ended


def end_sessions_of(account_id: int, *, cause: Cause, actor: Actor, but: int | None = None) -> int:
    """End all sessions of an account (but one), with one UPDATE; returns how many.

    The caller's own entry tells why (locked, password changed …); with cause ENDED use ``end_all_sessions``. Those that
    a limit ended before, unnoticed, are not among them and keep that cause.
    """
    rows = [row for row in _not_closed_of.all(account_id) if row.pk != but]
    for row in rows:
        _write_down_if_past(row, actor.at)
    if elevated := [row.pk for row in rows if row.elevated]:
        end_of_sessions(elevated, actor=actor, at=actor.at)
    return _close_all_of(account_id, but or 0, **_ended(cause, actor, actor.at))


def _close(rows: SessionQuerySet, *, cause: Cause, actor: Actor, at: datetime | None = None) -> int:
    moment = at or actor.at
    end_of_sessions(rows.not_closed().order_by().values("pk"), actor=actor, at=moment)
    return rows.not_closed().update(**_ended(cause, actor, moment))


def _ended(cause: Cause, actor: Actor, at: datetime) -> dict[str, Any]:
    """What is written in a session that ends."""
    who = actor.accountable
    return {
        "closed_at": at,
        "cause": cause,
        "data": "",
        "closed_by_id": who.pk if who else None,
        "closed_by_name": (who.get_username() if who else actor.name)[:150],
    }


def _write_down_if_past(session: Session, now: datetime) -> None:
    """The session, read ``with_limits``, ended when it passed one, whoever ends it now."""
    if cause := session.past(now, idle=session.idle_limit, absolute=session.absolute_limit):
        write_down_limit(session, cause)


def write_down_limit(session: Session, cause: Cause) -> None:
    """A session, read ``with_limits``, was found past one: it ended when it passed it, not when that was noticed."""
    ended = session.ends_at(idle=session.idle_limit, absolute=session.absolute_limit)
    with transaction.atomic():
        closed = _close(Session.objects.filter(pk=session.pk), cause=cause, actor=(actor := Actor.system()), at=ended)
        if closed and session.account_id:
            record(CLOSED, actor=actor, target=session, account=_name(session), cause=cause, ended_at=ended)


def purge_sessions(*, now: datetime, kept: timedelta = KEPT) -> dict[str, int]:
    """Write down sessions past their limits, remove closed ones after ``kept`` and abandoned visits after a day."""
    counts = {Cause.ABSOLUTE.value: 0, Cause.IDLE.value: 0, "elevations": write_down_overdue(now=now)}
    past, last = Session.objects.past_limits(now).with_limits().order_by("pk"), 0
    while batch := list(past.filter(pk__gt=last)[:BATCH]):
        with transaction.atomic():
            for session in batch:
                if cause := session.past(now, idle=session.idle_limit, absolute=session.absolute_limit):
                    write_down_limit(session, cause)
                    counts[cause.value] += 1
        last = batch[-1].pk
    counts["visitors"], _rows = Session.objects.filter(
        account__isnull=True, last_seen_at__lt=now - VISITORS_KEPT
    ).delete()
    with transaction.atomic():
        counts["removed"], _rows = Session.objects.closed().filter(closed_at__lt=now - kept).delete()
        if counts["removed"]:
            record(PURGED, actor=Actor.system("purge-sessions"), removed=counts["removed"], older_than_days=kept.days)
    return counts


def _name(session: Session) -> str:
    return session.account.get_username() if session.account else ""
