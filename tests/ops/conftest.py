"""The server's commands as processes of their own, with a data folder of their own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.ops.serving import ROOT, environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Prepared = Callable[[Path], Path]
LIMIT = 60  # seconds


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run("manage.py", "check", AGORA_DEBUG="1")``; without a word about them there are keys and an empty folder."""
    usual = {
        "AGORA_DATA": str(tmp_path),
        "AGORA_SECRET_KEY": Fernet.generate_key().decode(),
        "AGORA_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "DJANGO_SETTINGS_MODULE": "agora.settings",
        "PYTHONPATH": str(ROOT),
    }

    def start(*command: str, typed: str = "", **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *command], input=typed, env=environment() | usual | more, cwd=ROOT, timeout=LIMIT,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return start


@pytest.fixture(scope="session")
def _as_prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("prepared") / "data"
    command = [sys.executable, "-m", "agora.prepare"]
    subprocess.run(command, env=environment() | {"AGORA_DATA": str(data)}, cwd=ROOT, timeout=LIMIT, check=True)
    return data


@pytest.fixture(scope="session")
def prepared(_as_prepared: Path) -> Prepared:
    """``prepared(folder / "data")`` is a data folder as ``make prepare`` leaves it: with tables, without accounts."""
    return lambda data: Path(shutil.copytree(_as_prepared, data, dirs_exist_ok=True))
