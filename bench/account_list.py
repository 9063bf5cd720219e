"""The list of accounts: at any depth the same time whatever the table holds, and next to Django's changelist."""

from collections.abc import Callable
from typing import Any

from accounts.filters import AccountFilter
from accounts.models import Account
from agora.base.pages import keyset_page
from bench import databases
from bench.browser import EMPTY, Browser
from bench.timing import Line, Table, in_turns, ms

LIST = "/accounts/"


def measure(table: Table, short: str, long: str, *, rounds: int, faster: str = "") -> None:
    """Pages of 50 rows at two sizes of the table in turns, then a full page of 100 beside an empty one.

    ``faster`` is the target beside the admin's first page, which counts the table and so grows with it.
    """
    table.section(f"List of accounts, {long}")
    works: dict[str, Callable[[], object]] = {}
    for name in (short, long):
        with databases.use(name):
            browser = Browser()
            addresses = places()
            for place, address in addresses.items():
                works[f"{place} {name}"] = _in(name, browser.load(address))
    found = in_turns(works, rounds=rounds)
    for place in addresses:
        few, many = found[f"{place} {short}"], found[f"{place} {long}"]
        table.add(Line(f"{place}, {long} beside {short}", ms(many), ms(few), many / few, "<= 1.1"))
    with databases.use(long):
        _beside_stock(table, Browser(), rounds, faster)
        _full_page(table, Browser(), rounds)


def _beside_stock(table: Table, browser: Browser, rounds: int, faster: str) -> None:
    deep = f"/stock/accounts/account/?p={Account.objects.count() // 100 - 1}"
    works = {"ours": browser.load(LIST), "stock": browser.load("/stock/accounts/account/"), "deep": browser.load(deep)}
    found = in_turns(works, rounds=max(5, rounds // 4), warm_up=1, in_a_row=3)
    ours = found["ours"]
    table.add(Line("first page beside the admin's", ms(ours), ms(found["stock"]), found["stock"] / ours, faster))
    table.add(Line("deep page beside the admin's last", ms(ours), ms(found["deep"]), found["deep"] / ours))


def _full_page(table: Table, browser: Browser, rounds: int) -> None:
    full = f"{LIST}?size=100"
    found = in_turns({"full": browser.load(full), "empty": browser.load(EMPTY)}, rounds=rounds)
    many, none = found["full"], found["empty"]
    table.add(Line("100 rows beside an empty page", ms(many), ms(none), many / none, "<= 8"))
    table.add(Line("queries of a page of 100 rows", "", "", float(browser.queries(full)), "<= 5", ""))


def places() -> dict[str, str]:
    """Where in the list, as the product's own links name it."""
    middle = Account.objects.order_by("username_key").values_list("username_key", flat=True)
    half = middle[Account.objects.count() // 2]
    rows = Account.objects.filter(username_key__gte=half)
    cursor = keyset_page(rows, order="username_key", params={}, size=1).next_cursor
    found = {
        "first page": LIST,
        "middle, forward": f"{LIST}?after={cursor}",
        "middle, back": f"{LIST}?before={cursor}",
    }
    orders: dict[str, Any] = AccountFilter.orders
    return found | {f"first page by {name}, descending": f"{LIST}?order=-{name}" for name in orders}


def on_sqlite(table: Table, name: str, *, rounds: int) -> None:
    """The same page on SQLite, beside the admin's there."""
    table.section(f"List of accounts, {name}, SQLite")
    with databases.use(name):
        browser = Browser()
        found = in_turns({"ours": browser.load(LIST), "stock": browser.load("/stock/accounts/account/")}, rounds=rounds)
    ours = found["ours"]
    table.add(Line("first page beside the admin's", ms(ours), ms(found["stock"]), found["stock"] / ours))


def _in(name: str, work: Callable[[], object]) -> Callable[[], object]:
    def there() -> object:
        with databases.use(name):
            return work()

    return there
