"""``python -m agora.serve`` as ``make run`` starts it: answers, keeps its web server alive, leaves nothing behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agora import serve
from tests.ops.serving import LIMIT, ROOT, Server


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests here, each of which ends something else of it. At first there is nothing in its folder."""
    with Server(tmp_path_factory.mktemp("serve") / "data") as server:
        yield server


@pytest.fixture
def server(lasting: Server) -> Server:
    """Started again where the test before ended it."""
    if lasting.supervisor.poll() is not None:
        lasting.start()
    return lasting.ready()


def test_a_killed_web_server_comes_back_and_requests_wait_for_it(server: Server) -> None:
    (web,) = server.children("gunicorn")
    os.kill(web, signal.SIGKILL)
    server.until(lambda: "web ended with status -9; starting it again in 1 s." in server.log.read_text())
    assert server.children("gunicorn") == set()
    assert "ok" in server.get("/readyz")
    assert server.children("gunicorn") != {web}


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_killed_helper_comes_back(server: Server, name: str) -> None:
    says = {"worker": " ready.", "beat": "beat: Starting"}[name]
    server.until(lambda: server.children(name))
    server.worker_is_ready()
    before = server.logged(name).count(says)
    (killed,) = server.children(name)
    os.kill(killed, signal.SIGKILL)
    server.until(lambda: f"{name} ended with status -9; starting it again in 1 s." in server.log.read_text())
    server.until(lambda: server.children(name) - {killed})
    server.until(lambda: server.logged(name).count(says) > before)


def test_a_killed_queue_comes_back_and_the_worker_finds_it(server: Server) -> None:
    server.worker_is_ready()
    found = "Connected to redis+socket://"
    before = server.logged("worker").count(found)
    (killed,) = {pid for pid in server.processes() if b"valkey-server" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    os.kill(killed, signal.SIGKILL)
    server.until(lambda: "queue ended with status -9; starting it again in 1 s." in server.log.read_text())
    server.until(lambda: server.logged("worker").count(found) > before)


def test_logs_are_files_for_the_owner_only_and_root_is_not_warned(server: Server) -> None:
    names = ["access", "beat", "error", "queue", "worker"]
    server.until(lambda: all((server.data / "log" / f"{name}.log").exists() for name in names))
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (server.data / "log").iterdir()}
    assert modes == {f"{name}.log": "0o600" for name in names}
    server.worker_is_ready()
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
    assert re.search(r"Username: admin\n +Password: \S{16,}\n", server.logs[0].read_text())
    server.supervisor.terminate()
    server.supervisor.wait(LIMIT)
    server.start()
    assert "Password" not in server.ready().log.read_text()


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
