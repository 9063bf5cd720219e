"""Recordings of 3 GB, up by the page and by a streamer and down again: how fast, and with how much memory."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from accounts.models import Account
from accounts.roles import Role
from agora.base.actor import Actor
from bench import databases
from bench.cluster import cluster, url
from bench.timing import Line, Table
from resources.services.resources import create_stream, create_streamer
from resources.services.streamer_keys import make_key
from sessions_admin.store import SessionStore
from tests.resources.test_upload_memory import upload
from tests.services.server import PIECE, Server, pieces, server

LIMIT = 256  # megabytes


def measure(table: Table, *, megabytes: int) -> None:
    table.section(f"A recording of {megabytes:,} MB through one web process")
    with cluster(None) as socket, tempfile.TemporaryDirectory(prefix="agora-upload-") as folder:
        databases.create(socket, "upload")
        databases.add_postgres(socket, "upload")
        with databases.use("upload"):
            databases.migrate()
            cookie, key = _prepare()
        with server(Path(folder), database=url(socket, "upload")) as web:
            where = ""

            def by_form() -> None:
                nonlocal where
                where = upload(web, cookie, megabytes)

            _line(table, web, "Upload by the page", megabytes, by_form)
            _line(table, web, "Upload by a streamer", megabytes, lambda: _by_streamer(web, key, megabytes))
            _line(table, web, "Download", megabytes, lambda: _down(web, cookie, where))


def _prepare() -> tuple[str, str]:
    account = Account.objects.create(username="uploader", role=Role.ADMINISTRATOR, password="!")
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(account.pk), "accounts.backends.LocalBackend"
    store[HASH_SESSION_KEY] = account.get_session_auth_hash()
    store.create()
    streamer = create_streamer("origin1.example.com", actor=Actor.system())
    create_stream("studio-2", streamer=streamer, actor=Actor.system())
    return f"agora_session={store.session_key}", make_key(streamer, actor=Actor.system())


def _line(table: Table, web: Server, what: str, megabytes: int, act: Callable[[], None]) -> None:
    web.forget_peak()
    started = time.perf_counter()
    act()
    rate = megabytes / (time.perf_counter() - started)
    peak = web.peak() / 2**20
    table.add(Line(f"{what}: most memory at once", f"{rate:,.0f} MB/s", "", peak, f"<= {LIMIT}", "MB"))


def _by_streamer(web: Server, key: str, megabytes: int) -> None:
    bearer = {"Authorization": f"Bearer {key}"}
    _answer, said = web.send("POST", "/api/v1/streamer/recordings", b'{"stream": "studio-2", "id": "r-1"}', **bearer)
    path = f"/api/v1/streamer/recordings/{json.loads(said)['id']}/file"
    answer, _said = web.send("PUT", path, pieces(megabytes), Content_Length=str(megabytes * len(PIECE)), **bearer)
    assert answer.status == 200


def _down(web: Server, cookie: str, where: str) -> None:
    connection = web.connect()
    connection.request("GET", f"{where}download/", headers={"Cookie": cookie})
    answer = connection.getresponse()
    while answer.read(2**20):
        pass
    connection.close()
