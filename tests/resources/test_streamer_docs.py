"""The documentation for streamers is true: each command of docs/api.md is run by a shell against a live server."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as server
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from resources.files import path_of
from resources.models import Resource, Streamer, StreamSession
from resources.roles import Kind
from resources.services.streamer_keys import make_key
from tests.conftest import Make
from tests.services import missing

TEXT = (Path(server.BASE_DIR) / "docs" / "api.md").read_text().partition("\n## For streamers\n")[2]
JOBS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
# What the answer to each command holds, in their order.
SHOWN = [
    '"name":"studio-2"', "304", '"allowed":true', '"unknown":[]', '"cause":"left"', '"state":"recording"',
    '"size":18', '"duration":61.5',
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_every_command_does_what_it_says(
    live_server: LiveServer, make: Make, vic: Account, studio: Resource, origin: Resource, tmp_path: Path, settings: Any
) -> None:
    """In one shell, in their order: the session and the recording that one makes are named by the next."""
    settings.DATA_DIR = tmp_path
    for program in ("curl", "openssl"):
        if not shutil.which(program):
            missing(f"{program} is not installed. Install it with: apt-get install -y {program}")
    marked = "\n".join(f"echo '=== {number}'\n{commands}" for number, commands in enumerate(JOBS))
    environment = os.environ | {"AGORA": live_server.url, "KEY": make_key(origin, actor=make.actor())}
    done = subprocess.run(
        ["bash", "-eu"], input=marked, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    answers = re.split(r"=== \d+\n", done.stdout)[1:]
    for commands, wanted, answer in zip(JOBS, SHOWN, answers, strict=True):
        assert wanted in answer, f"{commands}\n{answer}"
    session = StreamSession.objects.get()
    assert (session.account, session.bytes, session.cause) == (vic, 2_097_152, "left")
    recording = Resource.objects.with_facts().of_kind(Kind.RECORDING).get()
    assert (recording.parent_id, recording.recording.state) == (session.pk, "ready")
    assert path_of(recording.pk).read_text() == "pictures and sound"
    assert Streamer.objects.get().cpu == 37.5


def test_the_text_names_every_operation() -> None:
    from agora.api import SCHEMA

    paths = [path for path in SCHEMA["paths"] if path.startswith("/api/v1/streamer/")]
    assert len(paths) == 7
    for path in paths:
        shape = re.sub(r"\\\{\w+\\\}", r"\\$\\w+", re.escape(path))
        assert re.search(shape, TEXT), path
