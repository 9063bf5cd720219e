"""Asking providers over HTTP: within a time limit in all, a size limit, no redirects; what went wrong is a sentence."""

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, TimeoutError

from sso import limits
from sso.claims import ProviderBusy, ProviderSilent

CONNECT = 5.0  # seconds for the connection
TOTAL = 10.0  # seconds for everything, however slowly the other side drips
LARGEST = 2_000_000  # bytes; the metadata of a federation is the largest thing that is asked for
CHUNK = 65_536


class NoAnswer(Exception):
    """There is no answer that could be used. ``code`` is stable: timeout, busy, unreachable, redirect, …"""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def timed_out(self) -> bool:
        """For ``sso.limits``."""
        return self.code == "timeout"

    @property
    def reason(self) -> str:
        """For ``sso.limits``: who let us wait has not answered."""
        return "unreachable" if self.timed_out else self.code


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    content: bytes
    url: str

    def json(self) -> dict[str, Any]:
        """The object that was sent. Raises NoAnswer when it is something else."""
        try:
            values = json.loads(self.content)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict) or not storable(values):
            raise NoAnswer("not_json", _("%(host)s answered with something else than JSON.") % {"host": host(self.url)})
        return values


def storable(values: object) -> bool:
    """Is all text among these JSON values such that it can be stored and shown? JSON can write what Unicode lacks."""
    try:
        written = json.dumps(values, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return rb"\u0000" not in written


def scheme_of(url: str) -> str:
    """ "https"; "" for what is no address."""
    try:
        parts = urlsplit(url)
        return parts.scheme if parts.hostname else ""
    except ValueError:
        return ""


def fetch(
    url: str,
    *,
    data: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    total: float = 0.0,
    paused: bool = True,
) -> Answer:
    """GET, or POST with ``data`` as a form. Any status comes back as an Answer but a redirect. Raises NoAnswer.

    ``total``: seconds for everything, else TOTAL. ``paused`` False asks even who was silent just now, for tests.
    """
    if scheme_of(url) not in ("http", "https"):
        raise NoAnswer("address", _("%(url)s is no address of the web.") % {"url": url[:200]})
    total = total or TOTAL
    try:
        # The deadline of limits is for looking up the name, which nothing else ends.
        return limits.ask(host(url), lambda: _ask(url, data, headers, total), deadline=total + 1, paused=paused)
    except ProviderBusy as error:
        raise NoAnswer("busy", str(error)) from error
    except ProviderSilent as error:
        raise NoAnswer("timeout", str(error)) from error


def _ask(url: str, data: Mapping[str, str] | None, headers: Mapping[str, str] | None, total: float) -> Answer:
    named = {"host": host(url)}
    with _Deadline(total) as deadline, requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, _Adapter(deadline))
        try:
            return _asked(session, url, data, headers, total)
        except requests.exceptions.SSLError as error:
            sentence = _("The certificate of %(host)s is not valid: %(why)s.") % (named | {"why": _why(error)})
            raise NoAnswer("certificate", sentence) from error
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            if deadline.over or isinstance(error, requests.Timeout | TimeoutError):
                sentence = _("%(host)s did not answer within %(seconds)d seconds.") % (
                    named | {"seconds": round(total)}
                )
                raise NoAnswer("timeout", sentence) from error
            if isinstance(error, HTTPError):  # the library's own below requests, while we read
                raise NoAnswer("broken_off", _("%(host)s broke off in the middle of its answer.") % named) from error
            sentence = _("%(host)s can't be reached: %(why)s.") % (named | {"why": _why(error)})
            raise NoAnswer("unreachable", sentence) from error


def host(url: str) -> str:
    """Name and port, as the sentences say them."""
    return urlsplit(url).netloc.rpartition("@")[2] or url[:200]


def _asked(
    session: requests.Session,
    url: str,
    data: Mapping[str, str] | None,
    headers: Mapping[str, str] | None,
    total: float,
) -> Answer:
    # Unpacked answers could be a thousand times as large. A .netrc of the server's own account is nobody's business.
    sent = {"Accept-Encoding": "identity", "User-Agent": "Agora"} | dict(headers or {})
    method, times = "POST" if data is not None else "GET", (min(CONNECT, total), total)
    response = session.request(
        method, url, data=data, headers=sent, timeout=times, stream=True, allow_redirects=False, auth=_as_it_is
    )
    with response:
        if response.is_redirect:
            sentence = _("%(host)s sends on to %(target)s. Name the address where it ends.")
            target = {"host": host(url), "target": response.headers["Location"][:200]}
            raise NoAnswer("redirect", sentence % target)
        content = b""
        while chunk := response.raw.read(CHUNK, decode_content=False):
            content += chunk
            if len(content) > LARGEST:
                sentence = _("%(host)s answered with more than %(size)d MB.")
                raise NoAnswer("too_large", sentence % {"host": host(url), "size": LARGEST // 1_000_000})
    for adapter in session.adapters.values():
        if isinstance(adapter, _Adapter) and adapter.deadline.over:
            raise requests.Timeout  # its last words were ours
    return Answer(response.status_code, response.headers.get("Content-Type", ""), content, url)


def _as_it_is(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    return prepared


def _why(error: BaseException) -> str:
    """The words of what lies at the bottom, such as "Connection refused"."""
    while inner := getattr(error, "reason", None) or error.__cause__ or error.__context__:
        if not isinstance(inner, BaseException):
            break
        error = inner
    words = getattr(error, "verify_message", "") or (error.strerror if isinstance(error, OSError) else "")
    return (words or str(error) or type(error).__name__)[:300].rstrip(".")


class _Deadline:
    """When the time is over, it hangs up: the limits of sockets count anew with each byte that comes."""

    def __init__(self, seconds: float) -> None:
        self.over = False
        self._connections: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._hang_up)
        self._timer.daemon = True

    def watch(self, connection: socket.socket) -> None:
        self._connections.append(connection.dup())  # TLS takes the original over

    def _hang_up(self) -> None:
        self.over = True
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for connection in self._connections:
            connection.close()


class _Adapter(HTTPAdapter):
    """requests' own, whose connections the deadline knows from their first byte on."""

    def __init__(self, deadline: _Deadline) -> None:
        self.deadline = deadline
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        return self._watch(super().proxy_manager_for(*args, **kwargs))

    def _watch(self, manager: Any) -> Any:
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: _watched(pool, self.deadline) for scheme, pool in pools.items()}
        return manager


def _watched(pool: Any, deadline: _Deadline) -> Any:
    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def _new_conn(self) -> socket.socket:
            connection: socket.socket = super()._new_conn()
            deadline.watch(connection)
            return connection

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})
