"""Signing in beside the password hash it has to compute, and the four ways to fail beside each other."""

from collections.abc import Callable, Iterable
from itertools import count
from urllib.parse import urlencode

from django.contrib.auth.hashers import check_password, make_password
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.db.models import QuerySet
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Account, SignInThrottle
from bench import databases, seed
from bench.timing import Line, Table, in_turns, ms
from sessions_admin.models import Session

PAGE = "/sign-in/"
LEAST_ROUNDS = 40
MOST_TRIES = 1_000
ADDRESSES = count()


def measure(table: Table, database: str, *, rounds: int) -> None:
    """The whole POST, in turns; every try comes from another address and for another name, so nothing has to wait."""
    table.section("Sign-in")
    with databases.use(database):
        SignInThrottle.objects.all().delete()
        began = timezone.now()
        encoded = make_password(seed.PASSWORD)
        seeded = Account.objects.filter(pk__gte=seed.FIRST_SEEDED).exclude(username="bench")
        usable = _names(seeded.usable().filter(first_name__gt=""))
        half = MOST_TRIES // 2
        right = {
            "hash": lambda: check_password(seed.PASSWORD, encoded),
            "right": _try(usable[:half], seed.PASSWORD, lets_in=True),
        }
        wrong = {
            "unknown": _try([f"nobody{number}" for number in range(half)], seed.PASSWORD),
            "wrong": _try(usable[half:], "not the password"),
            "locked": _try(_names(seeded.locked().filter(is_active=True)), seed.PASSWORD),
            "inactive": _try(_names(seeded.filter(is_active=False, locked_at=None)), seed.PASSWORD),
        }
        # A few in a row: a bare hash leaves nothing of the code and the rows that signing in needs in the processor.
        found = in_turns(right, rounds=max(LEAST_ROUNDS, rounds), in_a_row=3)
        # Among themselves: what comes after a right one runs in caches that hold other code, whichever it is.
        failures = in_turns(wrong, rounds=max(LEAST_ROUNDS, rounds * 2))
        # Else the pages of accounts that are measured later would show open sessions where those beside them show none.
        Session.objects.filter(opened_at__gte=began).delete()
    bound = found["hash"] * 1.05 + 5
    what = "sign-in, beside 1.05 times the hash and 5 ms"
    table.add(Line(what, ms(found["right"]), f"hash {ms(found['hash'])}", found["right"] / bound, "<= 1"))
    most, least = max(failures, key=failures.__getitem__), min(failures, key=failures.__getitem__)
    spread = failures[most] / failures[least]
    table.add(Line(f"slowest failure ({most}) beside the quickest ({least})", ms(failures[most]), ms(failures[least]),
                   spread, "<= 1.05"))  # fmt: skip


def _names(rows: QuerySet[Account]) -> list[str]:
    """Usernames, each once."""
    return list(rows.order_by("-pk").values_list("username", flat=True)[:MOST_TRIES])


def _try(names: Iterable[str], password: str, *, lets_in: bool = False) -> Callable[[], object]:
    handler, factory = BaseHandler(), RequestFactory()
    handler.load_middleware()
    requests = iter([_request(factory, name, password) for name in names])

    def post() -> None:
        request = next(requests)
        response = handler.get_response(request)
        if (response.status_code == 302) is not lets_in or response.status_code == 429:
            raise AssertionError(f"Signing in was answered with {response.status_code}.")

    return post


def _request(factory: RequestFactory, name: str, password: str) -> WSGIRequest:
    """Made before the clock runs: a browser writes it, and the web server reads it."""
    number = next(ADDRESSES)
    address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    form = urlencode({"username": name, "password": password})
    request = factory.post(PAGE, form, content_type="application/x-www-form-urlencoded", REMOTE_ADDR=address)
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # as Django's own test client does
    return request
