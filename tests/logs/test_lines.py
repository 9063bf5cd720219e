"""What error mails leave out is not in the logs either."""

import logging
import logging.config
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from celery import shared_task
from django.conf import settings
from django.db import IntegrityError
from django.test import Client

from accounts.models import Account
from agora import web
from agora.base.actor import NamesFilter
from agora.celery import log_like_the_web_server
from tests.conftest import Make

FORM = "application/x-www-form-urlencoded"
PASSWORD = "correct horse/& battery"


@pytest.fixture(autouse=True)
def _failing_pages(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.logs.urls"


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """The error log of a web server's process."""
    monkeypatch.setattr(web, "ERROR_LOG", str(tmp_path / "error.log"))
    before = [*logging.getLogger().handlers]
    web.post_worker_init(None)
    yield (tmp_path / "error.log").read_text
    for handler in set(logging.getLogger().handlers) - set(before):
        logging.getLogger().removeHandler(handler)
        handler.close()


def test_the_traceback_of_a_page_holds_nothing_that_was_sent_along(
    written: Callable[[], str], make: Make, vic: Account
) -> None:
    client = make.client(vic, headers={"Authorization": "Bearer agora_9f8e7d6c5b4a"})
    client.raise_request_exception = False
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.post("/tell/", urlencode({"new_password": PASSWORD}), content_type=FORM).status_code == 500
    told = written()
    assert "Traceback" in told and "ValueError: could not use" in told
    assert "postgres://agora:•••@db/agora" in told
    for secret in (PASSWORD, quote_plus(PASSWORD), "9f8e7d6c5b4a", key, "pass-in-a-url"):
        assert secret not in told, secret


def test_a_download_that_breaks_keeps_what_was_sent_out_of_the_web_servers_own_lines(make: Make) -> None:
    """gunicorn writes the same error again, and knows no request of ours."""
    client = Client(raise_request_exception=False)
    with pytest.raises(BrokenPipeError) as broken:
        b"".join(client.get("/break-off/?say=what-was-sent").streaming_content)  # type: ignore[attr-defined]
    told = logging.makeLogRecord({"msg": "Error handling request", "exc_info": (broken.type, broken.value, broken.tb)})
    assert web.logconfig_dict["handlers"]["error"]["filters"] == ["names"]
    NamesFilter().filter(told)
    formatter = logging.config.DictConfigurator(web.logconfig_dict).configure_formatter(  # type: ignore[attr-defined]
        web.logconfig_dict["formatters"]["line"]
    )
    assert "what-was-sent" not in formatter.format(told) and "BrokenPipeError: •••" in formatter.format(told)


def test_a_workers_log_tells_no_secret_of_the_server_and_no_value_of_a_row(tmp_path: Path, db: None) -> None:
    root = logging.getLogger()
    before, level = [*root.handlers], root.level

    @shared_task(name="tests.tells-all")
    def tells() -> None:
        raise IntegrityError(f"bad key {settings.SECRET_KEY}\nDETAIL:  Key (email)=(vera@example.com) exists.")

    try:
        log_like_the_web_server(logfile=str(tmp_path / "worker.log"))
        tells.apply()
    finally:
        logging.config.dictConfig(settings.LOGGING)
        root.handlers[:], root.level = before, level
    told = (tmp_path / "worker.log").read_text()
    assert "bad key •••" in told and "Traceback" in told
    assert settings.SECRET_KEY not in told
    assert "vera@example.com" not in told
