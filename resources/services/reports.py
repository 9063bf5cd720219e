"""What a streamer reports at each heartbeat, and what it is told in return."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from agora.base.actor import Actor
from agora.base.models import fold
from audit.services import record
from resources.models import Input, Push, Stream, Streamer, StreamSession
from resources.models.stream_session import Cause
from resources.roles import Decision
from resources.services.stream_sessions import END_ASKED, REOPENED, ask_end, verdicts

LOAD = ("running_streams", "configured_streams", "clients", "cpu", "disk")
OF_STREAM = ("state", "input_bitrate", "output_bitrate", "clients", "problem")
BATCH = 500


@dataclass(frozen=True)
class StreamReport:
    """One stream by its system name: its ``OF_STREAM``, and the states of its inputs and pushes by their ids."""

    values: Mapping[str, Any]
    inputs: Mapping[int, str] = field(default_factory=dict)
    pushes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """The ids of the sessions that the streamer shall end, and of those that it named and that are not open here."""

    end: list[int]
    unknown: list[int]


def heartbeat(
    streamer: Streamer,
    load: Mapping[str, Any],
    streams: Mapping[str, StreamReport],
    sessions: Mapping[int, int],
    *,
    actor: Actor,
) -> Told:
    """Write down how the streamer, its streams and its sessions (id to bytes) are. What it did not name stays."""
    with transaction.atomic():
        known = {name: load[name] for name in LOAD}
        Streamer.objects.filter(pk=streamer.pk).update(**known, contact_at=actor.at, reported_at=actor.at)
        _note_streams(streamer, streams, actor)
        seen = _note_sessions(streamer, sessions, actor)
        open_ones = StreamSession.objects.of_streamer(streamer.pk).open()
        named = open_ones.filter(account__isnull=False, end_asked_at__isnull=True)
        _withdraw(list(named.select_related("account", "resource")), actor)
        end = list(open_ones.to_end().order_by("pk").values_list("pk", flat=True))
    return Told(end, sorted(set(sessions) - seen))


def _note_streams(streamer: Streamer, reports: Mapping[str, StreamReport], actor: Actor) -> None:
    if not reports:
        return
    found = list(Stream.objects.of_streamer(streamer.pk))
    said_of = {fold(name): report for name, report in reports.items()}
    rows = [stream for stream in found if stream.resource.name_key in said_of]
    for stream in rows:
        for name, value in said_of[stream.resource.name_key].values.items():
            setattr(stream, name, value)
        stream.reported_at = actor.at
    Stream.objects.bulk_update(rows, [*OF_STREAM, "reported_at"], batch_size=BATCH)
    for model, part in ((Input, "inputs"), (Push, "pushes")):
        said = {pk: state for stream in rows for pk, state in getattr(said_of[stream.resource.name_key], part).items()}
        ends: Sequence[Any] = list(model.objects.of_streamer(streamer.pk)) if said else []
        differ = [end for end in ends if end.state != said.get(end.pk, end.state)]
        for end in differ:
            end.state = said[end.pk]
        model._default_manager.bulk_update(differ, ["state"], batch_size=BATCH)


def _note_sessions(streamer: Streamer, sessions: Mapping[int, int], actor: Actor) -> set[int]:
    """Returns the ids that are open here. What was given up for lost is open again."""
    if not sessions:
        return set()
    rows = StreamSession.objects.of_streamer(streamer.pk).open_or_lost(actor.at).select_related("resource")
    # Locked, or one that is closed at this moment would be written back as open.
    found = [one for one in rows.select_for_update(of=("self",)).order_by("pk") if one.pk in sessions]
    StreamSession.objects.seen({one.pk: max(sessions[one.pk], one.bytes) for one in found}, actor.at)
    again = [session for session in found if not session.is_open]
    for session in again:
        session.closed_at, session.cause = None, Cause.OPEN
        record(REOPENED, actor=actor, target=session.resource)
    StreamSession.objects.bulk_update(again, ["closed_at", "cause"], batch_size=BATCH)
    return {session.pk for session in found}


def _withdraw(sessions: list[StreamSession], actor: Actor) -> None:
    """Ask for the end of those whose account may no longer do it: locked, demoted, its grant ended."""
    streams = {session.pk: session.resource.parent_id or 0 for session in sessions}
    decisions = verdicts(sessions, streams, at=actor.at)
    system = Actor.system("sessions")
    for session in sessions:
        if not decisions[session.pk].allows(session.asks):
            withdraw(session, decisions[session.pk], actor=system)


def withdraw(session: StreamSession, decision: Decision, *, actor: Actor) -> None:
    """Ask for the end of one whose account may not play or publish the stream; the entry says which fact decided."""
    with transaction.atomic():
        ask_end(session, Cause.NOT_ALLOWED, actor=actor)
        record(END_ASKED, actor=actor, target=session.resource, cause=Cause.NOT_ALLOWED.value, why=decision.sentence)
