"""The audit log: pages that do not feel how long it is, and an export in constant memory."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

from agora.base.pages import keyset_page
from audit import exports
from audit.models import Entry
from bench import databases, seed
from bench.browser import Browser
from bench.timing import Line, Table, in_turns, ms, once

LOG = "/audit/"
STOCK = "/stock/audit/entry/"


def measure(table: Table, short: str, long: str, *, rounds: int) -> None:
    """First page, deep page and a jump to a date at two lengths of the log in turns, and the admin's at the long."""
    table.section("Audit log")
    works: dict[str, Callable[[], object]] = {}
    pages: dict[str, tuple[str, str]] = {}
    for name in (short, long):
        with databases.use(name):
            browser = Browser()
            pages = addresses()
            for place, (ours, _stock) in pages.items():
                works[f"{place} {name}"] = _in(name, browser.load(ours))
    found = in_turns(works, rounds=rounds)
    with databases.use(long):
        browser = Browser()
        for place, (ours, stock) in pages.items():
            few, many = found[f"{place} {short}"], found[f"{place} {long}"]
            table.add(Line(f"{place}, {long} beside {short}", ms(many), ms(few), many / few, "<= 1.3"))
            _beside_stock(table, f"{place} beside the admin's", browser, ours, stock, ">= 100")
        jump, _stock = pages["jump to a date"]
        day = "jump to a date beside one day of the admin's date hierarchy"
        _beside_stock(table, day, browser, jump, STOCK + day_hierarchy())
        bars = in_turns({"bars": browser.load(f"{LOG}histogram/")}, rounds=5)["bars"]
        table.add(Line("histogram, loaded beside the page", ms(bars), ""))
        _search(table)


def _beside_stock(table: Table, what: str, browser: Browser, ours: str, stock: str, target: str = "") -> None:
    works = {"ours": browser.load(ours), "stock": browser.load(stock)}
    found = in_turns(works, rounds=3, warm_up=0, in_a_row=3)
    table.add(Line(what, ms(found["ours"]), ms(found["stock"]), found["stock"] / found["ours"], target))


def addresses() -> dict[str, tuple[str, str]]:
    """Ours and the admin's address of the same place."""
    middle = seed.START + seed.SPAN / 2
    deep = Entry.objects.order_by("-at", "-id").filter(at__lt=seed.START + seed.SPAN / 10)
    cursor = keyset_page(deep, order="-at", params={}, size=1).next_cursor
    end = middle.replace(hour=0, minute=0) + timedelta(days=1)
    pages = Entry.objects.count() // 100 * 9 // 10
    return {
        "first page": (LOG, STOCK),
        "deep page": (f"{LOG}?after={cursor}", f"{STOCK}?p={pages}"),
        "jump to a date": (f"{LOG}?end={end:%Y-%m-%dT%H:%M}", f"{STOCK}?at__lt={end:%Y-%m-%d}%2000:00:00%2B00:00"),
    }


def day_hierarchy() -> str:
    """The admin's own way to a date: that day alone, so it counts few rows where ours shows all that came before."""
    day = seed.START + seed.SPAN / 2
    return f"?at__year={day.year}&at__month={day.month}&at__day={day.day}"


def _search(table: Table) -> None:
    """Words that are everywhere, seldom and nowhere; one and two letters are not in the index."""
    browser = Browser()
    for what, word in (
        ("a common word", "session"),
        ("a name", "zgraggen"),
        ("nowhere", "zzzzzz"),
        ("two letters, nowhere", "zÿ"),
    ):
        took = min(once(browser.load(f"{LOG}?q={word}")) for _ in range(3))
        theirs = once(browser.load(f"{STOCK}?q={word}"))
        table.add(Line(f"text search in the log, {what}, beside the admin's", ms(took), ms(theirs), theirs / took))


def export(table: Table, database: str) -> None:
    """All entries as CSV: by COPY, and by the ORM's iterator as code without COPY would write it."""
    table.section("Export of the log")
    with databases.use(database):
        rows = Entry.objects.all()
        total = rows.count()
        quick, grown = _drain(exports.export(rows, "csv"))
        found = rows.order_by("at", "id").values_list(*exports.COLUMNS).iterator(chunk_size=2_000)
        slow, _grown = _drain(exports.csv_lines(exports.COLUMNS, map(exports._csv_row, found)))
    table.add(Line(f"{total:,} rows as CSV, COPY beside the ORM's iterator", ms(quick), ms(slow), slow / quick, ">= 6"))
    table.add(Line("memory that the export adds", "", "", grown, "<= 32", "MB"))


def _drain(chunks: Iterable[str | bytes]) -> tuple[float, float]:
    """Milliseconds to take everything, and by how many MB the process grew at most."""
    before, most, done = resident(), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            most[0] = max(most[0], resident() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    for _chunk in chunks:
        pass
    took = (time.perf_counter() - started) * 1e3
    done.set()
    watcher.join()
    return took, most[0]


def resident() -> float:
    """MB of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def _in(name: str, work: Callable[[], object]) -> Callable[[], object]:
    def there() -> object:
        with databases.use(name):
            return work()

    return there
