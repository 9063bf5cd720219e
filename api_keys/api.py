"""One's own API keys over the API."""

from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Router, Schema
from pydantic import AwareDatetime, Field

from accounts.views.common import person
from agora.base.access import not_while_impersonating, signed_in
from agora.base.http import Request
from api_keys.forms import KeyForm, parse_networks
from api_keys.models import ApiKey
from api_keys.services import keys as services
from rest.answers import Body, IfMatch, if_unchanged, one
from rest.errors import Invalid
from rest.idempotency import IdempotencyKey, once
from rest.routes import problems, tagged

keys = Router(tags=["Own API keys"])


class Key(Schema):
    """An API key, without its secret."""

    incidental: ClassVar = frozenset({"last_used_at", "last_used_address", "secret"})

    id: int
    name: str
    visible: str = Field(description="The first letters of its secret.")
    enabled: bool
    read_only: bool
    networks: list[str] = Field(description="Addresses it may come from, as CIDR; empty for anywhere.")
    expires_at: datetime | None
    created_at: datetime
    last_used_at: datetime | None
    last_used_address: str | None

    @classmethod
    def of(cls, key: ApiKey) -> "Key":
        return cls(**shown(key))


class NewKey(Key):
    """A key and its secret, which is told only now."""

    secret: str


class KeyIn(Body):
    """Name and limits of a key."""

    name: str = Field(min_length=1, max_length=100)
    expires_at: AwareDatetime | None = None
    read_only: bool = False
    networks: list[str] = Field([], max_length=100)


class KeyChange(Body):
    """What is left out stays as it is."""

    name: str = Field("", min_length=1, max_length=100)
    expires_at: AwareDatetime | None = None
    read_only: bool = False
    networks: list[str] = Field([], max_length=100)
    enabled: bool = True


class Keys(Schema):
    items: list[Key]


def shown(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in Key.model_fields}


def own(request: Request, pk: int) -> ApiKey:
    """404 for other people's."""
    return get_object_or_404(ApiKey.objects.of_account(person(request)), pk=pk)


def locked(request: Request, pk: int) -> ApiKey:
    """The same, its row locked until the transaction ends."""
    return get_object_or_404(ApiKey.objects.of_account(person(request)).select_for_update(), pk=pk)


def limits(values: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """The values as the services take them, checked by the page's form. Raises Invalid."""
    form = KeyForm({"name": values["name"]})
    try:
        networks = parse_networks(values["networks"])  # one by one: an empty one must not make a list without any
    except ValidationError as error:
        form.add_error("networks", error)
    if form.errors:
        raise Invalid.form(form)
    ends = values["expires_at"]
    if ends is not None and ends <= now:
        sentence = _("This time has passed. Choose a later one.")
        raise Invalid([{"field": "expires_at", "code": "past", "message": sentence}])
    return {**form.limits, "networks": networks, "expires_at": ends, "read_only": values["read_only"]}


@keys.get("", response=Keys, operation_id="list_own_keys", summary="List your API keys")
@not_while_impersonating
@signed_in
def list_keys(request: Request) -> dict[str, Any]:
    """All of them, by name: an account has at most 50."""
    return {"items": [shown(key) for key in ApiKey.objects.of_account(person(request))]}


@keys.post("", response={201: NewKey}, operation_id="create_own_key", summary="Make an API key")
@not_while_impersonating
@signed_in
@problems(409)
def create(request: Request, data: KeyIn, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    """Only in a signed-in browser: a key can't make keys. The secret is in this answer and nowhere else."""

    def act() -> HttpResponse:
        wanted = limits(data.model_dump(), now=request.actor.at)
        key, secret = services.create_key(person(request), actor=request.actor, **wanted)
        return one(request, NewKey(**shown(key), secret=secret), status=201, location=address(key))

    return once(request, idempotency_key, act, secret=True)


@keys.get("/{int:pk}", response=Key, operation_id="read_own_key", summary="Read an API key")
@not_while_impersonating
@signed_in
@tagged
def read(request: Request, pk: int) -> HttpResponse:
    return one(request, Key.of(own(request, pk)))


@keys.patch("/{int:pk}", response=Key, operation_id="change_own_key", summary="Change an API key")
@not_while_impersonating
@signed_in
@problems(409)
def change(request: Request, pk: int, data: KeyChange, if_match: IfMatch = None) -> HttpResponse:
    """Name, limits, enabled. A key may disable itself; the rest needs a signed-in browser."""
    sent = data.model_dump(exclude_unset=True)
    enabled = sent.pop("enabled", None)

    def act(key: ApiKey) -> ApiKey:
        if sent:
            present = {name: getattr(key, name) for name in services.LIMITS}
            # A key that has expired may get another name without getting another date.
            date = {} if "expires_at" in sent else {"expires_at": None}
            checked = limits(present | sent | date, now=request.actor.at)
            services.change_key(key, {name: checked[name] for name in sent}, actor=request.actor)
        if enabled is not None:
            services.set_enabled(key, enabled, actor=request.actor)
        return own(request, pk)

    return one(request, Key.of(if_unchanged(if_match, partial(locked, request, pk), Key.of, act)))


@keys.post("/{int:pk}/reset", response=NewKey, operation_id="reset_own_key", summary="Give an API key a new secret")
@not_while_impersonating
@signed_in
def reset(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    """The old secret is dead at once. A key may reset itself, others need a signed-in browser."""
    act = partial(services.reset_key, actor=request.actor)
    key, secret = if_unchanged(if_match, partial(locked, request, pk), Key.of, act)
    return one(request, NewKey(**shown(key), secret=secret))


@keys.api_operation(
    ["DELETE"], "/{int:pk}", response={204: None}, operation_id="delete_own_key", summary="Delete an API key"
)
@not_while_impersonating
@signed_in
def delete(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    act = partial(services.delete_key, actor=request.actor)
    if_unchanged(if_match, partial(locked, request, pk), Key.of, act)
    return HttpResponse(status=204)


def address(key: ApiKey) -> str:
    return reverse("api:me-keys-one", args=[key.pk])
