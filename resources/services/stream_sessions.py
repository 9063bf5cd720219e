"""Opening, ending and closing stream sessions: a streamer says what happened, people ask it to end one."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import fold
from audit.events import event
from audit.services import change, record
from resources.models import Grant, Resource, StreamSession
from resources.models.stream_session import Cause, Direction
from resources.roles import Action, Decision, Kind, decide
from resources.services.resources import create
from resources.services.rules import Gone, MayNotCreate, check, fresh, may_create

END_ASKED = event("stream_session.end_asked", gettext_lazy("End of a stream session asked for"))
CLOSED = event("stream_session.closed", gettext_lazy("Stream session closed"))
REOPENED = event("stream_session.reopened", gettext_lazy("Stream session reported again"))
PURGED = event("stream_session.purged", gettext_lazy("Old stream sessions removed"))

LOST_AFTER = timedelta(minutes=10)  # without a report
KEPT = timedelta(days=365)  # after they were closed
BATCH = 500


class AlreadyClosed(Refused):
    status = 409
    message = gettext_lazy("This session has already ended.")


class IdUsed(Refused):
    status = 409
    message = gettext_lazy("This id was that of another session, which is over or of another user. Send a new id.")


def open_session(
    stream: Resource, *, name: str = "", who: str = "", actor: Actor, **facts: Any
) -> tuple[Resource, bool]:
    """A use of the stream that begins; the same one when it is reported again. Tells whether it is new.

    ``name`` is what the streamer calls it, ``who`` the username; the account of that name becomes its Administrator if
    it may make sessions of this stream. ``facts``: address, protocol, direction. Raises IdUsed for a name whose
    session is over or another's, MayNotCreate, Gone.
    """
    failure = None
    with transaction.atomic():
        parent = fresh(stream)
        if parent.kind != Kind.STREAM:
            raise MayNotCreate
        known = Resource.objects.children_of([parent.pk]).of_kind(Kind.SESSION).filter(name_key=fold(name))
        found = known.select_related("stream_session").first() if name else None
        if found is not None:
            if not _is_same(found.stream_session, who, facts, actor):
                raise IdUsed
            _seen_again(found.stream_session, actor)
            return found, False
        try:
            made = _make(parent, name, who, facts, actor)
        except Refused as refusal:
            failure = refusal  # raised outside, or its record in the audit log would be undone
    if failure:
        raise failure
    return made, True


def _make(stream: Resource, name: str, who: str, facts: dict[str, Any], actor: Actor) -> Resource:
    account = _account_of(who, actor)
    who = account.username if account else who
    label = who or facts.get("address") or _("Somebody")
    made = Resource(kind=Kind.SESSION, parent=stream, name=name, title=f"{label} · {stream.name}"[:200])
    part = StreamSession(account=account, last_seen_at=actor.at)
    owner = account if account and may_create(Actor(account=account, at=actor.at), Kind.SESSION, stream) else None
    return create(made, part, {"who": who, **facts}, actor, owner=owner)


def _is_same(session: StreamSession, who: str, facts: dict[str, Any], actor: Actor) -> bool:
    """Is this the use that is still known, or a later one under its name? Nobody is let in as whoever came before."""
    account = _account_of(who, actor)
    same = session.account == account and (account is not None or fold(session.who) == fold(who))
    same = same and session.direction == facts.get("direction", Direction.PLAY)
    return same and (session.is_open or session.may_come_back(actor.at))


def _account_of(who: str, actor: Actor) -> Account | None:
    """Whose use it is: of who asks, or of the account that a streamer names."""
    return actor.account if isinstance(actor.account, Account) else Account.objects.named(who).first()


def _seen_again(session: StreamSession, actor: Actor) -> None:
    """What was given up for lost is open again when its streamer reports it."""
    session.last_seen_at = max(session.last_seen_at, actor.at)
    if session.cause == Cause.LOST:
        session.closed_at, session.cause = None, Cause.OPEN
        record(REOPENED, actor=actor, target=session.resource)
    session.save(update_fields=["last_seen_at", "closed_at", "cause"])


def verdict(session: StreamSession, stream: Resource, *, at: datetime) -> Decision | None:
    """What the session's account may do with the stream; None where no account is known."""
    if session.account is None:
        return None
    return verdicts([session], {session.pk: stream.pk}, at=at)[session.pk]


def verdicts(sessions: Iterable[StreamSession], streams: dict[int, int], *, at: datetime) -> dict[int, Decision]:
    """The same for many, each with the id of its stream, with one query. Only those with an account."""
    rows = [(session.pk, session.account, streams[session.pk]) for session in sessions if session.account]
    wanted = Grant.objects.of_accounts({account.pk for _pk, account, _stream in rows})
    grants = {
        (grant.account_id, grant.resource_id): grant
        for grant in wanted.filter(resource__in={stream for _pk, _account, stream in rows})
    }
    return {pk: decide(account, Kind.STREAM, grants.get((account.pk, stream)), at=at) for pk, account, stream in rows}


def end_session(resource: Resource, *, actor: Actor) -> StreamSession:
    """Ask the streamer to end it: told at its next contact, closed when it says so. Raises AlreadyClosed, MayNot, Gone.

    Asked once; asking again changes nothing.
    """
    with change(END_ASKED, actor=actor, target=resource) as entry:
        current = fresh(resource)
        check(actor, current, Action.EDIT)
        session = current.stream_session
        if not session.is_open:
            raise AlreadyClosed
        entry.silent = session.is_ending
        if not session.is_ending:
            ask_end(session, Cause.ENDED, actor=actor)
    return session


def ask_end(session: StreamSession, cause: Cause, *, actor: Actor) -> None:
    """Within the caller's transaction and entry."""
    session.end_asked_at, session.end_asked_for = actor.at, cause.value
    session.end_asked_by_name = actor.names if cause == Cause.ENDED else ""
    session.save(update_fields=["end_asked_at", "end_asked_for", "end_asked_by_name"])


def close_session(resource: Resource, cause: Cause, *, sent: int, actor: Actor) -> StreamSession:
    """It is over. Where its end was asked for, that is the cause. Said twice, the first counts. Raises Gone."""
    with change(CLOSED, actor=actor, target=resource) as entry:
        session = fresh(resource).stream_session
        entry.silent = not session.is_open
        if session.is_open:
            session.closed_at, session.last_seen_at = actor.at, actor.at
            session.cause = session.end_asked_for or cause.value
            session.bytes = max(session.bytes, sent)
            entry.details |= {"cause": session.cause, "bytes": session.bytes}
            session.save(update_fields=["closed_at", "last_seen_at", "cause", "bytes"])
    return session


def give_up_lost(*, now: datetime) -> int:
    """Close those that no streamer has reported for ten minutes: what became of them is not known. Returns how many."""
    closed = 0
    while True:
        with transaction.atomic():
            rows = StreamSession.objects.unseen(now, LOST_AFTER).select_related("resource").order_by("last_seen_at")
            batch = list(rows.select_for_update(of=("self",), skip_locked=True)[:BATCH])
            for session in batch:
                record(
                    CLOSED,
                    actor=Actor.system("sessions"),
                    target=session.resource,
                    cause=Cause.LOST.value,
                    last_seen_at=session.last_seen_at,
                )
            StreamSession.objects.filter(pk__in=[session.pk for session in batch]).update(
                closed_at=now, cause=Cause.LOST
            )
        closed += len(batch)
        if len(batch) < BATCH:
            return closed


def purge_sessions(*, now: datetime, kept: timedelta = KEPT) -> int:
    """Remove those that were closed long ago and that no recording came from. Returns how many."""
    removed = 0
    old = Resource.objects.of_kind(Kind.SESSION).filter(stream_session__closed_at__lt=now - kept, children__isnull=True)
    while batch := list(old.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            Resource.objects.filter(pk__in=batch).delete()
            record(PURGED, actor=Actor.system("sessions"), removed=len(batch), older_than_days=kept.days)
        removed += len(batch)
    return removed


def session_of(streamer: int, pk: int) -> Resource:
    """A session of this streamer. Raises Gone."""
    rows = Resource.objects.of_kind(Kind.SESSION).filter(pk=pk, parent__parent=streamer)
    found = rows.select_related("stream_session", "parent").first()
    if found is None:
        raise Gone
    return found
