"""root acting as vic, in both modes."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from tests.conftest import Make

ActAs = Callable[..., Client]


def begin(client: Client, target: Account, mode: str = "act", reason: str = "Ticket 4711") -> None:
    answer = client.post(f"/settings/impersonate/{target.pk}/", {"reason": reason, "mode": mode})
    assert answer.status_code == 302, answer.content.decode()


@pytest.fixture
def act_as(make: Make, root: Account) -> ActAs:
    """``act_as(vic)`` is root's browser, acting as vic; ``mode="look"`` to look only."""

    def start(target: Account, mode: str = "act") -> Client:
        client = make.client(root)
        begin(client, target, mode)
        return client

    return start
