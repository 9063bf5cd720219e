"""What a streamer is shown of its configuration and what it reports."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, IPvAnyAddress, StringConstraints

from accounts.names import readable
from resources.models import Device, Input, Push, Resource, Stream, Streamer
from rest.answers import Body

MOST = 2**31 - 1
Number = Annotated[int, Field(ge=0, le=MOST)]
Bytes = Annotated[int, Field(ge=0, le=2**62)]
Id = Annotated[int, Field(ge=1, le=2**62)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
# In lower case, for what the database compares without regard to case must not fall together.
OwnId = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[0-9a-z][0-9a-z._:-]*$")]
PRINTED = r"^[^\x00-\x1f\x7f]*$"
Text = Annotated[str, Field(max_length=300, pattern=PRINTED), AfterValidator(readable)]
Title = Annotated[str, StringConstraints(max_length=200, pattern=PRINTED, strip_whitespace=True)]
StreamName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=PRINTED, description="The stream's system name.")
]


def _written(value: object) -> object:
    """5 is no address, though it could be read as 0.0.0.5."""
    if isinstance(value, str):
        return value
    raise ValueError


Address = Annotated[IPvAnyAddress, BeforeValidator(_written)]
EndState = Literal["active", "waiting", "retrying", "error"]


class DeviceOut(Schema):
    id: int
    name: str
    hardware: Literal["hdmi", "sdi"]
    card_id: str
    vendor: str
    raw: bool

    @classmethod
    def of(cls, device: Device) -> "DeviceOut":
        same = ("name", "hardware", "card_id", "vendor", "raw")
        return cls.model_construct(id=device.pk, **{name: getattr(device, name) for name in same})


class PushOut(Schema):
    """Which fields count depends on the kind; the others are empty or null."""

    id: int
    kind: Literal["multicast", "srt", "rtmp"]
    host: str
    port: int | None
    program: int | None
    url: str
    passphrase: str = Field(description="The passphrase of SRT, the stream key of RTMP.")

    @classmethod
    def of(cls, push: Push) -> "PushOut":
        return cls.model_construct(**_end(push))


class InputOut(Schema):
    """Which fields count depends on the kind; the others are empty or null."""

    id: int
    kind: Literal["publish", "multicast", "srt", "rtsp", "device", "file"]
    host: str
    port: int | None
    program: int | None
    url: str
    device: int | None = Field(description="The id of one of the devices.")
    path: str
    username: str
    passphrase: str = Field(description="What a publisher must send, the passphrase of SRT, the password of RTSP.")

    @classmethod
    def of(cls, one: Input) -> "InputOut":
        return cls.model_construct(**_end(one), device=one.device_id, path=one.path, username=one.username)


def _end(end: Input | Push) -> dict[str, Any]:
    same = ("kind", "host", "port", "program", "url")
    return {"id": end.pk, "passphrase": str(end.secret)} | {name: getattr(end, name) for name in same}


class StreamOut(Schema):
    id: int
    name: str = Field(description="The system name: what the streamer calls it.")
    title: str
    enabled: bool
    record: bool
    inputs: list[InputOut] = Field(description="In their order: the first that gives a picture is taken.")
    pushes: list[PushOut]

    @classmethod
    def of(cls, stream: Stream, inputs: list[Input], pushes: list[Push]) -> "StreamOut":
        resource = stream.resource
        return cls.model_construct(
            id=resource.pk,
            name=resource.name,
            title=resource.title,
            enabled=stream.enabled,
            record=stream.recorded,
            inputs=[InputOut.of(one) for one in inputs],
            pushes=[PushOut.of(one) for one in pushes],
        )


class Configuration(Schema):
    """All that a streamer needs to know. It holds passphrases."""

    hostname: str
    kind: Literal["origin", "edge"]
    scheme: Literal["https", "http"]
    api_port: int
    edit_credential: str = Field(description="What to ask of whoever edits the streamer there; empty for none.")
    heartbeat_seconds: int = Field(description="How often to send a heartbeat.")
    streams: list[StreamOut]
    devices: list[DeviceOut]

    @classmethod
    def of(cls, streamer: Streamer) -> "Configuration":
        """With four queries, whatever the number of streams."""
        pk = streamer.pk
        inputs: dict[int, list[Input]] = {}
        pushes: dict[int, list[Push]] = {}
        for one in Input.objects.of_streamer(pk):
            inputs.setdefault(one.stream_id, []).append(one)
        for push in Push.objects.of_streamer(pk):
            pushes.setdefault(push.stream_id, []).append(push)
        return cls.model_construct(
            hostname=streamer.resource.name,
            kind=streamer.place,
            scheme=streamer.scheme,
            api_port=streamer.api_port,
            edit_credential=str(streamer.edit_credential),
            heartbeat_seconds=HEARTBEAT,
            streams=[
                StreamOut.of(stream, inputs.get(stream.pk, []), pushes.get(stream.pk, []))
                for stream in Stream.objects.of_streamer(pk)
            ],
            devices=[DeviceOut.of(device) for device in Device.objects.of_streamer(pk)],
        )


HEARTBEAT = 30  # seconds


class EndIn(Body):
    id: Id
    state: EndState


class StreamIn(Body):
    """How one stream is."""

    name: StreamName
    state: Literal["running", "waiting", "stopped", "error"]
    input_bitrate: Bytes | None = Field(None, description="Bits a second.")
    output_bitrate: Bytes | None = Field(None, description="Bits a second.")
    clients: Number | None = None
    problem: Text = Field("", description="What is wrong, in the streamer's words.")
    inputs: list[EndIn] = Field([], max_length=32)
    pushes: list[EndIn] = Field([], max_length=32)


class SessionSeen(Body):
    id: Id
    bytes: Bytes = 0


class Heartbeat(Body):
    """How the streamer, its streams and its sessions are. What is left out stays; more than 2.5 MB goes in parts."""

    running_streams: Number
    configured_streams: Number
    clients: Number
    cpu: Percent = Field(description="Percent of all cores.")
    disk: Percent = Field(description="Percent of the disk that it records on.")
    streams: list[StreamIn] = Field([], max_length=2_000)
    sessions: list[SessionSeen] = Field(
        [], max_length=20_000, description="Those that are open. One that is left out for ten minutes counts as lost."
    )


class Told(Schema):
    """What to do now."""

    configuration: str = Field(description="The ETag of the present configuration: pull it when it is another one.")
    end: list[int] = Field(description="Sessions to end, until you report them closed.")
    unknown: list[int] = Field(description="Sessions that you named and that are not open here: open new ones.")


class SessionIn(Body):
    """A use of a stream that has begun."""

    stream: StreamName
    id: OwnId = Field(description="What the streamer calls it, in lower case: a new one for each session.")
    user: str = Field("", max_length=150, pattern=PRINTED, description="The username, where there is one.")
    address: Address | None = Field(None, description="Where the client is.")
    protocol: Literal["hls", "dash", "webrtc", "srt", "rtmp", "rtsp", "mpegts", "other"] = "other"
    direction: Literal["play", "publish"] = "play"


class SessionOut(Schema):
    """A session. ``allowed``: may its user see the stream (play), or edit it (publish)? Null without an account."""

    id: int
    allowed: bool | None
    reason: str = Field(description="The deciding fact, where there is an account.")
    opened_at: datetime
    closed_at: datetime | None
    cause: str = Field(description="Why it ended; empty while it is open.")


class SessionClosed(Body):
    bytes: Bytes = 0
    cause: Literal["left", "source_ended", "error"] = "left"


class RecordingIn(Body):
    """A recording that has begun, of a stream or of one of its sessions."""

    stream: StreamName
    session: Id | None = Field(None, description="The session's id, where it is a recording of that.")
    id: OwnId = Field(description="What the streamer calls it, in lower case; sent again, it is the same recording.")
    title: Title = ""


class RecordingDone(Body):
    """``ready`` once its file has arrived, or ``failed``."""

    state: Literal["ready", "failed"]
    duration: float = Field(0, ge=0, le=10**7, allow_inf_nan=False, description="Seconds.")
    reason: Text = Field("", description="Why it failed.")


class RecordingOut(Schema):
    id: int
    title: str
    state: Literal["recording", "ready", "failed"]
    size: int
    checksum: str = Field(description="SHA-256 of the file that arrived, in hexadecimal.")
    duration: float | None = Field(description="Seconds.")

    @classmethod
    def of(cls, resource: Resource) -> "RecordingOut":
        file = resource.recording
        return cls.model_construct(
            id=resource.pk,
            title=resource.title,
            state=file.state,
            size=file.size,
            checksum=file.checksum,
            duration=file.duration.total_seconds() if file.duration else None,
        )
