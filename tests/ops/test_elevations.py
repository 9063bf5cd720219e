"""Admin mode and impersonation while processes are killed: neither lost nor prolonged, each end recorded once."""

import http.cookiejar
import os
import re
import signal
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PASSWORD
from tests.ops.conftest import Prepared, Run
from tests.ops.serving import LIMIT, Server

PREPARE = f"""
import django
django.setup()
from django.core.management import call_command
call_command("create-account", "-u", "root", "-p", {PASSWORD!r}, "--superuser")
call_command("create-account", "-u", "vic", "-p", {PASSWORD!r}, "--role", "viewer")
"""


class Browser:
    """Cookies, forms with their token, and the page that came last."""

    def __init__(self, server: Server) -> None:
        self.server, self.page = server, ""
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, path: str) -> str:
        with self.opener.open(f"http://127.0.0.1:{self.server.port}{path}", timeout=LIMIT) as answer:
            self.page = answer.read().decode()
        return self.page

    def post(self, path: str, **fields: str) -> str:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.page)
        assert token, self.page
        data = urllib.parse.urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode()
        with self.opener.open(f"http://127.0.0.1:{self.server.port}{path}", data, timeout=LIMIT) as answer:
            self.page = answer.read().decode()
        return self.page


def ask(server: Server, sql: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(server.data / "agora.sqlite3", timeout=LIMIT) as database:
        return database.execute(sql).fetchall()


@pytest.fixture
def server(tmp_path: Path, prepared: Prepared, run: Run) -> Iterator[Server]:
    """With the accounts root and vic."""
    data = prepared(tmp_path / "data")
    done = run("-c", PREPARE, AGORA_DATA=str(data), AGORA_SECRET_KEY="", AGORA_ENCRYPTION_KEY="")
    assert done.returncode == 0, done.stderr
    with Server(data) as server:
        yield server.ready()


def signed_in(server: Server) -> Browser:
    """The superuser."""
    browser = Browser(server)
    browser.get("/sign-in/")
    browser.post("/sign-in/", username="root", password=PASSWORD)
    return browser


def kill_the_web(server: Server) -> None:
    (web,) = server.children("gunicorn")
    os.kill(web, signal.SIGKILL)
    server.until(lambda: server.children("gunicorn") - {web})


def kill_everything(server: Server) -> None:
    server.kill()
    server.start()
    server.ready()


def test_both_go_on_as_they_were_and_end_once(server: Server) -> None:
    """In two sessions at once; what goes on is under both names, and no restart prolongs admin mode."""
    acting, above = signed_in(server), signed_in(server)
    ((vic,),) = ask(server, "SELECT id FROM accounts_account WHERE username = 'vic'")
    acting.get(f"/settings/impersonate/{vic}/")
    acting.post(f"/settings/impersonate/{vic}/", reason="Ticket 1", mode="act")
    above.get("/admin-mode/")
    assert "min left" in above.post("/admin-mode/", reason="Ticket 1", password=PASSWORD)
    ends = ask(server, "SELECT ends_at FROM sessions_admin_elevation ORDER BY id")
    kill_the_web(server)
    assert "<strong>vic</strong>" in acting.get("/profile/")
    acting.post("/profile/names/", first_name="Victor", last_name="", email="")
    assert "<strong>vic</strong>" in acting.page

    kill_everything(server)
    assert "<strong>vic</strong>" in acting.get("/")
    assert "min left" in above.get("/projects/")
    assert ask(server, "SELECT ends_at FROM sessions_admin_elevation ORDER BY id") == ends
    acting.post("/settings/impersonate/stop/")
    assert "impersonating" not in acting.get("/")
    past = "started_at = '2026-01-01', ends_at = '2026-01-02'"
    ask(server, f"UPDATE sessions_admin_elevation SET {past} WHERE kind = 'admin_mode'")

    kill_everything(server)
    assert "min left" not in above.get("/projects/")
    ended = "SELECT json_extract(details, '$.cause') FROM audit_entry WHERE event = 'admin_mode.ended'"
    assert ask(server, ended) == [("time",)]
    which = "elevation_id = (SELECT id FROM sessions_admin_elevation WHERE kind = 'impersonation')"
    entries = f"SELECT event, actor_name, behalf_name FROM audit_entry WHERE {which} ORDER BY id"
    assert ask(server, entries) == [
        (event, "root", "vic") for event in ("impersonation.started", "account.changed", "impersonation.ended")
    ]
    lines = (server.data / "log" / "access.log").read_text()
    assert '[root as vic] "POST /profile/names/"' in lines
    assert '[root as vic] "POST /settings/impersonate/stop/"' in lines
    assert '[-] "GET /sign-in/"' in lines
