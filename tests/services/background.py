"""A real queue and real workers as processes of their own, to be killed: the embedded Valkey, by socket or by TCP."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import redis
from django.conf import settings
from django.db import connection

from agora.serve import background

START_WITHIN = 60.0  # seconds


def database_url() -> str:
    """The database that this test uses, for another process."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{found['NAME']}"
    return f"postgres://{found['USER']}@{quote(found['HOST'], safe='')}:{found['PORT']}/{found['NAME']}"


class Background:
    """``transport`` is "socket" (as without REDIS_URL) or "redis" (as with it)."""

    def __init__(self, data: Path, transport: str, *, database: str = "", processes: int = 1) -> None:
        self.data, self.kills = data, 0
        (data / "log").mkdir(parents=True)
        found = {child.name: child.command for child in background(["queue", "worker", "beat"], data, processes)}
        self.commands = found
        self.environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("AGORA_", "DJANGO_"))
        } | {
            "AGORA_DATA": str(data),
            "AGORA_SECRET_KEY": settings.SECRET_KEY,
            "AGORA_ENCRYPTION_KEY": settings.ENCRYPTION_KEY,
            "DATABASE_URL": database or database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
        }
        self.environment.pop("REDIS_URL", None)
        where = found["queue"][found["queue"].index("--unixsocket") + 1]
        self.url = f"redis+socket://{where}"
        self.client = redis.Redis(unix_socket_path=where, socket_timeout=5)
        if transport == "redis":
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            found["queue"][found["queue"].index("--port") + 1] = str(port)
            self.environment["REDIS_URL"] = self.url = f"redis://127.0.0.1:{port}/0"
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        with (self.data / f"{name}.out").open("ab") as out:
            self.running[name] = subprocess.Popen(
                self.commands[name], env=self.environment, cwd=settings.BASE_DIR, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip
        if name == "queue":
            self.until(self.client_answers)

    def client_answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def kill(self, name: str) -> None:
        """kill -9 of the process and of all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running.pop(name).wait()

    def tend(self) -> None:
        """Starts again what ended by itself, as the supervisor does: a worker gives up when its new pool is killed."""
        for name, process in list(self.running.items()):
            if process.poll() is not None:
                self.kill(name)
                self.start(name)

    def kill_pool_process(self) -> bool:
        """kill -9 of the one process that works, not of the worker that watches over it; False when there is none."""
        self.tend()
        parent = self.running["worker"].pid
        for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
            return True
        return False

    def signal(self, name: str, sent: signal.Signals) -> None:
        os.kill(self.running[name].pid, sent)

    def logged(self, name: str) -> str:
        path = self.data / "log" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def until(self, condition: object, within: float = START_WITHIN) -> None:
        assert callable(condition)
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, self.logged("worker")[-4000:]
            self.tend()
            time.sleep(0.02)

    def stop(self) -> None:
        self.client.close()
        for name in list(self.running):
            self.kill(name)
