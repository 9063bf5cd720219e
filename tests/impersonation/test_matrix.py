"""Every URL as root acting as somebody: what that person may, without credentials; while looking, nothing unsafe."""

from typing import Any

import pytest
from django.conf import settings

from tests.impersonation.conftest import begin
from tests.pages import Row, World, changed, contents, rows
from tests.test_access import PERMITTED, route

OUT = ("accounts:sign-out", "impersonation:stop")  # the ways out
HEALTH = ("healthz", "readyz")  # answered before anybody asks who it is
ROWS = [row for row in rows() if row.name not in (*OUT, *HEALTH)]
PEOPLE = ("ada", "nell")


def expected(row: Row, person: str, method: str) -> set[int]:
    assert row.access is not None
    if person not in row.who.split() or not row.access.impersonating:
        return {403}
    if method not in row.methods:
        return {405}
    return PERMITTED | {403} if row.access.rule else PERMITTED


@pytest.fixture(scope="module")
def begun(_world_as_made: World, django_db_blocker: Any) -> dict[tuple[str, str], str]:
    """The keys of root's sessions by mode and person, begun once beneath the transactions of the tests."""
    world, keys = _world_as_made, {}
    with django_db_blocker.unblock():
        for mode in ("look", "act"):
            for person in PEOPLE:
                client = world.client("root")
                begin(client, world.people[person], mode)
                keys[mode, person] = client.cookies[settings.SESSION_COOKIE_NAME].value
    return keys


@pytest.mark.parametrize("row", ROWS, ids=route)
def test_every_row_as_somebody_else(row: Row, begun: dict[tuple[str, str], str], world: World) -> None:
    for person in PEOPLE:
        looking, acting = (world.client_with(begun[mode, person]) for mode in ("look", "act"))
        before, address = contents(), row.address(**world.ids)
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"):
            status = looking.generic(method, address).status_code
            wanted = expected(row, person, method) if method in ("GET", "HEAD") else {403}
            assert status in wanted, f"{method} {row.route} looking as {person}: {status}"
        assert changed(before) in ([], ["audit_entry"]), "only what was refused is written down"
        for method in ("GET", "POST"):
            status = acting.generic(method, address).status_code
            assert status in expected(row, person, method), f"{method} {row.route} as {person}: {status}"
