"""What the API shows of resources and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from ninja import Schema
from pydantic import AwareDatetime, Field

from resources.models import Grant, Resource
from resources.roles import Decision, GrantFacts
from resources.services.answers import MOST, Answer, Unanswered
from rest.answers import Listed

RoleName = Literal["none", "viewer", "editor", "administrator"]
ActionName = Literal["view", "create", "edit", "delete", "see_permissions", "change_permissions"]
Id = Annotated[int, Field(ge=1, le=2**62)]
Order = Literal["name", "-name", "created", "-created"]


class ResourceOut(Schema):
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
    def facts(cls, resource: Resource) -> dict[str, Any]:
        """What only its kind has."""
        raise NotImplementedError


class StreamerOut(ResourceOut):
    """A media server."""

    hostname: str
    scheme: Literal["https", "http"]
    api_port: int
    place: Literal["origin", "edge"]

    @classmethod
    def facts(cls, resource: Resource) -> dict[str, Any]:
        part = resource.streamer
        return {"hostname": resource.name, "scheme": part.scheme, "api_port": part.api_port, "place": part.place}


class StreamOut(ResourceOut):
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


class RecordingOut(ResourceOut):
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


class Cursors(Schema):
    next: str | None
    previous: str | None


class StreamerPage(Cursors):
    items: list[StreamerOut]


class StreamPage(Cursors):
    items: list[StreamOut]


class RecordingPage(Cursors):
    items: list[RecordingOut]


class ResourceQuery(Listed):
    q: str = Field("", max_length=200, description="Part of the name or title.")
    order: Order = "name"


class StreamerQuery(ResourceQuery):
    """The filters of the page Connected Applications."""

    place: Literal["", "origin", "edge"] = ""


class StreamQuery(ResourceQuery):
    """The filters of the page Stream Configuration."""

    streamer: Id | Literal[""] = ""
    enabled: Literal["", "true", "false"] = ""


class RecordingQuery(ResourceQuery):
    """The filters of the page Recordings."""

    state: Literal["", "recording", "ready", "failed"] = ""


class StreamerIn(Schema):
    """A new streamer; only the hostname is needed."""

    hostname: str = Field(min_length=1, max_length=253)
    scheme: Literal["https", "http"] = "https"
    api_port: int | None = Field(None, ge=1, le=65535, description="Left out: 443, or 80 for http.")
    place: Literal["origin", "edge"] = "origin"


class StreamerChange(Schema):
    """What is left out stays as it is."""

    hostname: str = Field("", min_length=1, max_length=253)
    scheme: Literal["https", "http"] = "https"
    api_port: int = Field(443, ge=1, le=65535)
    place: Literal["origin", "edge"] = "origin"


class StreamIn(Schema):
    """A new stream of a streamer that you see."""

    streamer: Id
    name: str = Field(min_length=1, max_length=100)
    title: str = Field("", max_length=200)
    enabled: bool = True
    recorded: bool = False


class StreamChange(Schema):
    """What is left out stays as it is."""

    name: str = Field("", min_length=1, max_length=100)
    title: str = Field("", max_length=200)
    enabled: bool = True
    recorded: bool = False


class RecordingChange(Schema):
    title: str = Field(min_length=1, max_length=200)


class Upload(Schema):
    """What a file that is sent is called, and of what it is a recording."""

    title: str = Field(min_length=1, max_length=200)
    parent: Id | None = Field(None, description="A stream that you see.")
    file_name: str = Field("", max_length=255, description="What your computer calls the file: shown, nothing more.")


class GrantOut(Schema):
    """One account's role on the resource. Past ``ends_at`` it does not count."""

    account: int
    username: str
    system_role: str
    role: RoleName
    ends_at: datetime | None
    reason: str
    granted_at: datetime
    granted_by: str

    @classmethod
    def of(cls, grant: Grant) -> Self:
        return cls.model_construct(
            account=grant.account_id,
            username=grant.account.username,
            system_role=grant.account.role,
            **granted(grant),
        )


def granted(grant: GrantFacts) -> dict[str, Any]:
    return {
        "role": grant.role, "ends_at": grant.ends_at, "reason": grant.reason, "granted_at": grant.granted_at,
        "granted_by": grant.granted_by_name,
    }  # fmt: skip


class GrantPage(Cursors):
    """Ordered by the accounts' ids. The ETag is that of the whole list, the same on each of its pages."""

    items: list[GrantOut]
    version: int = Field(description="Counts the saves.")


class GrantQuery(Listed):
    limit: int = Field(50, ge=1, le=1_000, description="How many at most.")


Named = Annotated[Id | Annotated[str, Field(min_length=1, max_length=150)], Field(description="Id or username.")]


class GrantIn(Schema):
    account: Named
    role: RoleName
    ends_at: AwareDatetime | None = Field(None, description="From this moment on it does not count.")
    reason: str = Field("", max_length=500)


class GrantChange(Schema):
    """One account's grant; what is left out of it is empty afterwards."""

    account: Named
    role: RoleName | None = Field(description="null: no grant, the system role decides.")
    ends_at: AwareDatetime | None = Field(None, description="From this moment on it does not count.")
    reason: str = Field("", max_length=500)


class GrantsIn(Schema):
    items: list[GrantIn] = Field(max_length=5_000)


class GrantsChange(Schema):
    items: list[GrantChange] = Field(min_length=1, max_length=5_000)


class GrantsSaved(Schema):
    """The list's version now, and whose grants changed."""

    version: int
    changed: list[str]


class GrantShown(Schema):
    """A grant in an answer."""

    role: RoleName
    ends_at: datetime | None
    reason: str
    granted_at: datetime
    granted_by: str


class WhyQuery(Schema):
    account: str = Field("", max_length=150, description="Username; left out: you.")
    action: ActionName = "view"


class Why(Schema):
    """The answer of the page Why?"""

    allowed: bool
    account: str
    resource: int
    kind: Literal["streamer", "stream", "stream_session", "recording"]
    action: ActionName
    needs: RoleName = Field(description="The least resource role that may do it.")
    role: RoleName = Field(description="The resource role that the account has.")
    because: Literal["inactive", "locked", "administrator", "grant", "system_role", "below"]
    sentence: str = Field(description="The deciding fact, as the page tells it.")
    grant: GrantShown | None = Field(description="The grant that gives the role.")
    ended: GrantShown | None = Field(description="A grant that would count, had it not ended.")

    @classmethod
    def of(cls, answer: Answer, resource: Resource) -> Self:
        decision = answer.decision
        shown = [GrantShown(**granted(one)) if one else None for one in (decision.grant, decision.ended)]
        return cls.model_construct(
            allowed=answer.allowed,
            account=decision.account.username,
            resource=resource.pk,
            kind=resource.kind,
            action=answer.action.value,
            needs=answer.action.needs.value,
            role=decision.role.value,
            because=answer.because.value,
            sentence=answer.sentence,
            grant=shown[0],
            ended=shown[1],
        )


class QuestionIn(Schema):
    account: Named | None = Field(None, description="Id or username; left out: you.")
    resource: Id
    action: ActionName = "view"


class CheckIn(Schema):
    questions: list[QuestionIn] = Field(min_length=1, max_length=MOST)


class CheckAnswer(Schema):
    """What has no answer is not allowed; ``because`` tells why there is none."""

    allowed: bool
    role: RoleName
    because: Literal[
        "inactive", "locked", "administrator", "grant", "system_role", "below",
        "no_resource", "no_account", "not_yours_to_ask",
    ]  # fmt: skip
    sentence: str

    @classmethod
    def of(cls, answer: Answer | Unanswered) -> Self:
        if isinstance(answer, Unanswered):
            return cls.model_construct(allowed=False, role="none", because=answer.value, sentence=str(answer.label))
        role = answer.decision.role.value
        return cls.model_construct(
            allowed=answer.allowed, role=role, because=answer.because.value, sentence=answer.sentence
        )


class Checked(Schema):
    """The answers in the order of the questions, true at this moment."""

    at: datetime
    answers: list[CheckAnswer]
