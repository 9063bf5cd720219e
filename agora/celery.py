"""Background work: Celery, told on commit. It wakes the workers and is trusted with nothing: what must not be lost is
a row, and each kind of row has a periodic task that finds what nobody was told of.

A task lives in its app's ``tasks.py``, takes ids, calls one service and is safe to run twice.
"""

import logging
import logging.config
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from celery import Celery, signals
from django.conf import settings
from django.db import transaction

from agora.base.actor import Actor, Origin, name_in_logs

logger = logging.getLogger(__name__)

MOST = 1_000  # calls that wait while the broker is away; the periodic tasks find the rest
PAUSE = 5.0  # seconds before a broker that did not answer is tried again

app = Celery("agora")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# What runs when, in seconds. ``expires``: while no worker runs, only the newest call of each waits.
app.conf.beat_schedule = {
    name: {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 5.0)}}
    for name, task, seconds in (
        ("mail", "mail.drain", settings.MAIL_SWEEP),
        ("old mails", "mail.purge", 3_600.0),
        ("ended grants", "resources.note_ended_grants", 60.0),
        ("stream sessions", "resources.close_sessions", 60.0),
        ("files of recordings", "resources.sweep_files", 3_600.0),
        ("sessions", "sessions.purge", 60.0),
        ("password resets", "accounts.answer-resets", 30.0),
        ("errors", "logs.summarise", 60.0),
        ("old errors", "logs.purge", 86_400.0),
        ("old sign-ins at providers", "sso.purge", 600.0),
        ("metadata of providers", "sso.renew-all-metadata", 3_600.0),
        ("old answers of the API", "rest.purge-answers", 3_600.0),
        ("old registrations", "accounts.purge-registrations", 3_600.0),
        ("old waits", "accounts.purge-throttles", 3_600.0),
    )
}


def actor_of_task(request: Any) -> Actor:
    """Who caused this task (``self.request`` of a bound one), on behalf of whom, in which request and session; the
    system where nobody did."""
    cause, path = (request.headers or {}).get("agora"), str(request.task or "")[:400]
    if not cause:
        return Actor(name="system", origin=Origin(channel="worker", path=path))
    actor = Actor.from_dict(cause)
    return replace(actor, origin=replace(actor.origin, method="", path=path))


def wake(task: str, *ids: int, actor: Actor) -> None:
    """Have a worker do this as soon as the transaction is committed. Takes no time and raises nothing, even while the
    broker is down or hangs."""
    headers = {"agora": actor.as_dict()}
    transaction.on_commit(lambda: _publisher.put(task, ids, headers), robust=True)


class Publisher:
    """One thread per process that tells the broker. The same call is told once, however often it was asked for
    meanwhile."""

    def __init__(self, publish: Callable[..., Any]) -> None:
        self.publish = publish
        self.forget()

    def forget(self) -> None:
        """After a fork: the parent's thread is not here, and its lock may have been held."""
        self.waiting: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}
        self.changed, self.thread = threading.Condition(), None

    def put(self, task: str, ids: tuple[int, ...], headers: dict[str, Any]) -> None:
        with self.changed:
            if len(self.waiting) < MOST:
                self.waiting.setdefault((task, ids), headers)
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, daemon=True, name="publisher")
                self.thread.start()
            self.changed.notify()

    def run(self) -> None:
        pause = threading.Event()
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.waiting)
                call = next(iter(self.waiting))
                headers = self.waiting.pop(call)
            try:
                self.publish(call[0], args=call[1], headers=headers, retry=False)
            except Exception as error:
                logger.warning("The broker was not told of %s: %s", call[0], error)
                with self.changed:
                    self.waiting.setdefault(call, headers)
                pause.wait(PAUSE)

    thread: threading.Thread | None


_publisher = Publisher(app.send_task)
os.register_at_fork(after_in_child=_publisher.forget)


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def log_like_the_web_server(loglevel: int = logging.INFO, logfile: str | None = None, **_: Any) -> None:
    """The lines of worker and clock are those of the web server, names included; to the file that was asked for."""
    usual: dict[str, Any] = settings.LOGGING
    config = {**usual, "root": {**usual["root"], "level": loglevel}}
    if logfile:
        console = {name: usual["handlers"]["console"][name] for name in ("formatter", "filters")}
        into = {"class": "logging.handlers.WatchedFileHandler", "filename": logfile, "encoding": "utf-8"}
        config["handlers"] = {"console": {**console, **into}}
    logging.config.dictConfig(config)


@signals.task_prerun.connect  # type: ignore[untyped-decorator]
def name_cause(task: Any = None, **_: Any) -> None:
    """Log lines of a task name who caused it; the first also in which request."""
    actor = actor_of_task(task.request)
    name_in_logs(actor if actor.account else None)
    if actor.account or actor.origin.request_id:
        logger.info("%s for %s, request %s", task.name, actor.names or "-", actor.origin.request_id or "-")


@signals.task_postrun.connect  # type: ignore[untyped-decorator]
def name_nobody(**_: Any) -> None:
    name_in_logs(None)
