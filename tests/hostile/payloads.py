"""What attackers and broken programs send, and the names of every field there is to send it in."""

from collections.abc import Callable, Collection, Iterator
from functools import cache
from urllib.parse import quote_plus, urlencode

from django import forms
from django.test import Client
from django.urls import get_resolver
from django_filters import FilterSet

from tests.hostile.noted import noted
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


@cache
def fields() -> list[str]:
    """The names of all fields of our forms and filters, and of what views read besides."""
    get_resolver().url_patterns  # noqa: B018 - loads every view, and with it every form
    ours = [kind for kind in _below(forms.BaseForm) if not kind.__module__.startswith("django")]
    return sorted({name for kind in ours for name in getattr(kind, "base_fields", {})} | set(filters()))


@cache
def filters() -> list[str]:
    """The names of all filters, and of what every list reads besides."""
    get_resolver().url_patterns  # noqa: B018 - loads every view, and with it every filter
    return sorted({name for kind in _below(FilterSet) for name in kind.base_filters} | LOOSE)


LOOKING = [row for row in rows() if "GET" in row.methods]
ACTING = [row for row in rows() if "POST" in row.methods]
EITHER = [*LOOKING, *(row for row in ACTING if "GET" not in row.methods)]


def route(row: Row) -> str:
    return row.route


@cache
def quoted(value: object) -> str:
    """As forms send it, but for letters beyond ASCII, which arrive the same and are read and written quickly."""
    return "".join(quote_plus(letter) if letter.isascii() else letter for letter in str(value))


def filled(names: Collection[str], value: object, **more: object) -> str:
    """A form, or an address's parameters, with the value in each of the fields but for those said otherwise."""
    same = [f"{name}={quoted(value)}" for name in names if name not in more]
    return "&".join([*same, *([urlencode(more, doseq=True)] if more else [])])


def send(client: Client, row: Row, ids: dict[str, int], body: str) -> int:
    """The status of a POST, sent as forms send it."""
    return client.post(row.address(**ids), body, content_type="application/x-www-form-urlencoded").status_code


def answers(ask: Callable[[str], int]) -> list[tuple[str, int]]:
    """What is answered to each hostile value in all the fields that a page looks at, with the value's name.

    Which these are, a first request with all fields there are tells. A page that looks at none of them has no code for
    what is in them; one that a value makes look at more is sent all values again.
    """
    ours, tried = set(fields()), set[str]()
    with noted() as asked:
        name, value = next(iter(HOSTILE.items()))
        found = [(name, ask(filled(ours, value)))]
        while (asked & ours) - tried:
            tried |= asked & ours
            found += [(name, ask(filled(tried, value))) for name, value in HOSTILE.items()]
    return found
