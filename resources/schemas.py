"""What the API shows of resources and what it takes."""

from abc import abstractmethod
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from ninja import Schema
from pydantic import Field

from resources.models import Device, Input, Push, Resource, Stream, Streamer
from resources.roles import Decision
from rest.answers import Body, Listed

RoleName = Literal["none", "viewer", "editor", "administrator"]
ActionName = Literal["view", "create", "edit", "delete", "see_permissions", "change_permissions"]
Id = Annotated[int, Field(ge=1, le=2**62)]
Order = Literal["name", "-name", "created", "-created"]


class ResourceShown(Schema):
    """What all kinds have in common."""

    id: int
    title: str
    created_at: datetime
    created_by: str
    modified_at: datetime
    your_role: RoleName = Field(description="The resource role of who asks.")

    @classmethod
    def of(cls, resource: Resource, decision: Decision) -> Self:
        return cls.model_construct(
            id=resource.pk,
            title=resource.title,
            created_at=resource.created_at,
            created_by=resource.created_by_name,
            modified_at=resource.modified_at,
            your_role=decision.role.value,
            **cls.facts(resource),
        )

    @classmethod
    @abstractmethod
    def facts(cls, resource: Resource) -> dict[str, Any]:
        """What only its kind has."""


class StreamerShown(ResourceShown):
    """A media server."""

    hostname: str
    scheme: Literal["https", "http"]
    api_port: int
    place: Literal["origin", "edge"]

    @classmethod
    def facts(cls, resource: Resource) -> dict[str, Any]:
        part = resource.streamer
        return {"hostname": resource.name, "scheme": part.scheme, "api_port": part.api_port, "place": part.place}


class StreamShown(ResourceShown):
    """A stream of a streamer."""

    name: str = Field(description="System name: part of its addresses.")
    streamer: int
    enabled: bool
    recorded: bool

    @classmethod
    def facts(cls, resource: Resource) -> dict[str, Any]:
        part = resource.stream
        return {
            "name": resource.name, "streamer": resource.parent_id, "enabled": part.enabled, "recorded": part.recorded,
        }  # fmt: skip


class RecordingShown(ResourceShown):
    """A recording; its file is at its address and ``/file``."""

    parent: int | None = Field(description="The stream or stream session that it is a recording of.")
    state: Literal["recording", "ready", "failed"]
    size: int = Field(description="Bytes.")
    duration: float | None = Field(description="Seconds.")
    checksum: str = Field(description="SHA-256 of the file, in hexadecimal.")
    file_name: str

    @classmethod
    def facts(cls, resource: Resource) -> dict[str, Any]:
        part = resource.recording
        return {
            "parent": resource.parent_id, "state": part.state, "size": part.size, "checksum": part.checksum,
            "duration": part.duration.total_seconds() if part.duration else None, "file_name": part.file_name,
        }  # fmt: skip


class StreamSessionShown(ResourceShown):
    """One use of a stream. ``ending``: its streamer was asked to end it and has not yet said that it did."""

    stream: int
    who: str = Field(description="The user, as the streamer named them.")
    address: str | None
    protocol: Literal["hls", "dash", "webrtc", "srt", "rtmp", "rtsp", "mpegts", "other"]
    direction: Literal["play", "publish"]
    opened_at: datetime
    last_seen_at: datetime
    bytes: int
    state: Literal["open", "ending", "closed"]
    closed_at: datetime | None
    cause: Literal["", "left", "source_ended", "error", "ended", "not_allowed", "lost"]
    end_asked_by: str

    @classmethod
    def facts(cls, resource: Resource) -> dict[str, Any]:
        part = resource.stream_session
        same = ("who", "address", "protocol", "direction", "last_seen_at", "bytes", "closed_at", "cause")
        return {name: getattr(part, name) for name in same} | {
            "stream": resource.parent_id, "opened_at": resource.created_at, "end_asked_by": part.end_asked_by_name,
            "state": "ending" if part.is_ending else "open" if part.is_open else "closed",
        }  # fmt: skip


class StreamState(Schema):
    """As the streamer reported it; empty or null where it did not."""

    state: Literal["", "running", "waiting", "stopped", "error"]
    reported_at: datetime | None
    input_bitrate: int | None = Field(description="Bits a second.")
    output_bitrate: int | None = Field(description="Bits a second.")
    clients: int | None
    problem: str = Field(description="In the streamer's own words.")

    @classmethod
    def of(cls, stream: Stream) -> Self:
        return cls.model_construct(**{name: getattr(stream, name) for name in cls.model_fields})


class StreamerState(Schema):
    """As the streamer reported it; null where it did not. "lost": no contact for two minutes."""

    contact: Literal["never", "ok", "lost"]
    contact_at: datetime | None
    contact_address: str | None
    reported_at: datetime | None
    running_streams: int | None
    configured_streams: int | None
    clients: int | None
    cpu: float | None = Field(description="Percent of all cores.")
    disk: float | None = Field(description="Percent of the disk that it records on.")

    @classmethod
    def of(cls, streamer: Streamer, at: datetime) -> Self:
        facts = {name: getattr(streamer, name) for name in cls.model_fields if name != "contact"}
        return cls.model_construct(contact=streamer.contact(at).value, **facts)


class DeviceShown(Schema):
    """One input of a capture card."""

    id: int
    name: str
    hardware: Literal["hdmi", "sdi"]
    card_id: str
    vendor: str
    raw: bool

    @classmethod
    def of(cls, device: Device) -> Self:
        return cls.model_construct(**{name: getattr(device, name) for name in cls.model_fields})


class Devices(Schema):
    items: list[DeviceShown]


class EndShown(Schema):
    """An input or a push of a stream, never its passphrase. What its kind does not need is empty or null."""

    id: int
    kind: Literal["publish", "multicast", "srt", "rtsp", "rtmp", "device", "file"]
    where: str = Field(description="The address as people read it.")
    host: str
    port: int | None
    program: int | None
    url: str
    path: str
    username: str
    device: int | None
    has_passphrase: bool
    state: Literal["", "active", "waiting", "retrying", "error"] = Field(description="As its streamer said last.")

    @classmethod
    def of(cls, end: Input | Push) -> Self:
        same = ("kind", "where", "host", "port", "program", "url", "state")
        facts: dict[str, Any] = {name: getattr(end, name) for name in same}
        facts |= {name: getattr(end, name, "") for name in ("path", "username")}  # of inputs
        return cls.model_construct(
            id=end.pk,
            **facts,
            device=getattr(end, "device_id", None),
            has_passphrase=bool(end.secret),
        )


class Ends(Schema):
    """In their order: the streamer takes the first input that gives a picture."""

    inputs: list[EndShown]
    pushes: list[EndShown]


class Cursors(Schema):
    next: str | None
    previous: str | None


class StreamerPage(Cursors):
    items: list[StreamerShown]


class StreamPage(Cursors):
    items: list[StreamShown]


class RecordingPage(Cursors):
    items: list[RecordingShown]


class StreamSessionPage(Cursors):
    items: list[StreamSessionShown]


class ResourceQuery(Listed):
    q: str = Field("", max_length=200, description="Part of the name or title.")
    order: Order = "name"


class StreamerQuery(ResourceQuery):
    """The filters of the page Connected Applications."""

    place: Literal["", "origin", "edge"] = ""
    contact: Literal["", "never", "ok", "lost"] = ""


class StreamQuery(ResourceQuery):
    """The filters of the page Stream Configuration."""

    streamer: Id | Literal[""] = ""
    enabled: Literal["", "true", "false"] = ""
    reported: Literal["", "running", "waiting", "stopped", "error"] = ""


class StreamSessionQuery(Listed):
    """The filters of the page Sessions."""

    q: str = Field("", max_length=200, description="Part of the name or title.")
    stream: Id | Literal[""] = ""
    state: Literal["", "open", "ending", "closed"] = ""
    direction: Literal["", "play", "publish"] = ""
    protocol: Literal["", "hls", "dash", "webrtc", "srt", "rtmp", "rtsp", "mpegts", "other"] = ""
    order: Literal["opened", "-opened"] = "-opened"


class RecordingQuery(ResourceQuery):
    """The filters of the page Recordings."""

    parent: Id | Literal[""] = Field("", description="A stream, a session or a streamer: what was made from it.")
    state: Literal["", "recording", "ready", "failed"] = ""


class NewStreamer(Body):
    """A new streamer; only the hostname is needed."""

    hostname: str = Field(min_length=1, max_length=253, serialization_alias="name")
    scheme: Literal["https", "http"] = "https"
    api_port: int | None = Field(None, ge=1, le=65535, description="Left out: 443, or 80 for http.")
    place: Literal["origin", "edge"] = "origin"


class StreamerChange(Body):
    """What is left out stays as it is."""

    hostname: str = Field("", min_length=1, max_length=253, serialization_alias="name")
    scheme: Literal["https", "http"] = "https"
    api_port: int = Field(443, ge=1, le=65535)
    place: Literal["origin", "edge"] = "origin"


class NewStream(Body):
    """A new stream of a streamer that you see."""

    streamer: Id
    name: str = Field(min_length=1, max_length=100)
    title: str = Field("", max_length=200)
    enabled: bool = True
    recorded: bool = False


class StreamChange(Body):
    """What is left out stays as it is."""

    name: str = Field("", min_length=1, max_length=100)
    title: str = Field("", max_length=200)
    enabled: bool = True
    recorded: bool = False


class TitleChange(Body):
    title: str = Field(min_length=1, max_length=200)


class Upload(Schema):
    """What a file that is sent is called, and of what it is a recording."""

    title: str = Field(min_length=1, max_length=200)
    parent: Id | None = Field(None, description="A stream that you see.")
    file_name: str = Field("", max_length=255, description="What your computer calls the file: shown, nothing more.")
