"""The server's commands as processes of their own, with a data folder of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.conf import settings

Run = Callable[..., "subprocess.CompletedProcess[str]"]
ROOT = Path(settings.BASE_DIR)
LIMIT = 60  # seconds


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """``run("manage.py", "check", AGORA_DEBUG="1")``; without a word about them there are keys and an empty folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AGORA_", "DJANGO_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "HOST", "PORT"):
        inherited.pop(name, None)
    usual = {
        "AGORA_DATA": str(tmp_path),
        "AGORA_SECRET_KEY": Fernet.generate_key().decode(),
        "AGORA_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "DJANGO_SETTINGS_MODULE": "agora.settings",
        "PYTHONPATH": str(ROOT),
    }

    def start(*command: str, typed: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *command], input=typed, env=inherited | usual | environment, cwd=ROOT, timeout=LIMIT,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return start
