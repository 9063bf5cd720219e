"""The hostname setting in a server of several processes: each follows at its next request."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.conftest import Prepared, Run
from tests.ops.serving import Server

RENAME = """
import django
django.setup()
from settings_admin.models import ServerSettings
ServerSettings.objects.update(hostname="new.example")
"""


@pytest.fixture
def pair(tmp_path: Path, prepared: Prepared) -> Iterator[Server]:
    """A web server of two processes, with nothing in the background."""
    with Server(prepared(tmp_path / "data"), "web", workers=2) as server:
        yield server.ready()


def test_every_process_follows_without_a_restart(pair: Server, run: Run) -> None:
    def ask(host: str) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{pair.port}/sign-in/", headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    assert {ask("new.example") for _ in range(12)} == {400}
    done = run("-c", RENAME, AGORA_DATA=str(pair.data), AGORA_SECRET_KEY="", AGORA_ENCRYPTION_KEY="")
    assert done.returncode == 0, done.stderr
    assert {ask("new.example") for _ in range(12)} == {200}
    assert {ask("127.0.0.1") for _ in range(4)} == {200}
