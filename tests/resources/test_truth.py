"""The truth table: every system role x every grant x every kind x every action, on the pages and over the API.

What is expected is written out here from the product's tables, not asked of the code.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from accounts.roles import Role
from resources.models import Recording, Resource, Stream, Streamer, StreamSession
from resources.roles import Action, Kind, ResourceRole
from resources.services.answers import explain
from tests.conftest import Make
from tests.resources.conftest import give
from tests.resources.test_rule import BY_ROLE

N, V, E, A = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR
WHO: dict[str, dict[str, Any]] = {role.value: {"role": role} for role in Role} | {
    "superuser": {"role": Role.ADMINISTRATOR, "is_superuser": True}
}
GRANTS = {"no grant": None, "None": N, "Viewer": V, "Editor": E, "Administrator": A, "expired": A}
CREATES = {"viewer", "content_manager", "editor", "administrator", "superuser"}  # a child of what they see
ACTIONS = ("see", "create", "edit", "delete", "look", "share")
NAMES = {
    Kind.STREAMER: "streamers", Kind.STREAM: "streams", Kind.SESSION: "stream-sessions", Kind.RECORDING: "recordings",
}  # fmt: skip
PARTS: dict[Kind, Any] = {
    Kind.STREAMER: Streamer, Kind.STREAM: Stream, Kind.SESSION: StreamSession, Kind.RECORDING: Recording,
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """One resource and what the account was given on it."""

    kind: Kind
    granted: str
    resource: Resource


def role_of(who: str, cell: Cell) -> ResourceRole:
    if who in ("administrator", "superuser"):
        return A
    if cell.granted in ("no grant", "expired"):
        return BY_ROLE[Role(who)][cell.kind]
    return GRANTS[cell.granted] or N


def expected(who: str, cell: Cell, action: str) -> str:
    """ "done", "refused", "hidden", or "no such parent" where the address is not that of the parent."""
    role = role_of(who, cell)
    if action == "create":
        if who not in CREATES:
            return "refused"
        return "done" if role != N and cell.kind != Kind.RECORDING else "no such parent"
    if role == N:
        return "hidden"
    needed = {"see": (V, E, A), "share": (A,)}.get(action, (E, A))
    return "done" if role in needed else "refused"


OUTCOMES = {200: "done", 201: "done", 204: "done", 302: "done", 403: "refused", 404: "hidden", 422: "no such parent"}


def outcome(response: HttpResponse) -> str:
    return OUTCOMES.get(response.status_code, str(response.status_code))


@pytest.fixture(autouse=True)
def _no_rate(settings: Any) -> None:
    settings.API_RATE = 10**9


@pytest.fixture
def cells(make: Make) -> list[Cell]:
    """One resource of each kind for each grant, none below another of them."""
    found = []
    for granted in GRANTS:
        name = granted.replace(" ", "-").lower()
        above = resource(Kind.STREAMER, None, f"above-{name}")
        stream = resource(Kind.STREAM, above, f"above-{name}")
        parents = {Kind.STREAMER: None, Kind.STREAM: above, Kind.SESSION: stream, Kind.RECORDING: stream}
        found += [Cell(kind, granted, resource(kind, parents[kind], f"{kind}-{name}")) for kind in PARTS]
    return found


def resource(kind: Kind, parent: Resource | None, name: str) -> Resource:
    made = Resource.objects.create(kind=kind, parent=parent, name=name, title=name)
    now = timezone.now()
    closed = {"last_seen_at": now, "closed_at": now, "cause": "left"}  # open ones are not deleted
    needed = {Kind.RECORDING: {"checksum": "0" * 64}, Kind.SESSION: closed}
    PARTS[kind].objects.create(resource=made, **needed.get(kind, {}))
    return made


def account(who: str, cells: list[Cell], make: Make) -> Account:
    found = make.account(f"x-{who}", **WHO[who])
    now = timezone.now()
    for cell in cells:
        if role := GRANTS[cell.granted]:
            give(found, cell.resource, role, ends_at=now if cell.granted == "expired" else None)
    return found


@contextmanager
def undone() -> Iterator[None]:
    """What happens inside is undone, so that the next cell finds what this one found."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Pages:
    """Each action as a browser without a script sends it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def listed(self, kind: Kind) -> set[int]:
        page = self.client.get(f"/{NAMES[kind]}/?size=100").content.decode()
        return {int(pk) for pk in re.findall(r'<tr id="resource-(\d+)"', page)}

    def do(self, action: str, cell: Cell) -> Any:
        pk = cell.resource.pk
        card, permissions = f"/{NAMES[cell.kind]}/{pk}/", f"/resources/{pk}/permissions/"
        if action == "see":
            return self.client.get(card)
        if action == "edit":
            return self.client.post(card, {"name": cell.resource.name, "title": "new"})
        if action == "delete":
            return self.client.post(f"{card}delete/", {"title": cell.resource.title})
        if action == "look":
            return self.client.get(permissions)
        if action == "share":
            return self.client.post(permissions, {"save": "1", "version": cell.resource.permissions_version})
        if cell.kind == Kind.STREAMER:
            return self.client.post("/streams/new/", {"streamer": pk, "name": "child"})
        sent = {"title": "child", "parent": pk, "file": SimpleUploadedFile("a", b"0123"), "whole": "1"}
        which = f"?session={pk}" if cell.kind == Kind.SESSION else ""
        return self.client.post(f"/recordings/new/{which}", sent)


class Api:
    """Each action as a script sends it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def send(self, method: str, address: str, body: object = None) -> Any:
        text = "" if body is None else json.dumps(body)
        return self.client.generic(method, f"/api/v1{address}", text, content_type="application/json")

    def listed(self, kind: Kind) -> set[int]:
        return {one["id"] for one in json.loads(self.send("GET", f"/{NAMES[kind]}?limit=200").content)["items"]}

    def do(self, action: str, cell: Cell) -> Any:
        pk = cell.resource.pk
        one, grants = f"/{NAMES[cell.kind]}/{pk}", f"/resources/{pk}/grants"
        if action == "see":
            return self.send("GET", one)
        if action == "edit":
            return self.send("PATCH", one, {"hostname" if cell.kind == Kind.STREAMER else "title": "new"})
        if action == "delete":
            return self.send("DELETE", one)
        if action == "look":
            return self.send("GET", grants)
        if action == "share":
            return self.send("PUT", grants, {"items": []})
        if cell.kind == Kind.STREAMER:
            return self.send("POST", "/streams", {"streamer": pk, "name": "child"})
        return self.client.generic(
            "POST", f"/api/v1/recordings?title=child&parent={pk}", b"0123", content_type="video/mp4"
        )


@pytest.mark.parametrize("way", [Pages, Api])
@pytest.mark.parametrize("who", WHO)
def test_every_cell(who: str, way: type[Pages] | type[Api], cells: list[Cell], make: Make) -> None:
    person = way(make.client(account(who, cells, make)))
    wrong = []
    for kind in PARTS:
        mine = [cell for cell in cells if cell.kind == kind]
        seen = person.listed(kind) & {cell.resource.pk for cell in mine}
        wanted = {cell.resource.pk for cell in mine if role_of(who, cell) != N}
        wrong += [] if seen == wanted else [f"list of {kind}: {seen} instead of {wanted}"]
    for cell in cells:
        for action in ACTIONS:
            with undone():
                response = person.do(action, cell)
            if outcome(response) != expected(who, cell, action):
                said = f"{action} {cell.kind} with {cell.granted}: {outcome(response)}"
                wrong.append(f"{said} instead of {expected(who, cell, action)}")
    assert not wrong, "\n".join(wrong)


def test_nobody_is_told_anything(cells: list[Cell], make: Make) -> None:
    for cell in cells:
        for action in ACTIONS:
            page = Pages(Client()).do(action, cell)
            assert (page.status_code, page.headers["Location"].startswith("/sign-in/")) == (302, True)
            assert Api(Client()).do(action, cell).status_code == 401


# For each resource of the chain: which grant, and does it end before, at or after the moment?
chains = st.lists(
    st.tuples(st.sampled_from([None, N, V, E, A]), st.sampled_from([None, -9, 9])),
    min_size=len(PARTS),
    max_size=len(PARTS),
)
WHY = {
    "see": Action.VIEW, "create": Action.CREATE, "edit": Action.EDIT, "delete": Action.DELETE,
    "look": Action.SEE_PERMISSIONS, "share": Action.CHANGE_PERMISSIONS,
}  # fmt: skip


LOCKED = {"locked_at": timezone.now()}
STATES: dict[str, dict[str, Any]] = {"in use": {}, "locked": LOCKED, "inactive": {"is_active": False}}
EVERYTHING = [(A, None)] * len(PARTS)


@settings(max_examples=44, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    who=st.sampled_from(list(WHO)),
    chain=chains,
    state=st.sampled_from(["in use"] * 7 + ["locked", "inactive"]),
    way=st.sampled_from([Pages, Api]),
)
@example(who="superuser", chain=EVERYTHING, state="locked", way=Pages)
@example(who="superuser", chain=EVERYTHING, state="locked", way=Api)
@example(who="none", chain=EVERYTHING, state="locked", way=Api)
@example(who="administrator", chain=EVERYTHING, state="inactive", way=Pages)
@example(who="editor", chain=EVERYTHING, state="inactive", way=Api)
def test_why_says_what_http_answers(
    who: str,
    chain: list[tuple[ResourceRole | None, int | None]],
    state: str,
    way: type[Pages] | type[Api],
    make: Make,
) -> None:
    """On a streamer with a stream with a session with a recording, where deleting one asks for those below it. An
    account that is out of use still has its session: its state alone must refuse."""
    with undone():
        person, now, above, found = make.account("x", **WHO[who]), timezone.now(), None, []
        for kind, (granted, minutes) in zip(PARTS, chain, strict=True):
            above = resource(kind, above, str(kind))
            found.append(Cell(kind, "random", above))
            if granted:
                give(person, above, granted, ends_at=now + timedelta(minutes=minutes) if minutes else None)
        client = make.client(person)
        if STATES[state]:
            Account.objects.filter(pk=person.pk).update(**STATES[state])
            person.refresh_from_db()
        for cell, action in product(found, ACTIONS):
            allowed = explain(person, cell.resource, WHY[action], at=now).allowed
            with undone():
                response = way(client).do(action, cell)
            said = outcome(response)
            if response.status_code == 401 or response.headers.get("Location", "").startswith("/sign-in/"):
                said = "nobody"
                assert STATES[state], f"{action} {cell.kind} by {way.__name__}"
            assert (said == "done") == allowed, f"{action} {cell.kind} by {way.__name__}: {said}"
