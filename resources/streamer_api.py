"""The streamer's own API: it comes with its configuration key, pulls its configuration and reports what happens.

It can name only its own streams and what belongs to them; anything else is not there (404).
"""

from datetime import timedelta

from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from accounts.names import validate_name
from agora.base.access import machine
from agora.base.http import Request
from resources.bodies import received
from resources.models import Resource, Streamer, StreamSession
from resources.models.stream_session import Cause
from resources.services import recordings, reports, stream_sessions
from resources.services.rules import Gone
from resources.streamer_schemas import (
    Configuration,
    Heartbeat,
    RecordingDone,
    RecordingIn,
    RecordingOut,
    SessionClosed,
    SessionIn,
    SessionOut,
    Told,
)
from rest.answers import etag, one
from rest.errors import Invalid
from rest.routes import problems, tagged

router = Router(tags=["Streamer"])


@router.get(
    "configuration", response=Configuration, operation_id="read_configuration", summary="Pull the configuration"
)
@machine("streamer")
@tagged
def read_configuration(request: Request) -> HttpResponse:
    """Streams with their inputs and pushes, devices, the edit credential. Send the ETag as If-None-Match next time."""
    return one(request, Configuration.of(streamer_of(request)))


@router.post("heartbeat", response=Told, operation_id="heartbeat", summary="Report how you are")
@machine("streamer")
def heartbeat(request: Request, data: Heartbeat) -> HttpResponse:
    """At least once a minute: two minutes without a contact are shown as no contact."""
    streamer = streamer_of(request)
    same = ("state", "input_bitrate", "output_bitrate", "clients", "problem")
    streams = {
        stream.name: reports.StreamReport(
            {name: getattr(stream, name) for name in same},
            inputs={end.id: end.state for end in stream.inputs},
            pushes={end.id: end.state for end in stream.pushes},
        )
        for stream in data.streams
    }
    sessions = {session.id: session.bytes for session in data.sessions}
    told = reports.heartbeat(
        streamer, data.model_dump(include=set(reports.LOAD)), streams, sessions, actor=request.actor
    )
    answer = Told(configuration=etag(Configuration.of(streamer)), end=told.end, unknown=told.unknown)
    return one(request, answer)


@router.post(
    "sessions", response={200: SessionOut, 201: SessionOut}, operation_id="open_stream_session",
    summary="Report a session that began",
)  # fmt: skip
@machine("streamer")
@problems(404, 409)
def open_session(request: Request, data: SessionIn) -> HttpResponse:
    """Answered with whether its user may see the stream, or edit it to publish; where not, end it: the heartbeat asks
    for it, too. Sent again, an open one is told again; 409 where its id was used for one that is over or another's."""
    without_unseen(user=data.user)
    stream = stream_of(request, data.stream)
    resource, new = stream_sessions.open_session(
        stream,
        name=data.id,
        who=data.user,
        address=str(data.address) if data.address else None,
        protocol=data.protocol,
        direction=data.direction,
        actor=request.actor,
    )
    return session_answer(request, resource, stream, status=201 if new else 200)


@router.post(
    "sessions/{int:pk}/close", response=SessionOut, operation_id="close_stream_session",
    summary="Report a session that ended",
)  # fmt: skip
@machine("streamer")
@problems(409)
def close_session(request: Request, pk: int, data: SessionClosed) -> HttpResponse:
    """Where its end was asked for, that is recorded as the cause. Sent again, the first counts."""
    resource = session_of(request, pk)
    stream_sessions.close_session(resource, Cause(data.cause), sent=data.bytes, actor=request.actor)
    assert resource.parent is not None
    return session_answer(request, resource, resource.parent, status=200)


@router.post(
    "recordings", response={200: RecordingOut, 201: RecordingOut}, operation_id="start_recording",
    summary="Report a recording that began",
)  # fmt: skip
@machine("streamer")
@problems(404, 409)
def start_recording(request: Request, data: RecordingIn) -> HttpResponse:
    """Of a stream, or of one of its sessions."""
    without_unseen(title=data.title)
    parent = stream = stream_of(request, data.stream)
    if data.session is not None:
        parent = session_of(request, data.session)
        if parent.parent_id != stream.pk:
            raise Http404
    made, new = recordings.start_recording(parent, data.id, title=data.title, actor=request.actor)
    return one(request, RecordingOut.of(made), status=201 if new else 200)


@router.put(
    "recordings/{int:pk}/file", response=RecordingOut, operation_id="send_recording", summary="Hand over the file"
)
@machine("streamer")
@problems(409, 411, 415, 422, 507)
def send_recording(request: Request, pk: int) -> HttpResponse:
    """The file itself as the body, of any size, with Content-Length; with Content-Digest (RFC 9530, sha-256) what
    arrives is compared. Kept only when it arrived whole."""
    resource = recording_of(request, pk)
    recordings.check_goes_on(resource)
    with received(request, resource.name) as file:
        recordings.keep_file(resource, file, actor=request.actor)
    return one(request, RecordingOut.of(recording_of(request, pk)))


@router.post(
    "recordings/{int:pk}/done", response=RecordingOut, operation_id="finish_recording", summary="Say what became of it"
)
@machine("streamer")
@problems(409)
def finish_recording(request: Request, pk: int, data: RecordingDone) -> HttpResponse:
    """Ready, once its file has arrived; or failed."""
    resource = recording_of(request, pk)
    if data.state == "failed":
        recordings.fail_recording(resource, reason=data.reason, actor=request.actor)
    else:
        recordings.finish_recording(resource, duration=timedelta(seconds=data.duration), actor=request.actor)
    return one(request, RecordingOut.of(recording_of(request, pk)))


def streamer_of(request: Request) -> Streamer:
    """The one whose key came along; the middleware found it."""
    found: Streamer = request.streamer  # type: ignore[attr-defined]
    return found


def stream_of(request: Request, name: str) -> Resource:
    """404 when the streamer has none of that name."""
    return get_object_or_404(Resource.objects.named_stream(streamer_of(request).pk, name))


def session_of(request: Request, pk: int) -> Resource:
    try:
        return stream_sessions.session_of(streamer_of(request).pk, pk)
    except Gone as error:
        raise Http404 from error


def recording_of(request: Request, pk: int) -> Resource:
    try:
        return recordings.recording_of(streamer_of(request).pk, pk)
    except Gone as error:
        raise Http404 from error


def without_unseen(**texts: str) -> None:
    """Raises Invalid under the field whose text has characters that can't be seen."""
    for field, text in texts.items():
        try:
            validate_name(text)
        except ValidationError as error:
            raise Invalid.found(error, field) from error


def session_answer(request: Request, resource: Resource, stream: Resource, *, status: int) -> HttpResponse:
    session = StreamSession.objects.whole(resource.pk)
    decision = stream_sessions.verdict(session, stream, at=request.actor.at)
    allowed = decision.allows(session.asks) if decision else None
    if allowed is False and session.is_open and not session.is_ending:
        assert decision is not None
        reports.withdraw(session, decision, actor=request.actor)
    answer = SessionOut(
        id=resource.pk,
        allowed=allowed,
        reason=decision.sentence if decision else "",
        opened_at=resource.created_at,
        closed_at=session.closed_at,
        cause=session.cause,
    )
    return one(request, answer, status=status)
