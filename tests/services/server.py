"""A real web server with one worker process, as in production, whose memory is measured."""

import os
import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from django.conf import settings

from tests.services.background import database_url

START_WITHIN = 60.0  # seconds


class Server:
    """Answers at ``port`` of this machine; its output is in ``data``."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, data: Path) -> None:
        self.process, self.port, self.data = process, port, data

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=600)

    def send(
        self, method: str, path: str, body: Iterator[bytes] | bytes | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        """The answer and its body, read whole."""
        connection = self.connect()
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        return answer, told

    def workers(self) -> list[int]:
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def cap(self, memory: int) -> None:
        """From now on a worker gets no more than so many bytes of memory of its own, or the request fails that asks for
        it. Threads' stacks count, files that are mapped don't (setrlimit(2), RLIMIT_DATA)."""
        for pid in (self.process.pid, *self.workers()):  # also those that are started later
            resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))

    def forget_peak(self) -> None:
        """From now on (proc(5), clear_refs)."""
        for pid in self.workers():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak(self) -> int:
        """The most memory that a worker had at once, in bytes."""
        return max(_status(pid, "VmHWM") for pid in self.workers())


def _status(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


@contextmanager
def server(data: Path, *, database: str = "") -> Iterator[Server]:
    """Ended with the block."""
    (data / "log").mkdir(parents=True, exist_ok=True)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AGORA_", "DJANGO_"))}
    environment |= {
        "AGORA_DATA": str(data),
        "AGORA_SECRET_KEY": settings.SECRET_KEY,
        "AGORA_ENCRYPTION_KEY": settings.ENCRYPTION_KEY,
        "AGORA_HOSTNAME": f"localhost:{port}",
        "AGORA_DEBUG": "on",  # static files from their sources
        "DATABASE_URL": database or database_url(),
        "DJANGO_SETTINGS_MODULE": "agora.settings",
    }
    command = [
        sys.executable, "-m", "gunicorn", "--config", "python:agora.web", "--workers", "1",
        "--bind", f"fd://{listening.fileno()}", "agora.wsgi",
    ]  # fmt: skip

    with (data / "server.out").open("ab") as out:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdout=out, stderr=out,
            pass_fds=[listening.fileno()],
        )  # fmt: skip
    listening.close()
    try:
        found = Server(process, port, data)
        _until(lambda: found.send("GET", "/healthz")[0].status == 200, process, data)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(answers: Callable[[], bool], process: subprocess.Popen[bytes], data: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while True:
        assert process.poll() is None and time.monotonic() < deadline, (data / "server.out").read_text()[-4000:]
        try:
            if answers():
                return
        except OSError:
            pass
        time.sleep(0.05)


PIECE = bytes(range(256)) * 4096  # one megabyte


def pieces(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield PIECE


def form(megabytes: int, fields: dict[str, str], boundary: str = "agora-upload") -> tuple[int, Iterator[bytes]]:
    """The length and the pieces of an upload form whose file comes before its last field, as our page sends it."""
    *first, last = fields.items()
    text = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in first
    )
    head = (
        f'{text}--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="big.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = (
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="{last[0]}"\r\n\r\n{last[1]}\r\n--{boundary}--\r\n'
    ).encode()

    def body() -> Iterator[bytes]:
        yield head
        yield from pieces(megabytes)
        yield tail

    return len(head) + megabytes * len(PIECE) + len(tail), body()
