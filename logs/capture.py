"""Where errors are caught: after a view that raised, and after a task that did. Nothing here raises in turn."""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest

from agora.base.actor import Actor
from agora.celery import actor_of_task
from logs.reports import Report, keep_with, report_on, sent_with
from logs.services import write_down
from mail.models import MailSettings

T = TypeVar("T")

logger = logging.getLogger(__name__)


def error_in_request(request: HttpRequest | None = None, **_: Any) -> None:
    """Django's ``got_request_exception``: an error 500, from a page or from the API."""
    error = sys.exc_info()[1]
    if error is None:
        return
    try:
        actor = getattr(request, "actor", None)
        secrets = [*(sent_with(request) if request else ()), *_stored()]
        keep_with(error, secrets)
        report = report_on(
            error,
            what=f"{request.method} {request.path}" if request else "",
            request_id=getattr(request, "request_id", ""),
            account_name=actor.names if isinstance(actor, Actor) else "",
            secrets=secrets,
        )
        _keep(report)
    except Exception:
        logger.exception("An error could not be written down")


def error_in_task(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    """Celery's ``task_failure``."""
    if exception is None:
        return
    try:
        actor = actor_of_task(sender.request)
        what, request_id = str(sender.name), actor.origin.request_id
        names = {"request_id": request_id, "account_name": actor.names}
        _keep(report_on(exception, what=what, secrets=_stored(), **names))
    except Exception:
        logger.exception("An error could not be written down")


def _keep(report: Report) -> None:
    place = f"{report.exception} at {report.place}"
    logger.error("Error %s in request %s: %s", report.fingerprint[:8], report.request_id or "-", place)
    _twice(lambda: write_down(report))


def _stored() -> list[str]:
    """The secrets in the database that an error may be about, as far as it answers."""
    with suppress(Exception):
        return [_twice(MailSettings.load).password]
    return []


def _twice(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()  # perhaps the error was that the database restarted
        return ask()
