"""An upload takes as long as its file is large: what the account may by its end counts."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from accounts.roles import Role
from resources.files import path_of
from resources.models import Resource
from resources.roles import Kind, ResourceRole
from tests.conftest import Make
from tests.resources.conftest import give

HALF = b"z" * 300_000
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


def lock(account: Account, parent: Resource) -> None:
    Account.objects.filter(pk=account.pk).update(locked_at=timezone.now())


def demote(account: Account, parent: Resource) -> None:
    Account.objects.filter(pk=account.pk).update(role=Role.NONE)


def close(account: Account, parent: Resource) -> None:
    give(account, parent, ResourceRole.NONE)


@pytest.mark.parametrize("meanwhile", [lock, demote, close])
@pytest.mark.parametrize("by", ["page", "script"])
def test_what_was_taken_away_meanwhile_counts(
    by: str,
    meanwhile: Callable[[Account, Resource], None],
    live_server: LiveServer,
    make: Make,
    connie: Account,
    studio: Resource,
) -> None:
    client = make.client(connie)
    client.get("/recordings/new/")
    cookies = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    token = client.cookies[django_settings.CSRF_COOKIE_NAME].value
    start, end = request(by, studio, token)
    head = f"Host: localhost\r\nCookie: {cookies}\r\nConnection: close\r\n"
    length = len(start[1]) + 2 * len(HALF) + len(end)
    port = int(live_server.url.rpartition(":")[2])
    with socket.create_connection(("localhost", port), timeout=20) as line:
        line.sendall(f"{start[0]}{head}Content-Length: {length}\r\n\r\n".encode() + start[1] + HALF)
        wait_for_the_file()
        meanwhile(connie, studio)
        line.sendall(HALF + end)
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    assert answer[9:12] in (b"403", b"422"), answer[:300]  # 422: there is no such parent for this person now
    assert not list(path_of(0).parent.iterdir())
    assert not Resource.objects.of_kind(Kind.RECORDING).exists()


def request(by: str, parent: Resource, token: str) -> tuple[tuple[str, bytes], bytes]:
    """Its first lines, and what of the body stands before and behind the file."""
    if by == "script":
        line = f"POST /api/v1/recordings?title=Big&parent={parent.pk} HTTP/1.1\r\n"
        return (f"{line}X-CSRFToken: {token}\r\n", b""), b""
    fields = {"csrfmiddlewaretoken": token, "title": "Big", "parent": parent.pk}
    text = "".join(f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items())
    file = '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    whole = '\r\n--x\r\nContent-Disposition: form-data; name="whole"\r\n\r\non\r\n--x--\r\n'
    line = "POST /recordings/new/ HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    return (line, (text + file).encode()), whole.encode()


def wait_for_the_file() -> None:
    deadline = time.monotonic() + 20
    while not list(path_of(0).parent.glob("*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
