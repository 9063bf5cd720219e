"""Who may call what over the API: every row as everybody, with a key and with a browser's session."""

import json
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from api_keys.services.keys import create_key
from audit.models import Entry
from tests.pages import CAST, Row, World, api_rows, changed, contents

ROWS = api_rows()
# A permitted call without its fields: shown, made, done; damaged, missing, not now, to be mended.
PERMITTED = {200, 201, 204, 400, 404, 409, 422}


def name_of(row: Row) -> str:
    return f"{row.methods[0]} {row.route}"


@pytest.fixture(scope="module")
def secrets(_world_as_made: World, django_db_blocker: Any) -> dict[str, str]:
    """Everybody's API key, made once beneath the transactions of the tests."""
    people, actor = _world_as_made.people.items(), _world_as_made.make.actor
    with django_db_blocker.unblock():
        return {name: create_key(person, "Probe", actor=actor(person))[1] for name, person in people}


def send(client: Client, row: Row, world: World, **headers: str) -> HttpResponse:
    response: HttpResponse = client.generic(
        row.methods[0], row.address(**world.ids), "{}", content_type="application/json", headers=headers
    )
    return response


def code(response: HttpResponse) -> str:
    return str(json.loads(response.content)["code"])


def test_there_is_an_api() -> None:
    assert len(ROWS) > 20
    assert all(row.access is not None and not row.access.public for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_every_row_as_everybody(row: Row, secrets: dict[str, str], world: World) -> None:
    nobody = send(world.client("nobody"), row, world)
    assert (nobody.status_code, code(nobody)) == (401, "not_signed_in")
    for person in CAST:
        by_key = {"Authorization": f"Bearer {secrets[person]}"}
        for response in (send(world.client("nobody"), row, world, **by_key), send(world.client(person), row, world)):
            said = f"{name_of(row)} as {person}: {response.status_code}"
            if person in row.who.split():
                by_rule = row.access.rule and response.status_code == 403 and code(response) != "forbidden"
                assert response.status_code in PERMITTED or by_rule, said
            else:
                assert (response.status_code, code(response)) == (403, "forbidden"), said
            assert response["X-Request-Id"] and response["RateLimit"], said


@pytest.mark.parametrize("row", [row for row in ROWS if row.methods[0] != "GET"], ids=name_of)
def test_a_browser_needs_the_pages_token_and_a_key_does_not(row: Row, secrets: dict[str, str], world: World) -> None:
    browser, before = world.client("root", enforce_csrf_checks=True), contents()
    response = send(browser, row, world)
    assert (response.status_code, code(response)) == (403, "csrf_failed")
    assert changed(before) == []
    by_key = send(
        world.client("nobody", enforce_csrf_checks=True), row, world, Authorization=f"Bearer {secrets['root']}"
    )
    refused = b"" if by_key.streaming else by_key.content
    assert by_key.status_code in PERMITTED | {403} and b"csrf_failed" not in refused


@pytest.mark.parametrize("row", [row for row in ROWS if row.access and row.access.permission], ids=name_of)
def test_a_refused_change_is_recorded(row: Row, world: World) -> None:
    before = Entry.objects.count()
    send(world.client("nell"), row, world)
    if row.methods[0] == "GET":
        assert Entry.objects.count() == before, "a refused look is not"
    else:
        entry = Entry.objects.latest("pk")
        assert (entry.outcome, entry.actor_name, entry.path) == ("denied", "nell", row.address(**world.ids))


@pytest.mark.parametrize("row", [row for row in ROWS if row.methods[0] == "GET"], ids=name_of)
def test_looking_changes_nothing(row: Row, world: World) -> None:
    clients = [world.client(person) for person in CAST]
    before = contents()
    for client in clients:
        send(client, row, world)
        client.head(row.address(**world.ids))
    assert changed(before) == []


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_methods_that_an_address_lacks(row: Row, world: World) -> None:
    answer = world.client("root").generic("PROPFIND", row.address(**world.ids))
    assert (answer.status_code, "Allow" in answer) == (405, True)


@pytest.mark.parametrize("address", ["/api/v1/no-such-thing", "/api/v1/", "/api/v1"])
def test_addresses_that_are_not_there(world: World, address: str) -> None:
    answer = world.client("root").get(address)
    assert (answer.status_code, code(answer), answer["Content-Type"]) == (404, "not_found", "application/problem+json")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        '"text"',
        '{"username": {"a": 1}}',
        "\xff",
        "a" * 3_000_000,
        "[" * 100_000,
        '{"username":' * 100_000,
    ],
)
def test_bodies_that_are_no_objects(world: World, body: str) -> None:
    answer = world.client("root").post("/api/v1/accounts", body, content_type="application/json")
    assert answer.status_code in (400, 413, 422)
    assert code(answer) in ("bad_request", "too_large", "invalid")
