"""What lies below a resource and forbids deleting it: asked for many accounts and resources at once."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, Q

from accounts.models import Account
from resources.models import Grant, Resource
from resources.roles import CHILDREN, Kind, ResourceRole, given_by_system_role

Pair = tuple[Account, int]  # the resource by its id
COUNTED = 100  # so many are counted, no more: one is enough to forbid it
BELOW = (Kind.STREAM, Kind.SESSION, Kind.RECORDING)


def not_deletable_below(pairs: Iterable[Pair], kinds: Mapping[int, Kind], at: datetime) -> dict[tuple[int, int], int]:
    """How many resources below each the account may not delete, for those that have any, at most ``COUNTED``.

    With two queries. Where the system role edits all that can lie below, only grants of the account can take that away,
    so their resources are looked at and what stands above them; else the first ones below, until enough are found.
    """
    walked_up: set[tuple[int, int]] = set()
    walked_down: list[Pair] = []
    for account, pk in pairs:
        given = [given_by_system_role(account, kind) for kind in _below(kinds[pk])]
        if ResourceRole.ADMINISTRATOR in given:
            continue
        if all(role.reaches(ResourceRole.EDITOR) for role in given):
            walked_up.add((account.pk, pk))
        else:
            walked_down.append((account, pk))
    return _taken_away(walked_up, at) | _first_below(walked_down, at)


def _below(kind: Kind) -> set[Kind]:
    found = set(CHILDREN[kind])
    return found.union(*(_below(one) for one in found))


def _taken_away(asked: set[tuple[int, int]], at: datetime) -> dict[tuple[int, int], int]:
    """By the grants that give too little, from their resources up: the chain has four links."""
    if not asked:
        return {}
    accounts, roots = {account for account, _root in asked}, {root for _account, root in asked}
    above = ["resource__parent", "resource__parent__parent", "resource__parent__parent__parent"]
    rows = Grant.objects.of_accounts(accounts).counting(at).exclude(role__in=ResourceRole.EDITOR.or_more)
    rows = rows.filter(Q(*[(f"{link}__in", roots) for link in above], _connector=Q.OR))
    counts: dict[tuple[int, int], int] = {}
    for account, *links, number in rows.values_list("account", *above).annotate(Count("pk")).order_by():
        for pair in {(account, root) for root in links} & asked:
            counts[pair] = min(counts.get(pair, 0) + number, COUNTED)
    return counts


# A subquery for each pair and each link of the chain, in the order of the index of parents: it is walked until enough
# are found.
LINK = """SELECT id FROM (SELECT below.id FROM {resource} first {joins}
    LEFT JOIN {grant} given ON given.account_id = asked.account AND given.resource_id = below.id
        AND (given.ends_at IS NULL OR given.ends_at > %s)
    WHERE first.parent_id = asked.root AND CASE WHEN given.id IS NOT NULL THEN given.role NOT IN ({enough})
        WHEN below.kind = 'stream' THEN asked.streams = 0
        WHEN below.kind = 'stream_session' THEN asked.sessions = 0
        ELSE asked.recordings = 0 END
    ORDER BY first.kind, first.label_key, first.id LIMIT {most}) link{number}"""
JOINS = (
    "",
    "JOIN {resource} below ON below.parent_id = first.id",
    "JOIN {resource} second ON second.parent_id = first.id JOIN {resource} below ON below.parent_id = second.id",
)
FIRST = """
WITH asked(account, root, streams, sessions, recordings) AS (VALUES {values})
SELECT account, root, (SELECT count(*) FROM ({links} LIMIT {most}) found) FROM asked
"""


def _first_below(pairs: Iterable[Pair], at: datetime) -> dict[tuple[int, int], int]:
    """``editable_by`` for many accounts at once: what each one's system role gives stands beside its id."""
    values: list[int] = []
    for account, pk in pairs:
        given = [given_by_system_role(account, kind) for kind in BELOW]
        values += [account.pk, pk, *(int(role.reaches(ResourceRole.EDITOR)) for role in given)]
    if not values:
        return {}
    names = {
        "resource": Resource._meta.db_table,
        "grant": Grant._meta.db_table,
        "enough": ", ".join(f"'{role.value}'" for role in ResourceRole.EDITOR.or_more),
        "most": COUNTED,
    }
    links = [LINK.format(joins=joins.format(**names), number=number, **names) for number, joins in enumerate(JOINS)]
    links[0] = links[0].replace("below.", "first.")
    statement = FIRST.format(
        values=", ".join(["(%s, %s, %s, %s, %s)"] * (len(values) // 5)), links="\nUNION ALL ".join(links), most=COUNTED
    )
    moment = connection.ops.adapt_datetimefield_value(at)
    with _by_index(), connection.cursor() as cursor:
        cursor.execute(statement, [*values, *[moment] * len(links)])
        return {(account, root): count for account, root, count in cursor.fetchall() if count}


@contextmanager
def _by_index() -> Iterator[None]:
    """PostgreSQL walks down the index of parents as the statement says.

    It takes every resource to have as many children as the average of those that have some, so it would read the whole
    table once for each question: a thousand about streams without any took two minutes.
    """
    if connection.vendor != "postgresql":
        yield
        return
    off = ["enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_sort", "jit"]
    settings = dict.fromkeys(off, "off") | {"join_collapse_limit": "1"}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL {name} = {value}" for name, value in settings.items()))
        yield
        cursor.execute("; ".join(f"SET LOCAL {name} TO DEFAULT" for name in settings))
