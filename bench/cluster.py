"""A private PostgreSQL that writes to disk for real: the figures of writes would mean nothing with ``fsync`` off."""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2

INSTALL = "PostgreSQL is not installed. Install it with: apt-get install -y --no-install-recommends postgresql"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
START_WITHIN = 120.0  # seconds; a cluster that was not stopped cleanly replays its log first
MEMORY = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")  # bytes
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": f"{MEMORY // 4 // 2**20}MB",  # the share that PostgreSQL's manual recommends
    "effective_cache_size": "8GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "random_page_cost": "1.1",  # solid-state disks
}

_servers: dict[str, tuple[Path, "subprocess.Popen[bytes]"]] = {}  # by the folder of their socket
_prctl = ctypes.CDLL(None, use_errno=True).prctl


def program(name: str) -> str:
    """The newest installed version of one of PostgreSQL's programs."""
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    found = str(packaged[-1]) if packaged else shutil.which(name)
    if not found:
        raise SystemExit(INSTALL)
    return found


def owner() -> str | None:
    """PostgreSQL refuses to run as root: the account that runs it then, else None."""
    if os.getuid() != 0:
        return None
    return "postgres" if "postgres" in {entry.pw_name for entry in pwd.getpwall()} else "nobody"


@contextmanager
def cluster(folder: Path | None) -> Iterator[str]:
    """Runs PostgreSQL on the cluster in ``folder``, made if it is not there; yields the folder of its socket.

    Without a folder the cluster is temporary and removed at the end.
    """
    home = Path(folder or tempfile.mkdtemp(prefix="agora-bench-"))
    home.mkdir(parents=True, exist_ok=True)
    socket = tempfile.mkdtemp(prefix="agora-pg-", dir="/tmp")  # the path of a socket has at most 107 bytes
    user, data = owner(), home / "data"
    for path in (home, socket):
        if user:
            shutil.chown(path, user)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}
    if not (data / "PG_VERSION").exists():
        subprocess.run(
            [program("initdb"), "--auth=trust", "--username=agora", "--encoding=UTF8", "--locale=C.UTF-8", "-D", data],
            check=True, capture_output=True, user=user, env=environment, cwd=home,
        )  # fmt: skip
    try:
        _servers[socket] = home, _launch(home, socket)
        yield socket
    finally:
        if socket in _servers:
            stop(socket)
        shutil.rmtree(socket, ignore_errors=True)
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)


def _launch(home: Path, socket: str) -> "subprocess.Popen[bytes]":
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}
    with open(home / "log", "ab") as log:
        server = subprocess.Popen(
            [program("postgres"), "-D", home / "data", "-k", socket, *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=owner(), env=environment, cwd=home,
            start_new_session=True, preexec_fn=lambda: _prctl(PR_SET_PDEATHSIG, int(signal.SIGINT)),
        )  # fmt: skip
    _wait_for(server, socket, home / "log")
    return server


def stop(socket: str) -> None:
    """ "Fast": connections are cut, and a checkpoint, so that the cluster can be used again."""
    _home, server = _servers[socket]
    server.send_signal(signal.SIGINT)
    server.wait(300)


def restart(socket: str) -> None:
    stop(socket)
    home, _server = _servers[socket]
    _servers[socket] = home, _launch(home, socket)


def url(socket: str, database: str) -> str:
    """The DATABASE_URL of one of its databases."""
    return f"postgres://agora@{quote(socket, safe='')}:5432/{database}"


def _wait_for(server: "subprocess.Popen[bytes]", socket: str, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            psycopg2.connect(host=socket, user="agora", dbname="postgres").close()
            return
        except psycopg2.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.05)
