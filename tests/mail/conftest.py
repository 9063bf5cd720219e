"""SMTP servers, the settings that lead to them, and what was queued."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mail.models import MailSettings, Mode
from tests.services.certificates import Authority
from tests.services.smtp import Mailhost

Host = Callable[..., Mailhost]


@pytest.fixture
def mailhost() -> Iterator[Host]:
    """``mailhost(RCPT="550 No such user")``: a server that answers this; ended with the test."""
    started: list[Mailhost] = []

    def start(**how: Any) -> Mailhost:
        started.append(Mailhost(**how))
        return started[-1]

    yield start
    for host in started:
        host.stop()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """A certificate authority that this process trusts."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.file))
    return made


def use(host: Mailhost, **fields: Any) -> MailSettings:
    """The server sends its mail there."""
    settings = MailSettings.load()
    usual = {"mode": Mode.SERVER, "host": "127.0.0.1", "port": host.port, "from_email": "agora@example.com"}
    for name, value in {**usual, "use_tls": False, "timeout": 5, **fields}.items():
        setattr(settings, name, value)
    settings.save()
    return settings
