"""``python -m agora.serve`` as ``make run`` starts it: answers, keeps its web server alive, leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from agora import serve

LIMIT = 60.0  # seconds; an idle machine needs 4
ROOT = Path(settings.BASE_DIR)


class Server:
    """The supervisor, its address and every process that was started with its data folder."""

    def __init__(self, data: Path, workers: int = 1) -> None:
        self.data = data
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGORA_", "DJANGO_"))}
        for name in ("DATABASE_URL", "REDIS_URL"):
            kept.pop(name, None)
        self.environment = kept | {
            "AGORA_DATA": str(data), "HOST": "127.0.0.1", "PORT": str(self.port), "AGORA_WORKERS": str(workers),
        }  # fmt: skip
        self.log = data.with_suffix(".log")
        self.supervisor = self.start()

    def start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "agora.serve"], cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=LIMIT) as answer:
            return str(answer.read().decode())

    def processes(self) -> set[int]:
        mark, found = f"AGORA_DATA={self.data}".encode(), set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.add(int(folder.name))
            except OSError:  # ended meanwhile, or somebody else's
                continue
        return found

    def children(self, name: str) -> set[int]:
        """The supervisor's own children whose command line has this word."""
        return {
            pid for pid in self.processes()
            if re.search(rf"^PPid:\t{self.supervisor.pid}$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
            and name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        }  # fmt: skip

    def logged(self, name: str) -> str:
        path = self.data / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def ready(self) -> "Server":
        self.until(lambda: "Agora is running" in self.log.read_text())
        assert "ok" in self.get("/readyz")
        return self


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    yield server.ready()
    for pid in server.processes():
        os.kill(pid, signal.SIGKILL)
    server.supervisor.wait()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_everything(server: Server, stop: signal.Signals) -> None:
    server.until(lambda: len(server.processes()) >= 6)  # the supervisor, gunicorn and its worker, queue, worker, beat
    server.supervisor.send_signal(stop)
    assert server.supervisor.wait(LIMIT) == 0
    assert server.processes() == set()


def test_a_killed_supervisor_leaves_no_orphans(server: Server) -> None:
    server.supervisor.kill()
    server.supervisor.wait()
    server.until(lambda: not server.processes())


def test_a_killed_web_server_comes_back_and_requests_wait_for_it(server: Server) -> None:
    (web,) = server.children("gunicorn")
    os.kill(web, signal.SIGKILL)
    server.until(lambda: "web ended with status -9; starting it again in 1 s." in server.log.read_text())
    assert server.children("gunicorn") == set()
    assert "ok" in server.get("/readyz")
    assert server.children("gunicorn") != {web}


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_killed_helper_comes_back(server: Server, name: str) -> None:
    server.until(lambda: server.logged(name))
    (killed,) = server.children(name)
    os.kill(killed, signal.SIGKILL)
    server.until(lambda: f"{name} ended with status -9; starting it again in 1 s." in server.log.read_text())
    server.until(lambda: server.children(name) - {killed})


def test_a_killed_queue_comes_back_and_the_worker_finds_it(server: Server) -> None:
    server.until(lambda: " ready." in server.logged("worker"))
    (killed,) = {pid for pid in server.processes() if b"valkey-server" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    os.kill(killed, signal.SIGKILL)
    server.until(lambda: "queue ended with status -9; starting it again in 1 s." in server.log.read_text())
    server.until(lambda: server.logged("worker").count("Connected to redis+socket://") == 2)


def test_logs_are_files_for_the_owner_only_and_root_is_not_warned(server: Server) -> None:
    names = ["access", "beat", "error", "queue", "worker"]
    server.until(lambda: all((server.data / "log" / f"{name}.log").exists() for name in names))
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (server.data / "log").iterdir()}
    assert modes == {f"{name}.log": "0o600" for name in names}
    server.until(lambda: " ready." in server.logged("worker"))
    assert "superuser privileges" not in server.log.read_text() + server.logged("worker")


def test_a_second_server_on_the_port_says_so_and_ends(server: Server) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "agora.serve"], cwd=ROOT, env=server.environment, capture_output=True, text=True,
        timeout=LIMIT, check=False,
    )  # fmt: skip
    assert second.returncode == 1
    assert second.stderr.startswith(f"Port {server.port} on 127.0.0.1 is in use. Choose another one: make run PORT=")
    assert "Traceback" not in second.stderr
    assert "ok" in server.get("/readyz")


def test_the_first_password_is_shown_once(server: Server) -> None:
    assert re.search(r"Username: admin\n +Password: \S{16,}\n", server.log.read_text())
    server.supervisor.terminate()
    server.supervisor.wait(LIMIT)
    server.supervisor = server.start()
    assert "Password" not in server.ready().log.read_text()


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/ or http://localhost:8000/"),
        ("192.0.2.7", "http://192.0.2.7:8000/"),
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_it_says_an_address_at_which_passkeys_work(host: str, shown: str) -> None:
    assert serve.addresses(host, 8000) == shown
