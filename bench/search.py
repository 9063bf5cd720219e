"""Text search: the worst case of ours beside the worst case of the admin's, and the same rows from both."""

import random
from collections import Counter
from collections.abc import Callable

from django.db import connection
from django.db.models import QuerySet
from django.test import RequestFactory

from accounts.models import Account
from agora.base.pages import keyset_page
from agora.base.search import matching
from bench import databases
from bench.stock import site
from bench.timing import Line, Table, ms, once
from sessions_admin.models import still_open

PAGE = 50
LONGEST = 15
ALL_COMPARED = 20_000  # hits; beyond that the first page is compared


def measure(table: Table, database: str, *, words: int) -> None:
    """Needles of 1 to 15 letters, with no, few and all hits, in two orders; each through both searches."""
    with databases.use(database):
        table.section(f"Text search, {database}, {connection.display_name}")
        needles = needles_of(words)
        ours: dict[str, float] = {}
        theirs: dict[str, float] = {}
        different: list[str] = []
        for needle in needles:
            ours[needle] = max(min(once(_ours(needle, order)) for _ in range(2)) for order in ("username_key", "-pk"))
            theirs[needle] = once(_stock_page(needle))
            if not same_rows(needle):
                different.append(needle)
        target = ">= 50" if connection.vendor == "postgresql" else ""
    slow, slowest = max(ours, key=ours.__getitem__), max(theirs, key=theirs.__getitem__)
    ratio = theirs[slowest] / ours[slow]
    what = f"worst of {len(needles)} words (ours {slow!r}, admin {slowest!r})"
    table.add(Line(what, ms(ours[slow]), ms(theirs[slowest]), ratio, target))
    table.add(Line("words with other rows than the admin's", "", "", float(len(different)), "<= 0", ""))
    if different:
        print(f"    other rows for {different}")


def _ours(needle: str, order: str) -> Callable[[], object]:
    rows = Account.objects.with_open_sessions(*still_open())
    return lambda: keyset_page(rows, order=order, params={}, size=PAGE, text=needle)


def stock(needle: str) -> QuerySet[Account]:
    """What the admin's changelist asks the database for."""
    admin = site.get_model_admin(Account)
    rows, _distinct = admin.get_search_results(RequestFactory().get("/"), Account.objects.all(), needle)
    return rows.order_by("username_key", "pk")


def _stock_page(needle: str) -> Callable[[], object]:
    """The changelist counts what was found and reads one page of it."""
    return lambda: (stock(needle).count(), list(stock(needle)[:PAGE]))


def same_rows(needle: str) -> bool:
    """Are the first page, and where there are not too many all rows, the same and in the same order?"""
    page = keyset_page(Account.objects.all(), order="username_key", params={}, size=PAGE, text=needle)
    reference = list(stock(needle).values_list("pk", flat=True)[: ALL_COMPARED + 1])
    if [row.pk for row in page.rows] != reference[:PAGE] or page.has_next != (len(reference) > PAGE):
        return False
    if len(reference) > ALL_COMPARED:
        return True
    return sorted(matching(Account.objects.all(), needle).values_list("pk", flat=True)) == sorted(reference)


def needles_of(words: int) -> list[str]:
    """Pieces of what is there, of every length; the commonest pairs and triples; what all and what none contain."""
    chance = random.Random(42)
    ids = Account.objects.order_by("pk").values_list("pk", flat=True)
    first, last = ids[0], ids.reverse()[0]
    texts = Account.objects.filter(pk__in=[chance.randint(first, last) for _ in range(2_000)])
    lines = [line for text in texts.order_by("pk").values_list("search_text", flat=True) for line in text.split("\n")]
    found = ["#" * length for length in (1, 2, 3, 15)] + [".", "ks-", "0", "e"]
    for size, most in ((1, 3), (2, 8), (3, 4)):
        counted = Counter(line[at : at + size] for line in lines for at in range(len(line) - size + 1))
        found += [piece for piece, _count in counted.most_common(most)]
        found += [piece for piece, _count in counted.most_common()[-2:]]
    for length in range(1, LONGEST + 1):
        long_enough = [line for line in lines if len(line) >= length]
        for _ in range(words):
            line = chance.choice(long_enough)
            at = chance.randrange(len(line) - length + 1)
            found.append(line[at : at + length])
        found.append("zq" * 8 if length == LONGEST else ("e" * length)[:length])
    # Django's admin reads quotes and spaces as syntax.
    return [piece for piece in dict.fromkeys(found) if not set(piece) & set("'\" ")]
