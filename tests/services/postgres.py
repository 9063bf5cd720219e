"""A private PostgreSQL: our own child process in a temporary folder, on a Unix socket, without waiting for disks.

It is started once by the test run's first process; its workers find its address in AGORA_TEST_DATABASE_URL and take a
database each. It ends with that process, however that ends (PR_SET_PDEATHSIG).
"""

import atexit
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg2

VARIABLE = "AGORA_TEST_DATABASE_URL"
INSTALL = "PostgreSQL is not installed. Install it with: apt-get install -y --no-install-recommends postgresql"
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LONGEST_SOCKET_FOLDER = 80  # the whole path of a Unix socket has at most 107 bytes
START_WITHIN = 30.0  # seconds

_prctl = ctypes.CDLL(None, use_errno=True).prctl


class Missing(Exception):
    """There is no PostgreSQL on this machine."""


def wanted() -> bool:
    """Does this run ask for PostgreSQL (AGORA_TEST_POSTGRES=1) instead of SQLite?"""
    return os.environ.get("AGORA_TEST_POSTGRES", "") not in ("", "0")


def address() -> str:
    """The URL of the running server, started now if this is the first process of the run. Raises Missing."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = _start()
    return os.environ[VARIABLE]


def program(name: str) -> Path:
    """The newest installed version of one of PostgreSQL's programs. Raises Missing."""
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[4]))
    found = str(packaged[-1]) if packaged else shutil.which(name)
    if found is None:
        raise Missing(INSTALL)
    return Path(found)


def _owner() -> str | None:
    """PostgreSQL refuses to run as root: the account that runs it then, else None."""
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _end_with_parent(sent: signal.Signals) -> Callable[[], None]:
    return lambda: _prctl(PR_SET_PDEATHSIG, int(sent), 0, 0, 0)


def _start() -> str:
    initdb, postgres = program("initdb"), program("postgres")
    folder = tempfile.mkdtemp(prefix="agora-pg-")
    if len(folder) > LONGEST_SOCKET_FOLDER:
        shutil.rmtree(folder)
        folder = tempfile.mkdtemp(prefix="agora-pg-", dir="/tmp")
    owner = _owner()
    if owner:
        shutil.chown(folder, owner)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"TZ": "UTC"}
    cluster = ["--no-sync", "--auth=trust", "--username=agora", "--encoding=UTF8", "--locale=C.UTF-8"]
    subprocess.run(
        [initdb, *cluster, "-D", f"{folder}/data"],
        check=True, capture_output=True, user=owner, env=environment, cwd=folder,
    )  # fmt: skip
    fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
    options = [part for name, value in fast.items() for part in ("-c", f"{name}={value}")]
    with open(f"{folder}/log", "wb") as log:
        server = subprocess.Popen(
            [postgres, "-D", f"{folder}/data", "-k", folder, "-c", "listen_addresses=", *options],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=owner, env=environment, cwd=folder,
            start_new_session=True,  # Ctrl-C ends the tests first, and they end the server
            preexec_fn=_end_with_parent(signal.SIGQUIT),  # one thread so far
        )  # fmt: skip
    atexit.register(_stop, server, folder, os.getpid())
    _wait_for(server, folder)
    return f"postgres://agora@{quote(folder, safe='')}:5432/agora"


def _wait_for(server: "subprocess.Popen[bytes]", folder: str) -> None:
    """Until it answers; makes the database whose name the workers' databases start with."""
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            connection = psycopg2.connect(host=folder, port=5432, user="agora", dbname="postgres")
            break
        except psycopg2.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{Path(folder, 'log').read_text()}") from None
            time.sleep(0.02)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE agora")
    connection.close()


def _stop(server: "subprocess.Popen[bytes]", folder: str, started_by: int) -> None:
    if os.getpid() != started_by:
        return  # a fork of the process that started it
    server.send_signal(signal.SIGQUIT)  # its data is thrown away: at once, without a checkpoint
    server.wait(10)
    shutil.rmtree(folder, ignore_errors=True)
