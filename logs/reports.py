"""What is told of an error: which, where, in which request. Nothing that was sent along, no secret, no value.

OWASP Logging Cheat Sheet, "Data to exclude".
"""

import hashlib
import json
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

from django.conf import settings
from django.http import HttpRequest

from agora.base.actor import NAMES_LENGTH

MASK = "•••"
SHORTEST = 4  # characters; shorter values are in every other word
LONGEST_MESSAGE = 300
_PASSWORD_IN_URL = re.compile(r"(\b[\w+.-]+://[^\s:/@]*:)[^\s@]+@")
_ROOT = Path(settings.BASE_DIR)


@dataclass(frozen=True)
class Report:
    """One error as it is written down. ``what`` was being done: a request's method and path, or a task."""

    exception: str
    message: str
    place: str
    frames: str
    fingerprint: str
    what: str
    request_id: str
    account_name: str


def report_on(
    error: BaseException, *, what: str, request_id: str, account_name: str, secrets: Iterable[str] = ()
) -> Report:
    """Describe an error. ``secrets`` are masked in its message, together with those of the server."""
    frames = list(_frames(error.__traceback__))
    # Our way there and the place itself; without lines, which differ after every update.
    way = [name for name, _line, ours in frames if ours] + [name for name, _line, _ours in frames[-1:]]
    place = next((f"{name}, line {line}" for name, line, ours in reversed(frames) if ours), "")
    kind = type(error)
    exception = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return Report(
        exception=exception[:200],
        message=masked(_first_line(error), [*secrets, *of_the_server()])[:LONGEST_MESSAGE],
        place=(place or (f"{frames[-1][0]}, line {frames[-1][1]}" if frames else "unknown"))[:300],
        frames="\n".join(f"{name}, line {line}" for name, line, _ours in frames[-30:]),
        fingerprint=hashlib.sha256("\n".join([exception, *way]).encode()).hexdigest(),
        what=what[:420],
        request_id=request_id[:32],
        account_name=account_name[:NAMES_LENGTH],
    )


def _first_line(error: BaseException) -> str:
    """PostgreSQL tells the values of the row in the lines that follow."""
    try:
        text = str(error)
    except Exception:  # an exception may be broken itself
        return ""
    return " ".join(text.partition("\n")[0].split())


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, int, bool]]:
    """Function and file, line, and is it ours; paths from the project's or a package's folder."""
    for frame in traceback.extract_tb(trace):
        path = Path(frame.filename)
        ours = path.is_relative_to(_ROOT) and ".venv" not in path.parts
        name = str(path.relative_to(_ROOT)) if ours else re.sub(r"^.*/(site-packages|lib/python[\d.]+)/", "", str(path))
        yield f"{name}, {frame.name}", frame.lineno or 0, ours


def masked(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced, the longest first; also as Python, addresses and forms write it."""
    for secret in sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True):
        for form in {secret, repr(secret)[1:-1], quote(secret), quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(form, MASK)
    return _PASSWORD_IN_URL.sub(rf"\g<1>{MASK}@", text)


def sent_with(request: HttpRequest) -> list[str]:
    """Every value that came with a request: fields, cookies, the key in the address, the Authorization header."""
    values = [*request.COOKIES.values(), *request.headers.get("Authorization", "").split()]
    with suppress(Exception):  # a broken query or body
        values += [one for name in request.GET for one in request.GET.getlist(name)]
    with suppress(Exception):
        values += [one for name in request.POST for one in request.POST.getlist(name)]
    with suppress(Exception):
        values += _texts(json.loads(request.body))
    return values


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def keep_with(error: BaseException, secrets: Iterable[str]) -> None:
    """What was sent along with the request that failed so, for whoever writes the error into a log later."""
    with suppress(AttributeError):  # some exceptions take nothing
        error.agora_secrets = [*secrets]  # type: ignore[attr-defined]


def sent_along(error: BaseException | None) -> list[str]:
    """What ``keep_with`` kept."""
    return getattr(error, "agora_secrets", [])


def of_the_server() -> list[str]:
    """The secrets that this process was started with."""
    relay = settings.MAIL_RELAY
    found = [
        settings.SECRET_KEY,
        settings.ENCRYPTION_KEY,
        str(settings.DATABASES["default"].get("PASSWORD") or ""),
        unquote(urlsplit(settings.REDIS_URL).password or ""),
        relay.password if relay else "",
    ]
    return [one for one in found if one]
