"""A full disk: said to the page, the streamer and the script; nothing half-kept, and what fits is taken afterwards."""

import ctypes
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account
from resources.models import Grant, Resource
from resources.roles import Kind
from resources.services.recordings import disk_full
from tests.conftest import Make
from tests.resources.conftest import Machine
from tests.resources.test_recordings import kept, send
from tests.services import missing


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, where the machine lets us have one."""
    folder = tmp_path / "files" / "recordings"
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        missing("A small disk needs the right to mount: run as root, in a container with --cap-add SYS_ADMIN.")
    yield folder
    ctypes.CDLL(None).umount2(os.fsencode(folder), 2)


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_said_and_nothing_is_kept(make: Make, connie: Account) -> None:
    client = make.client(connie)
    answer = send(client, content=b"x" * 3_000_000)
    assert answer.status_code == 507 and "disk is full" in answer.content.decode()
    assert (kept(), Resource.objects.count()) == ([], 0)
    assert send(client, content=b"x" * 300_000).status_code == 302


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_said_to_a_streamer_and_nothing_is_kept(studio: Resource, machine: Machine) -> None:
    pk = machine.told("POST", "recordings", {"stream": "studio-2", "id": "r-1"})["id"]
    answer = machine.call("PUT", f"recordings/{pk}/file", b"x" * 3_000_000)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert kept() == []
    assert machine.told("PUT", f"recordings/{pk}/file", b"x" * 300_000)["size"] == 300_000


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_said_to_a_script_and_nothing_is_kept(make: Make, connie: Account, studio: Resource) -> None:
    client, address = make.client(connie), f"/api/v1/recordings?title=Big&parent={studio.pk}"
    answer = client.generic("POST", address, b"x" * 3_000_000, content_type="video/mp4")
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert "nothing of the upload was kept" in answer.json()["detail"]
    assert (kept(), Resource.objects.of_kind(Kind.RECORDING).count()) == ([], 0)
    assert not Grant.objects.of_account(connie).exists()
    assert client.generic("POST", address, b"x" * 300_000, content_type="video/mp4").status_code == 201
    assert len(kept()) == 1


def test_only_a_full_disk_is_called_one() -> None:
    assert disk_full(OSError(errno.ENOSPC, "No space left")).status == 507
    with pytest.raises(PermissionError):
        disk_full(PermissionError(errno.EACCES, "Permission denied"))
