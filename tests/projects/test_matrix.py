"""Every URL as a superuser in admin mode: what the superuser may, and every project besides; nothing else opens."""

from typing import Any

import pytest
from django.conf import settings

from projects.models import Project
from tests.conftest import PASSWORD
from tests.pages import Row, World, rows
from tests.test_access import PERMITTED, route

ROWS = [
    row for row in rows() if row.name not in ("accounts:sign-out", "projects:admin-mode-stop", "impersonation:stop")
]


@pytest.fixture(scope="module")
def sessions(_world_as_made: World, django_db_blocker: Any) -> list[str]:
    """The keys of two of rita's, the second in admin mode, begun once beneath the transactions of the tests."""
    with django_db_blocker.unblock():
        facts: dict[str, Any] = {"role": "administrator", "is_superuser": True, "password": PASSWORD}
        rita = _world_as_made.make.account("rita", **facts)
        outside, inside = _world_as_made.make.client(rita), _world_as_made.make.client(rita)
        assert inside.post("/admin-mode/", {"reason": "Ticket 1", "password": PASSWORD}).status_code == 302
    return [client.cookies[settings.SESSION_COOKIE_NAME].value for client in (outside, inside)]


@pytest.mark.parametrize("row", ROWS, ids=route)
def test_every_row_in_admin_mode(row: Row, sessions: list[str], world: World) -> None:
    outside, inside = map(world.client_with, sessions)
    address = row.address(**world.ids)
    for method in ("GET", "POST"):
        before, within = (client.generic(method, address).status_code for client in (outside, inside))
        said = f"{method} {row.route}: {before} outside, {within} inside"
        if row.route.startswith("/projects/<int:pk>/"):
            assert before == (404 if method in row.methods else 405), said
            assert within in (PERMITTED - {404} if method in row.methods else {405}), said
        else:
            assert within == before or {within, before} <= PERMITTED, said
    assert Project.objects.filter(pk=world.project.pk).exists()
