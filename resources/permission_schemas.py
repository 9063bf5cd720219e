"""What the API shows of who may do what with a resource, and what it takes."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from ninja import Schema
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from resources.models import Grant, Resource
from resources.roles import GrantFacts
from resources.schemas import ActionName, Cursors, RoleName
from resources.services.answers import MOST, Answer, Unanswered
from rest.answers import Body, Listed


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


# Strict, or true would be account 1.
StrictId = Annotated[int, Field(strict=True, ge=1, le=2**62)]
Named = Annotated[StrictId | Annotated[str, Field(min_length=1, max_length=150)], Field(description="Id or username.")]


class GrantIn(Body):
    account: Named
    role: RoleName
    ends_at: AwareDatetime | None = Field(None, description="From this moment on it does not count.")
    reason: str = Field("", max_length=500)


class GrantChange(Body):
    """One account's grant; what is left out of it is empty afterwards."""

    account: Named
    role: RoleName | None = Field(description="null: no grant, the system role decides.")
    ends_at: AwareDatetime | None = Field(None, description="From this moment on it does not count.")
    reason: str = Field("", max_length=500)


class GrantsIn(Body):
    """2.5 MB at most: more is changed in parts."""

    items: list[GrantIn] = Field(max_length=5_000)


class GrantsChange(Body):
    items: list[GrantChange] = Field(min_length=1, max_length=5_000)


class GrantsSaved(Schema):
    """The list's version now, and whose grants changed."""

    version: int
    changed: list[str]


class GrantOfAnswer(Schema):
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
    grant: GrantOfAnswer | None = Field(description="The grant that gives the role.")
    ended: GrantOfAnswer | None = Field(description="A grant that would count, had it not ended.")

    @classmethod
    def of(cls, answer: Answer, resource: Resource) -> Self:
        decision = answer.decision
        shown = [GrantOfAnswer(**granted(one)) if one else None for one in (decision.grant, decision.ended)]
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


class QuestionIn(BaseModel):  # not ninja's Schema: a thousand of them take it 5 ms
    model_config = ConfigDict(extra="forbid")

    account: Named | None = Field(None, description="Id or username; left out: you.")
    resource: StrictId
    action: ActionName = "view"


class CheckIn(Body):
    questions: list[QuestionIn] = Field(min_length=1, max_length=MOST)
    explain: bool = Field(False, description="Tell the deciding facts as sentences, too.")


class CheckAnswer(Schema):
    """What has no answer is not allowed; ``because`` tells why there is none."""

    allowed: bool
    role: RoleName
    because: Literal[
        "inactive", "locked", "administrator", "grant", "system_role", "below",
        "no_resource", "no_account", "not_yours_to_ask",
    ]  # fmt: skip
    sentence: str | None = Field(description="The deciding fact as the page Why? tells it, where it was asked for.")


def told(answer: Answer | Unanswered, *, explain: bool) -> dict[str, Any]:
    """A CheckAnswer as it goes out: a thousand of them are written without a model for each."""
    if isinstance(answer, Unanswered):
        return {
            "allowed": False, "role": "none", "because": answer.value,
            "sentence": str(answer.label) if explain else None,
        }  # fmt: skip
    return {
        "allowed": answer.allowed,
        "role": answer.decision.role.value,
        "because": answer.because.value,
        "sentence": answer.sentence if explain else None,
    }


class Checked(Schema):
    """The answers in the order of the questions, true at this moment."""

    at: datetime
    answers: list[CheckAnswer]
