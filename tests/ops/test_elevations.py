"""Admin mode and impersonation while processes are killed: neither lost nor prolonged, each end recorded once."""

import http.cookiejar
import os
import re
import signal
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import PASSWORD
from tests.ops.test_serve import LIMIT, ROOT, Server, server

__all__ = ["server"]


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
def root(server: Server) -> Browser:
    """The superuser, signed in."""
    for name, more in (("root", ["--superuser"]), ("vic", ["--role", "viewer"])):
        command = [sys.executable, str(Path(ROOT) / "manage.py"), "create-account", "-u", name, "-p", PASSWORD, *more]
        subprocess.run(command, env=server.environment, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT)
    browser = Browser(server)
    browser.get("/sign-in/")
    browser.post("/sign-in/", username="root", password=PASSWORD)
    return browser


def kill_the_web(server: Server) -> None:
    (web,) = server.children("gunicorn")
    os.kill(web, signal.SIGKILL)
    server.until(lambda: server.children("gunicorn") - {web})


def kill_everything(server: Server) -> None:
    for pid in server.processes():
        os.kill(pid, signal.SIGKILL)
    server.supervisor.wait()
    server.until(lambda: not server.processes())
    server.supervisor = server.start()
    server.ready()


def test_impersonation_goes_on_under_both_names_and_ends_once(server: Server, root: Browser) -> None:
    ((vic,),) = ask(server, "SELECT id FROM accounts_account WHERE username = 'vic'")
    root.get(f"/settings/impersonate/{vic}/")
    root.post(f"/settings/impersonate/{vic}/", reason="Ticket 1", mode="act")
    kill_the_web(server)
    assert "<strong>vic</strong>" in root.get("/profile/")
    root.post("/profile/names/", first_name="Victor", last_name="", email="")
    assert "<strong>vic</strong>" in root.page
    kill_everything(server)
    assert "<strong>vic</strong>" in root.get("/")
    root.post("/settings/impersonate/stop/")
    assert "impersonating" not in root.get("/")
    entries = "SELECT event, actor_name, behalf_name FROM audit_entry WHERE elevation_id IS NOT NULL ORDER BY id"
    lines = (server.data / "log" / "access.log").read_text()
    assert '[root as vic] "POST /profile/names/"' in lines
    assert '[root as vic] "POST /settings/impersonate/stop/"' in lines
    assert '[-] "GET /sign-in/"' in lines
    assert ask(server, entries) == [
        (event, "root", "vic") for event in ("impersonation.started", "account.changed", "impersonation.ended")
    ]


def test_admin_mode_is_not_prolonged_by_a_restart(server: Server, root: Browser) -> None:
    root.get("/admin-mode/")
    assert "min left" in root.post("/admin-mode/", reason="Ticket 1", password=PASSWORD)
    ends = ask(server, "SELECT ends_at FROM sessions_admin_elevation")
    kill_everything(server)
    assert "min left" in root.get("/projects/")
    assert ask(server, "SELECT ends_at FROM sessions_admin_elevation") == ends
    ask(server, "UPDATE sessions_admin_elevation SET started_at = '2026-01-01', ends_at = '2026-01-02'")
    kill_everything(server)
    assert "min left" not in root.get("/projects/")
    ended = "SELECT json_extract(details, '$.cause') FROM audit_entry WHERE event = 'admin_mode.ended'"
    assert ask(server, ended) == [("time",)]
