"""Every URL as a superuser in admin mode: what the superuser may, and every project besides; nothing else opens."""

import pytest

from projects.models import Project
from tests.conftest import PASSWORD, Make
from tests.pages import Row, World, rows
from tests.test_access import PERMITTED, route

ROWS = [
    row for row in rows() if row.name not in ("accounts:sign-out", "projects:admin-mode-stop", "impersonation:stop")
]


@pytest.mark.parametrize("row", ROWS, ids=route)
def test_every_row_in_admin_mode(row: Row, make: Make, world: World) -> None:
    rita = make.account("rita", role="administrator", is_superuser=True, password=PASSWORD)
    outside, inside = make.client(rita), make.client(rita)
    assert inside.post("/admin-mode/", {"reason": "Ticket 1", "password": PASSWORD}).status_code == 302
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
