"""Answers of the API: one thing with its entity tag, a page of a list with its cursors."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from django.db import models, transaction
from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext_lazy as _
from ninja import Header, Schema
from pydantic import BaseModel, ConfigDict, Field

from agora.base.errors import Refused
from agora.base.filters import ListFilter
from agora.base.http import Request
from agora.base.pages import Page
from rest.errors import Invalid

M = TypeVar("M", bound=models.Model)
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=200,
        description="The ETag under which the thing was read: it is changed only if nobody changed it since.",
    ),
]
JSON = "application/json; charset=utf-8"


class ChangedSince(Refused):
    status = 412
    message = _("Somebody changed this since you read it. Read it again, then repeat your change.")


class Body(Schema):
    """What is sent. A field that there is not is refused: a misspelled limit must not make a key without one."""

    model_config = ConfigDict(extra="forbid")


class Listed(Schema):
    """How every list is asked: how many, and from where. Cursors are those of the answer before."""

    limit: int = Field(50, ge=1, le=200, description="How many at most.")
    after: str = Field("", max_length=1_000, description="The cursor `next` of the page before.")
    before: str = Field("", max_length=1_000, description="The cursor `previous` of the page after.")


def one(
    request: Request, value: BaseModel, *, status: int = 200, location: str = "", tag: BaseModel | None = None
) -> HttpResponse:
    """One thing with its ETag, or that of ``tag``; 304 without a body when If-None-Match has it already."""
    answer = HttpResponse(_json(value), status=status, content_type=JSON)
    answer["ETag"] = etag(tag or value)
    if location:
        answer["Location"] = location
    if request.method in ("GET", "HEAD"):
        conditional = get_conditional_response(request, etag=answer["ETag"], response=answer)
        assert isinstance(conditional, HttpResponse)
        return conditional
    return answer


def listed(request: Request, kind: Callable[..., BaseModel], found: Page[M], item: Callable[[M], Any]) -> HttpResponse:
    """A page of a list: its items and the cursors of its neighbours, null where there is none, also as Link."""
    cursors = {
        "next": found.next_cursor if found.has_next else None,
        "previous": found.previous_cursor if found.has_previous else None,
    }
    construct = getattr(kind, "model_construct", kind)
    answer = HttpResponse(_json(construct(items=[item(row) for row in found.rows], **cursors)), content_type=JSON)
    links = []
    for relation, name, cursor in (("next", "after", cursors["next"]), ("prev", "before", cursors["previous"])):
        if cursor:
            params = request.GET.copy()
            params.pop("after", None)
            params.pop("before", None)
            params[name] = cursor
            links.append(f'<{request.path}?{params.urlencode()}>; rel="{relation}"')
    if links:
        answer["Link"] = ", ".join(links)  # RFC 8288
    return answer


def checked(filters: ListFilter) -> ListFilter:
    """The page names what makes no sense and shows the rest; a script is told. Raises Invalid."""
    if filters.form.errors:
        raise Invalid.form(filters.form)
    if complaints := filters.complaints:
        raise Invalid([{"field": "", "code": "invalid", "message": sentence} for sentence in complaints])
    return filters


def etag(value: BaseModel) -> str:
    """A strong entity tag: the same text has the same one (RFC 9110, section 8.8.3).

    In front of its dash stands what If-Match looks at: the state without ``incidental``, the class's set of fields that
    are no part of it, such as the time of the last use. Mere use must not get in the way of a change.
    """
    incidental: frozenset[str] = getattr(value, "incidental", frozenset())
    state = value.__pydantic_serializer__.to_json(value, exclude=set(incidental))
    return f'"{_digest(state)}-{_digest(_json(value))}"'


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:24]


def if_unchanged(
    if_match: str | None, load: Callable[[], M], shown: Callable[[M], BaseModel], act: Callable[[M], Any]
) -> Any:
    """Change what ``load`` finds, if If-Match still names how it looks; both in one transaction.

    ``load`` locks the row. Raises ChangedSince.
    """
    failure = None
    with transaction.atomic():
        row = load()
        if if_match is not None and not _matches(if_match, etag(shown(row))):
            raise ChangedSince
        try:
            done = act(row)
        except Refused as refusal:
            failure = refusal  # raised outside, or its record in the audit log would be undone
    if failure:
        raise failure
    return done


def _matches(if_match: str, current: str) -> bool:
    """Strong comparison, of the states; what is not one of our tags matches nothing."""
    state = current.partition("-")[0]
    return if_match.strip() == "*" or any(part.strip().partition("-")[0] == state for part in if_match.split(","))


def _json(value: BaseModel) -> bytes:
    return value.__pydantic_serializer__.to_json(value)
