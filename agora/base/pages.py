"""Pages of long lists: by keyset on an index, without counting the table, and a text search with a bounded cost.

Keyset paging: https://use-the-index-luke.com/no-offset. A page names the last row seen, so page 10,000 costs what
page 1 costs, and rows that come or go meanwhile neither repeat nor vanish.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection
from django.db.models import BooleanField, F, Model, Q, QuerySet, Value
from django.db.models.expressions import Combinable, Func, RawSQL
from django.http import QueryDict
from django.utils.translation import gettext as _

from agora.base.errors import BadRequest
from agora.base.models import GRAMS, fold, text_copy
from agora.base.prepared import Statement

M = TypeVar("M", bound=Model)

Text = str | Sequence[str]

PAGE_SIZE = 50
WALK = 8_000  # rows looked through in the list's own order before the text index is asked
SIFTED = 400  # rows that the copy of the text puts in order for a list with conditions that it does not know


@dataclass(frozen=True)
class Page(Generic[M]):
    """One page of rows; the cursors are opaque texts for the parameters ``after`` and ``before``."""

    rows: list[M]
    has_next: bool
    has_previous: bool
    next_cursor: str
    previous_cursor: str


class _RowCompare(Func):
    """``(a, b) > (x, y)``: one range of the index, however many rows share ``a`` (SQL:1999 row values)."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, operator: str, columns: Sequence[Combinable], values: Sequence[Combinable]) -> None:
        self.operator = operator
        super().__init__(*columns, *values)

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.operator} ({right})", [param for _, params in parts for param in params]


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


def keyset_page(
    rows: QuerySet[M],
    *,
    order: str,
    params: QueryDict | Mapping[str, str],
    size: int = PAGE_SIZE,
    text: Text = "",
    exact: Q | None = None,
) -> Page[M]:
    """The page of ``rows`` that ``params`` (``after`` or ``before``) asks for.

    ``order`` is a column that is never NULL, with ``-`` for descending; the primary key breaks ties. ``text``
    keeps rows whose ``search_text`` contains it, all of it where it is several. ``exact`` narrows further by what no
    index answers: the texts find, it decides; in ``rows`` it would be asked of every row that is passed on the way.
    Raises BadRequest when a cursor is damaged.
    """
    column, descending = order.removeprefix("-"), order.startswith("-")
    columns = [column] if _unique(rows.model, column) else [column, "pk"]
    fields: list[Any] = [rows.model._meta.pk if name == "pk" else rows.model._meta.get_field(name) for name in columns]
    after, before = params.get("after", ""), params.get("before", "")
    backwards = bool(before) and not after
    ascending = descending if backwards else not descending
    ordered = rows.order_by(*(name if ascending else f"-{name}" for name in columns))
    behind = Q()
    if cursor := after or before:
        values = [Value(value, output_field=field) for value, field in zip(_read(cursor, fields), fields, strict=True)]
        behind = Q(_RowCompare(">" if ascending else "<", [F(name) for name in columns], values))
        ordered = ordered.filter(behind)
    texts, exact = _texts(text), exact or Q()
    if texts:
        alone = not rows.query.where and not exact
        found = _search(ordered, texts, size + 1, exact, behind, alone)
    else:
        found = list(ordered.filter(exact)[: size + 1])
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    return Page(
        rows=found,
        has_next=more if not backwards else True,
        has_previous=bool(after) if not backwards else more,
        next_cursor=_write(found[-1], fields) if found else "",
        previous_cursor=_write(found[0], fields) if found else "",
    )


@cache
def _unique(model: type[Model], column: str) -> bool:
    """Has each row a value of its own there?"""
    alone = ((column,) == constraint.fields for constraint in model._meta.total_unique_constraints)
    return column in ("id", "pk") or any(alone)


def _write(row: Model, fields: Sequence[Any]) -> str:
    values = json.dumps([field.value_to_string(row) for field in fields], separators=(",", ":"))
    return base64.urlsafe_b64encode(values.encode()).decode().rstrip("=")


def _read(cursor: str, fields: Sequence[Any]) -> list[Any]:
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        return [_value(text, field) for text, field in zip(values, fields, strict=True)]
    except (ValueError, TypeError, RecursionError, binascii.Error, ValidationError) as error:
        raise BadRequest(_("This page link is damaged. Open the list from its start.")) from error


def _value(text: Any, field: Any) -> Any:
    """What ``value_to_string`` wrote, as a value that every database takes. Raises ValueError, ValidationError."""
    if not isinstance(text, str) or "\0" in text:
        raise ValueError(text)
    text.encode()  # lone surrogates
    value = field.to_python(text)
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueError(text)
    return value


def _texts(text: Text) -> list[str]:
    """As they stand in ``search_text``."""
    return [fold(one) for one in ([text] if isinstance(text, str) else text) if one]


def containing(rows: QuerySet[M], text: Text) -> QuerySet[M]:
    """The rows whose ``search_text`` contains the text, whatever its case; all of them where there are several."""
    for needle in _texts(text):
        rows = rows.filter(search_text__contains=needle)
    return rows


def _search(ordered: QuerySet[M], needles: list[str], wanted: int, exact: Q, behind: Q, alone: bool) -> list[M]:
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
    needles = _texts(text)
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


def bounded_count(rows: QuerySet[M], most: int = 1_000) -> int:
    """How many rows there are, counted up to ``most``: enough for "999+" without a walk over the table."""
    return rows.order_by()[:most].count()


def bounded_counts(lists: Mapping[str, QuerySet[Any]], most: int = 1_000) -> dict[str, int]:
    """Several bounded counts in one query."""
    sql, params = _counting(lists.values(), most)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return dict(zip(lists, cursor.fetchone(), strict=True))


def counts_of_all(name: str, lists: Iterable[QuerySet[Any]], most: int = 1_000) -> Statement:
    """The same for lists without parameters, which are the same for everybody: written once, planned once."""
    sql, params = _counting(lists, most)
    assert not params
    return Statement(name, sql, 0)


def _counting(lists: Iterable[QuerySet[Any]], most: int) -> tuple[str, list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    for number, rows in enumerate(lists):
        sql, values = rows.order_by().values("pk")[:most].query.sql_with_params()
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) counted_{number})")  # noqa: S608 - written by the ORM
        params += values
    return f"SELECT {', '.join(parts)}", params


def count_label(count: int, most: int = 1_000) -> str:
    """ "128", or "999+" where counting stopped."""
    return str(count) if count < most else f"{most - 1}+"
