"""Who may call what: the reviewed table, and every row of it tried as everybody.

After adding a page: ``.venv/bin/pytest tests/test_access.py --write-access-table``, then read the difference.
"""

from urllib.parse import quote

import pytest
from django.http import HttpResponse

from tests.pages import CAST, Row, World, changed, contents, rows, table

ROWS = rows()
EVERYBODY = ["nobody", *CAST]
# What a permitted call without its fields may answer: done, shown, sent on; damaged, missing, not now, to be mended;
# or that a provider does not answer.
PERMITTED = {200, 204, 302, 400, 404, 409, 422, 503}


def route(row: Row) -> str:
    return row.route


def expected(row: Row, person: str, method: str) -> set[int]:
    assert row.access is not None
    if person not in row.who.split():
        return {302} if person == "nobody" else {403}
    if method not in row.methods:
        return {405}
    # With a rule of its own the view also refuses those who may see the row but not act on it.
    return PERMITTED | {403} if row.access.rule else PERMITTED


def assert_answer(row: Row, person: str, method: str, response: HttpResponse) -> None:
    said = f"{method} {row.route} as {person}: {response.status_code}"
    assert response.status_code in expected(row, person, method), said
    sign_in = response.headers.get("Location", "").startswith("/sign-in/?next=")
    assert sign_in == (person == "nobody" and person not in row.who.split()), said


def test_the_access_table_is_the_one_reviewed(request: pytest.FixtureRequest) -> None:
    reviewed = request.config.rootpath / "tests" / "access.txt"
    if request.config.getoption("--write-access-table"):
        reviewed.write_text(table())
    assert table() == reviewed.read_text(), "Run this file with --write-access-table and review the difference."


@pytest.mark.parametrize("row", ROWS, ids=route)
def test_every_view_declares_its_access_and_its_methods(row: Row) -> None:
    assert row.access is not None, "Mark the view @public, @signed_in or @requires(…)."
    assert row.methods != ("ANY",), "Mark the view @require_safe, @require_POST or @require_http_methods([…])."
    assert row.name, "Name the URL."


@pytest.mark.parametrize("row", ROWS, ids=route)
def test_every_row_is_changed_by_those_who_may(row: Row, world: World) -> None:
    address = row.address(**world.ids)
    for person in EVERYBODY:
        assert_answer(row, person, "POST", world.client(person).generic("POST", address))


@pytest.mark.parametrize("row", [row for row in ROWS if not row.access or not row.access.public], ids=route)
def test_nobody_is_sent_to_sign_in_and_back(row: Row, world: World) -> None:
    address = row.address(**world.ids)
    response = world.client("nobody").get(f"{address}?order=-id")
    assert response.headers["Location"] == f"/sign-in/?next={quote(address)}%3Forder%3D-id"


@pytest.mark.parametrize("row", ROWS, ids=route)
def test_every_row_is_seen_by_those_who_may_and_looking_changes_nothing(row: Row, world: World) -> None:
    """GET and HEAD are safe (RFC 9110, 9.2.1): no row changes and nothing is recorded, whoever looks."""
    clients = {person: world.client(person) for person in EVERYBODY}
    address = row.address(**world.ids)
    before = contents()
    for person, client in clients.items():
        assert_answer(row, person, "GET", client.get(address))
    for client in (clients["nobody"], clients["root"]):
        client.get(f"{address}?id={world.tara.pk}&q=a&next=/accounts/")
        client.head(address)
        client.get(address, headers={"HX-Request": "true"})
    assert changed(before) == []


@pytest.mark.parametrize("row", [row for row in ROWS if "GET" not in row.methods], ids=route)
def test_actions_refuse_to_be_looked_at(row: Row, world: World) -> None:
    assert world.client("root").get(row.address(**world.ids)).status_code == 405
