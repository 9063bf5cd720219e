"""What attackers and broken programs send, and the names of every field there is to send it in."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django import forms
from django.test import Client
from django.urls import get_resolver
from django_filters import FilterSet

from tests.pages import Row, rows

MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}{% debug %}"
HOSTILE = {
    "null bytes": "a\x00b",
    "control characters": "a\x01\x1b[31m\x7f\r\nSet-Cookie: a=b",
    "direction override": "\u202egnp.exe\u2066",
    "only combining characters": "\u0301\u0489" * 60,
    "letters without a form": "\ud83d\udca9".encode("utf-16", "surrogatepass").decode("utf-16") * 40,
    "markup": MARKUP,
    "SQL": "'; DROP TABLE accounts_account; --\" OR 1=1 \\%_",
    "a path": "../../../../etc/passwd",
    "a huge number": "9" * 400,
    "a negative number": "-9223372036854775809",
    "not a number": "NaN",
    "a far date": "9999-12-31T23:59:60+99:99",
    "the first date": "0001-01-01T00:00",
    "a damaged cursor": "WyIyMDI2LTExLTIxIiwi",
    "white space": " \t\n ",
    # Each becomes 18 letters when it is compared or searched; in all fields together still what the server takes.
    "one letter of eighteen": "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 600,
}
# Not fields of forms: read by views and by every list.
LOOSE = {"next", "back", "id", "q", "tab", "after", "before", "order", "theme", "format", "confirmed", "username"}
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example/",
    "http://testserver@evil.example/",
    "https://testserver.evil.example/",
    "\x00//evil.example",
    " //evil.example",
]


def _below(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def fields() -> list[str]:
    """The names of all fields of our forms and filters, and of what views read besides."""
    get_resolver().url_patterns  # noqa: B018 - loads every view, and with it every form
    ours = [kind for kind in _below(forms.BaseForm) if not kind.__module__.startswith("django")]
    return sorted({name for kind in ours for name in getattr(kind, "base_fields", {})} | set(filters()))


def filters() -> list[str]:
    """The names of all filters, and of what every list reads besides."""
    get_resolver().url_patterns  # noqa: B018 - loads every view, and with it every filter
    return sorted({name for kind in _below(FilterSet) for name in kind.base_filters} | LOOSE)


LOOKING = [row for row in rows() if "GET" in row.methods]
ACTING = [row for row in rows() if "POST" in row.methods]
EITHER = [*LOOKING, *(row for row in ACTING if "GET" not in row.methods)]


def route(row: Row) -> str:
    return row.route


def send(client: Client, row: Row, ids: dict[str, int], value: object, **more: object) -> int:
    """The status of a POST whose every field holds the value, but for those said otherwise; as forms send it."""
    body = urlencode(dict.fromkeys(fields(), value) | more, doseq=True)
    return client.post(row.address(**ids), body, content_type="application/x-www-form-urlencoded").status_code
