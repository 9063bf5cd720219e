"""Text search with a bounded cost: a short walk in the list's own order, else the index of the text's pieces."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, F, Model, Q, QuerySet
from django.db.models.expressions import Combinable, Func, RawSQL

from agora.base.models import GRAMS, fold, text_copy

M = TypeVar("M", bound=Model)
Text = str | Sequence[str]

WALK = 8_000  # rows looked through in the list's own order before the text index is asked
SIFTED = 400  # rows that the copy of the text puts in order for a list with conditions that it does not know


class _HasPieces(Func):
    """The condition that the index of ``CreateGramIndex`` answers: the column has all these pieces."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, column: Combinable, pieces: Sequence[str], shortest: int) -> None:
        self.pieces, self.shortest = list(pieces), shortest
        super().__init__(column)

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        column, params = compiler.compile(self.source_expressions[0])
        return f"{GRAMS}({column}, {self.shortest}) @> %s", [*params, self.pieces]


def folded(text: Text) -> list[str]:
    """As they stand in ``search_text``."""
    return [fold(one) for one in ([text] if isinstance(text, str) else text) if one]


def containing(rows: QuerySet[M], text: Text) -> QuerySet[M]:
    """The rows whose ``search_text`` contains the text, whatever its case; all of them where there are several."""
    for needle in folded(text):
        rows = rows.filter(search_text__contains=needle)
    return rows


def search(ordered: QuerySet[M], needles: list[str], wanted: int, exact: Q, behind: Q, alone: bool) -> list[M]:
    """Rows in the list's own order: common words are found on a short walk, rare ones by the index.

    ``behind`` is the cursor as a condition, ``alone`` whether the list has no other. A word in a share p of N
    rows costs at most about sqrt(wanted * N) rows either way; an index alone would sort half a million rows for a
    common letter, a walk alone would pass a million rows for a rare word.
    """
    if any("\0" in needle for needle in needles):
        return []  # no stored text has one, and PostgreSQL takes none as a parameter
    try:
        sql, params = ordered.values("pk", "search_text")[:WALK].query.sql_with_params()
    except EmptyResultSet:
        return []  # another filter leaves nothing, such as an id beyond the column's range
    like = " AND ".join(["hay LIKE %s ESCAPE '\\'"] * len(needles))
    walk = RawSQL(  # noqa: S611 - written by the ORM, the text is a parameter
        f"WITH walk (pk, hay) AS ({sql}) SELECT pk FROM walk WHERE {like} LIMIT %s",  # noqa: S608
        (*params, *map(_pattern, needles), WALK if exact else wanted),
    )
    found = list(ordered.filter(exact, pk__in=walk)[:wanted])
    if len(found) == wanted or (not alone and _walked_through(ordered)):
        return found
    return _by_index(ordered.filter(exact), needles, wanted, behind, alone)


def _walked_through(ordered: QuerySet[M]) -> bool:
    """Was that all of a list which has to be joined to the copy? Then there is nothing to be found besides."""
    return text_copy(ordered.model) is not None and not ordered.order_by().values("pk")[WALK : WALK + 1].exists()


def _by_index(ordered: QuerySet[M], needles: list[str], wanted: int, behind: Q, alone: bool) -> list[M]:
    """All rows that contain the texts, each read once, then ordered and cut.

    A narrow copy of the text is read in place of the table. In an order that it knows, its first rows are the page if
    nothing else is asked for; else its first hundreds are tried. What remains, and other orders, join all it finds.
    """
    if not (pieces := _pieces(ordered, needles)):
        return list(containing(ordered, needles)[:wanted])
    order = [str(name) for name in ordered.query.order_by]
    columns = [name.removeprefix("-") for name in order]
    keys = {f"key_{number}": F(column) for number, column in enumerate(columns)}
    direction = "DESC" if order[0].startswith("-") else "ASC"
    listed = ordered.order_by().values(**keys, key_pk=F("pk"))
    copy = text_copy(ordered.model)
    if copy is None:
        sql, params = _fenced(_with_pieces(listed, needles, pieces))
        return list(ordered.filter(pk__in=_first(f"({sql}) found", params, [*keys], direction, wanted)))
    if {*columns} <= {"pk", "id", *copy.text_copy}:
        found = copy._default_manager.filter(behind).values(**keys, key_pk=F("pk"))
        sql, params = _fenced(_with_pieces(found, needles, pieces))
        most = wanted if alone else SIFTED
        rows = list(ordered.filter(pk__in=_first(f"({sql}) found", params, [*keys], direction, most))[:wanted])
        if alone or len(rows) == wanted:
            return rows
    every = copy._default_manager.values(key_pk=F("pk"))
    sql, params = _fenced(_with_pieces(every, needles, pieces))
    others, values = listed.query.sql_with_params()
    both = f"({sql}) found JOIN ({others}) listed USING (key_pk)"
    return list(ordered.filter(pk__in=_first(both, (*params, *values), [*keys], direction, wanted)))


def _first(source: str, params: Iterable[Any], keys: Sequence[str], direction: str, most: int) -> RawSQL:
    """The ids of the first rows of a source in FROM, which the ORM wrote; found once, however they are joined."""
    order = ", ".join(f"{key} {direction}" for key in keys)
    first = f"SELECT key_pk FROM {source} ORDER BY {order} LIMIT %s"  # noqa: S608
    return RawSQL(f"WITH first AS MATERIALIZED ({first}) SELECT key_pk FROM first", (*params, most))  # noqa: S608, S611


def _fenced(rows: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    """OFFSET 0 keeps the planner from walking an order in the hope of an early hit, and from asking row by row."""
    sql, params = rows.query.sql_with_params()
    return f"{sql} OFFSET 0", params


def _with_pieces(rows: QuerySet[Any, Any], needles: list[str], pieces: list[str]) -> QuerySet[Any, Any]:
    """What the index finds, looked through for the texts that are not themselves one of its pieces."""
    found = rows.filter(_HasPieces(F("search_text"), pieces, _shortest(rows)))
    return containing(found, [needle for needle in needles if needle not in pieces])


def _pattern(needle: str) -> str:
    """For LIKE: the needle anywhere, its own wildcards taken as letters."""
    escaped = needle.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def matching(rows: QuerySet[M], text: Text) -> QuerySet[M]:
    """The rows that contain the text, found through the index of its pieces where the database has one."""
    needles = folded(text)
    if not (pieces := _pieces(rows, needles)):
        return containing(rows, text)
    copy = text_copy(rows.model)
    source: QuerySet[Any] = (copy or rows.model)._default_manager.all()
    found = _with_pieces(source, needles, pieces).values("pk")
    if copy is None:
        return rows.filter(pk__in=found)
    return rows.filter(pk__in=RawSQL(*_fenced(found)))  # noqa: S611 - written by the ORM


def _pieces(rows: QuerySet[M], needles: list[str]) -> list[str]:
    """What to ask the index for: the longest pieces; nothing where there is no index or the texts are too short."""
    shortest = max(_shortest(rows), 1)
    if connection.vendor != "postgresql":
        return []
    sized = ((needle, min(len(needle), 3)) for needle in needles)
    return sorted({n[i : i + size] for n, size in sized if size >= shortest for i in range(len(n) - size + 1)})


def _shortest(rows: QuerySet[M]) -> int:
    return int(getattr(rows.model, "shortest_piece", 1))
