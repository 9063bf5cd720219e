"""The API beside an empty Django view with the same query, and beside the HTML page of the same account."""

from collections.abc import Callable

from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.test import RequestFactory, override_settings

from accounts.models import Account
from agora.base.actor import Actor
from api_keys.models import ApiKey
from api_keys.services.keys import create_key
from bench import databases
from bench.browser import Browser, administrator
from bench.timing import Line, Table, in_turns, ms

NAME = "Measured by the bench"


def measure(table: Table, database: str, *, rounds: int) -> None:
    """In turns, in one process: reading one account with a key; the query alone in a view; the card of the account."""
    table.section("REST API")
    with databases.use(database), override_settings(API_RATE=10**9):
        people = Account.objects.usable()
        superuser = administrator()
        ApiKey.objects.filter(account=superuser, name=NAME).delete()
        _key, secret = create_key(superuser, NAME, actor=Actor(account=superuser))
        other = people.exclude(pk=superuser.pk).order_by("-pk")[0].pk
        works = {
            "api": _caller(f"/api/v1/accounts/{other}", secret),
            "bare": _caller(f"/bench/account/{other}/", "", middleware=[]),
            "same": _caller(f"/bench/account/{other}/", ""),
            "page": Browser().load(f"/accounts/{other}/"),
        }
        found = in_turns(works, rounds=rounds * 3, warm_up=5, in_a_row=5)
        ApiKey.objects.filter(account=superuser, name=NAME).delete()
    api, page = found["api"], found["page"]
    what = "read of an account with a key, beside its query in an empty view"
    table.add(Line(what, ms(api), ms(found["same"]),
                   api / found["same"], "<= 1.5"))  # fmt: skip
    table.add(Line("the same beside a view without any middleware", ms(api), ms(found["bare"]), api / found["bare"]))
    what = "requests a second of one worker, beside the HTML page"
    table.add(Line(what, f"{1e3 / api:,.0f}/s", f"{1e3 / page:,.0f}/s",
                   page / api))  # fmt: skip


def _caller(address: str, secret: str, middleware: list[str] | None = None) -> Callable[[], None]:
    """Calls the address through the product's middlewares, or through these."""
    handler = BaseHandler()
    if middleware is None:
        handler.load_middleware()
    else:
        with override_settings(MIDDLEWARE=middleware):
            handler.load_middleware()
    factory = RequestFactory(headers={"Authorization": f"Bearer {secret}"} if secret else {}, SERVER_NAME="localhost")

    def call() -> None:
        request: HttpRequest = factory.get(address)
        response = handler.get_response(request)
        if response.status_code != 200 or b'"username"' not in response.content:
            raise AssertionError(f"{address} was answered with {response.status_code}.")

    return call
