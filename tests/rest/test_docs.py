"""The documentation is true: each job of docs/api.md is run by a shell against a live server."""

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from agora.api import SCHEMA
from api_keys.models import ApiKey
from api_keys.services.keys import create_key
from api_keys.services.use import KeyRefused
from sessions_admin.models import Session
from tests.conftest import Make
from tests.services import missing

TEXT = (Path(settings.BASE_DIR) / "docs" / "api.md").read_text().partition("\n## For streamers\n")[0]
JOBS = re.findall(r"\n([^\n]+)\n\n```sh\n(.*?)```", TEXT, re.DOTALL)
# What the answer to each job holds, in their order.
SHOWN = [
    '"permissions":', '"username":"j.weber"', '"username":"j.weber"', '"next":null', '"last_name":"Weber-Frei"',
    '"password":"temporary"', '"locked_at":null', '"cause":"ended"', '"outcome":"denied"', '"api_key":"Shell"',
    '"your_role":"administrator"', '"changed":["j.weber"]', '"changed":["ada","j.weber"]', '"because":"grant"',
    '"because":"no_account"', "1024 first.kb", "204",
]  # fmt: skip


def test_there_are_as_many_jobs_as_answers() -> None:
    assert len(JOBS) == len(SHOWN) > 15


@pytest.mark.django_db(transaction=True)
def test_every_job_does_what_it_says(
    live_server: LiveServer, make: Make, ada: Account, vic: Account, tmp_path: Path
) -> None:
    """In one shell, in their order: the account that one makes is changed and locked by the next."""
    curl = shutil.which("curl") or missing("curl is not installed. Install it with: apt-get install -y curl")
    assert curl
    others = [create_key(ada, name, actor=make.actor(ada))[0] for name in ("Another", "Yet another")]
    _key, secret = create_key(ada, "Shell", actor=make.actor(ada))
    make.client(vic)
    make.client(vic).post("/accounts/lock/")  # something that was refused
    marked = "\n".join(f"echo '=== {number}'\n{commands}" for number, (_title, commands) in enumerate(JOBS))
    environment = os.environ | {"AGORA": live_server.url, "KEY": secret}
    done = subprocess.run(
        ["bash", "-eu"], input=marked, env=environment, capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    answers = re.split(r"=== \d+\n", done.stdout)[1:]
    for (title, _commands), wanted, answer in zip(JOBS, SHOWN, answers, strict=True):
        assert wanted in answer.replace('": ', '":'), f"{title}\n{answer}"
    weber = Account.objects.get(username="j.weber")
    assert (weber.last_name, weber.must_change_password, weber.is_locked) == ("Weber-Frei", True, False)
    assert Session.objects.filter(cause="ended").count() == 1
    key = ApiKey.objects.get(name="Shell")
    assert key.set_at > key.created_at, "its secret was renewed"
    assert [ApiKey.objects.get(pk=other.pk).set_at for other in others] == [other.set_at for other in others]


def test_the_text_names_every_code_of_a_refused_key() -> None:
    codes = {kind().code for kind in KeyRefused.__subclasses__()}
    assert all(f"`{code}`" in TEXT for code in codes)


def test_every_operation_tells_who_may_call_it() -> None:
    operations = [one for methods in SCHEMA["paths"].values() for one in methods.values()]
    assert all(one["x-access"] and one["summary"] and one["tags"] for one in operations)
    assert all({"400", "401", "403", "429"} <= set(one["responses"]) for one in operations)


def test_the_page_shows_every_operation(make: Make, nell: Account) -> None:
    page = html.unescape(make.client(nell).get("/api/docs/").content.decode())
    for path, methods in SCHEMA["paths"].items():
        assert path in page
        assert all(operation["summary"] in page for operation in methods.values())
