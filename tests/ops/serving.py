"""The whole server as processes, as ``make run`` starts it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Self

from django.conf import settings

LIMIT = 60.0  # seconds; an idle machine needs 4
ROOT = Path(settings.BASE_DIR)


def environment() -> dict[str, str]:
    """This process's without a word about Agora."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGORA_", "DJANGO_"))}
    for name in ("DATABASE_URL", "REDIS_URL", "HOST", "PORT"):
        kept.pop(name, None)
    return kept


class Server:
    """The supervisor, its address and every process that was started with its data folder."""

    def __init__(self, data: Path, *parts: str, workers: int = 1) -> None:
        self.data, self.parts, self.logs = data, parts, list[Path]()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = environment() | {
            "AGORA_DATA": str(data), "HOST": "127.0.0.1", "PORT": str(self.port), "AGORA_WORKERS": str(workers),
        }  # fmt: skip
        self.start()

    def start(self) -> None:
        """The supervisor, with what it says in a file of its own each time."""
        self.logs.append(self.data.with_suffix(f".{len(self.logs)}.log"))
        self.worker_before = self.logged("worker").count(" ready.")
        with self.log.open("w") as log:
            self.supervisor = subprocess.Popen(
                [sys.executable, "-m", "agora.serve", *self.parts], cwd=ROOT, env=self.environment, stdout=log,
                stderr=log,
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *how: object) -> None:
        self.kill()

    def kill(self) -> None:
        """Everything at once."""
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.supervisor.wait()
        self.until(lambda: not self.processes())

    @property
    def log(self) -> Path:
        return self.logs[-1]

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

    def worker_is_ready(self) -> None:
        self.until(lambda: self.logged("worker").count(" ready.") > self.worker_before)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def ready(self) -> "Server":
        self.until(lambda: "Agora is running" in self.log.read_text())
        assert "ok" in self.get("/readyz")
        return self
