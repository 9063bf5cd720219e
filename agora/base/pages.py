"""Pages of long lists: by keyset on an index, without counting the table, and a text search with a bounded cost.

Keyset paging: https://use-the-index-luke.com/no-offset. A page names the last row seen, so page 10,000 costs what
page 1 costs, and rows that come or go meanwhile neither repeat nor vanish.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import BooleanField, F, Model, Q, QuerySet, Value
from django.db.models.expressions import Combinable, Func
from django.http import QueryDict
from django.utils.translation import gettext as _

from agora.base.errors import BadRequest
from agora.base.prepared import Prepared, Statement, stand_in
from agora.base.search import Text, folded, search

M = TypeVar("M", bound=Model)

PAGE_SIZE = 50


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


def keyset_page(
    rows: "QuerySet[M] | PlannedRows[M]",
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
    place = _Place.of(rows.model, order, params)
    texts, exact = folded(text), exact or Q()
    if isinstance(rows, PlannedRows) and not texts and not exact:
        found = rows.at(place, size + 1)
    elif texts:
        everything = rows.all()
        alone = not everything.query.where and not exact
        found = search(place.ordered(everything), texts, size + 1, exact, place.behind, alone)
    else:
        found = list(place.ordered(rows.all()).filter(exact)[: size + 1])
    more = len(found) > size
    found = found[:size]
    if place.backwards:
        found.reverse()
    return Page(
        rows=found,
        has_next=more if not place.backwards else True,
        has_previous=place.cursor is not None if not place.backwards else more,
        next_cursor=_write(found[-1], place.fields) if found else "",
        previous_cursor=_write(found[0], place.fields) if found else "",
    )


@dataclass(frozen=True)
class _Place:
    """A place in an order: the rows from its start, or beyond those that the cursor names."""

    columns: tuple[str, ...]
    fields: Sequence[Any]
    ascending: bool
    backwards: bool
    cursor: Sequence[Any] | None

    @classmethod
    def of(cls, model: type[Model], order: str, params: QueryDict | Mapping[str, str]) -> "_Place":
        column, descending = order.removeprefix("-"), order.startswith("-")
        columns = (column,) if _unique(model, column) else (column, "pk")
        fields: list[Any] = [model._meta.pk if name == "pk" else model._meta.get_field(name) for name in columns]
        after, before = params.get("after", ""), params.get("before", "")
        backwards = bool(before) and not after
        cursor = _read(after or before, fields) if after or before else None
        return cls(columns, fields, descending if backwards else not descending, backwards, cursor)

    @property
    def behind(self) -> Q:
        """The rows beyond the cursor."""
        if self.cursor is None:
            return Q()
        values = [Value(value, output_field=field) for value, field in zip(self.cursor, self.fields, strict=True)]
        return Q(_RowCompare(">" if self.ascending else "<", [F(name) for name in self.columns], values))

    def ordered(self, rows: QuerySet[M]) -> QuerySet[M]:
        return rows.order_by(*(name if self.ascending else f"-{name}" for name in self.columns)).filter(self.behind)


class Planned(Generic[M]):
    """A list as most people open it, narrowed by nothing: the SQL of its pages is written once a process and planned
    once a connection (``Prepared``), which takes longer than finding fifty rows.

    ``rows`` makes the list from values of these ``kinds`` (str, int, datetime), which are other ones in each request.
    """

    def __init__(self, name: str, model: type[M], rows: Callable[..., QuerySet[M]], *kinds: type) -> None:
        self.name, self.model, self.rows, self.kinds = name, model, rows, kinds
        self._pages: dict[tuple[object, ...], Prepared[M]] = {}

    def __call__(self, *values: Any) -> "PlannedRows[M]":
        return PlannedRows(self, values)

    def pages(self, place: _Place, wanted: int) -> Prepared[M]:
        """What asks for ``wanted`` rows from a place of this kind; its values are the list's, then the cursor's."""
        way = "asc" if place.ascending else "desc"
        key = (*place.columns, way, "first" if place.cursor is None else "from", str(wanted))
        if key not in self._pages:
            self._pages.setdefault(key, Prepared("_".join((self.name, *key)), lambda: self._written(place)[:wanted]))
        return self._pages[key]

    def _written(self, place: _Place) -> QuerySet[M]:
        kinds = [*self.kinds, *(_kind(field) for field in place.fields if place.cursor is not None)]
        values = [stand_in(kind, number) for number, kind in enumerate(kinds)]
        cursor = None if place.cursor is None else values[len(self.kinds) :]
        return replace(place, cursor=cursor).ordered(self.rows(*values[: len(self.kinds)]))


@dataclass(frozen=True)
class PlannedRows(Generic[M]):
    """A planned list with the values of one request; goes where a QuerySet goes that is filtered and cut into pages."""

    plan: Planned[M]
    values: Sequence[Any]

    @property
    def model(self) -> type[M]:
        return self.plan.model

    def all(self) -> QuerySet[M]:
        return self.plan.rows(*self.values)

    def at(self, place: _Place, wanted: int) -> list[M]:
        return list(self.plan.pages(place, wanted).all(*self.values, *(place.cursor or ())))


def _kind(field: Any) -> type:
    """Of the values of a column that a list is ordered by."""
    kinds = {"DateTimeField": datetime, "BigAutoField": int, "BigIntegerField": int, "CharField": str}
    return kinds[field.get_internal_type()]


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


def bounded_count(rows: QuerySet[M], most: int = 1_000) -> int:
    """How many rows there are, counted up to ``most``: enough for "999+" without a walk over the table."""
    return rows.order_by()[:most].count()


def bounded_counts(lists: Mapping[str, QuerySet[Any]], most: int = 1_000) -> dict[str, int]:
    """Several bounded counts in one query."""
    parts, params = _counting(lists.values(), most)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", params)
        return dict(zip(lists, cursor.fetchone(), strict=True))


def counts_of_all(name: str, whole: QuerySet[Any], parts: Iterable[QuerySet[Any]], most: int = 1_000) -> Statement:
    """The same for a list without parameters, which is the same for everybody, and for parts of it: written once,
    planned once. Where a part reaches ``most``, so does the whole, which is not counted then."""
    (counted, *found), params = _counting([whole, *parts], most)
    assert not params
    there = ", ".join(f"{part} AS part_{number}" for number, part in enumerate(found))
    names = ", ".join(f"part_{number}" for number in range(len(found)))
    first = f"CASE WHEN {most} IN ({names}) THEN {most} ELSE {counted} END"
    # Without LIMIT, PostgreSQL would count a part wherever its name stands.
    return Statement(name, f"SELECT {first}, {names} FROM (SELECT {there} LIMIT 1) found", 0)  # noqa: S608 - written by the ORM


def _counting(lists: Iterable[QuerySet[Any]], most: int) -> tuple[list[str], list[Any]]:
    parts: list[str] = []
    params: list[Any] = []
    for number, rows in enumerate(lists):
        sql, values = rows.order_by().values("pk")[:most].query.sql_with_params()
        parts.append(f"(SELECT COUNT(*) FROM ({sql}) counted_{number})")  # noqa: S608 - written by the ORM
        params += values
    return parts, params


def count_label(count: int, most: int = 1_000) -> str:
    """ "128", or "999+" where counting stopped."""
    return str(count) if count < most else f"{most - 1}+"
