"""Every URL as root acting as somebody: what that person may, without credentials; while looking, nothing unsafe."""

import pytest

from tests.conftest import Make
from tests.impersonation.conftest import begin
from tests.pages import Row, World, changed, contents, rows
from tests.test_access import PERMITTED, route

ROWS = [row for row in rows() if row.name not in ("accounts:sign-out", "impersonation:stop")]  # the ways out
PEOPLE = ("ada", "sam", "vic")


def expected(row: Row, person: str, method: str, mode: str) -> set[int]:
    assert row.access is not None
    if mode == "look" and method == "POST":
        return {403}
    if person not in row.who.split() or not row.access.impersonating:
        return {403}
    return PERMITTED if method in row.methods else {405}


@pytest.mark.parametrize("row", ROWS, ids=route)
@pytest.mark.parametrize("mode", ["look", "act"])
def test_every_row_as_somebody_else(row: Row, mode: str, make: Make) -> None:
    world = World(make)
    for person in PEOPLE:
        client = world.client("root")
        begin(client, world.people[person], mode)
        for method in ("GET", "POST"):
            status = client.generic(method, row.address(**world.ids)).status_code
            assert status in expected(row, person, method, mode), f"{method} {row.route} as {person}: {status}"


@pytest.mark.parametrize("row", [row for row in ROWS if row.access and not row.access.public], ids=route)
def test_looking_changes_nothing_but_the_record_of_what_was_refused(row: Row, make: Make) -> None:
    world = World(make)
    client = world.client("root")
    begin(client, world.people["ada"], "look")
    before = contents()
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"):
        client.generic(method, row.address(**world.ids))
    assert changed(before) in ([], ["audit_entry"])
