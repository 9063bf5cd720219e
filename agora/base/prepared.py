"""What every request and every sign-in asks: the SQL is written once a process and planned once a connection. What they
write is in ``agora.base.writing``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=models.Model)
Value = str | int | datetime
MOST_VALUES = 8  # of one query


def stand_in(kind: type, place: int = 0) -> Any:
    """What stands in a query where a value comes, the ``place``-th of them: no column holds any of these."""
    kinds: dict[type, Any] = {
        str: f"value {place} goes here",
        int: -7_123_456_789_012_345_678 - place,
        datetime: datetime(1, 1, 1, second=place, microsecond=1, tzinfo=UTC),
    }
    return kinds[kind]


TEXT, OTHER, NUMBER = stand_in(str), stand_in(str, 1), stand_in(int)


# The driver's connections, and the statements that PostgreSQL knows on each. By name: two threads that write the same
# one at the same time make two objects of it.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def current() -> BaseDatabaseWrapper:
    """The connection itself: ``django.db.connection`` looks it up anew for each attribute."""
    return connections[DEFAULT_DB_ALIAS]


class Statement:
    """SQL with ``%s`` for its values, planned once a connection (PREPARE) where the database can."""

    def __init__(self, name: str, sql: str, values: int) -> None:
        assert len(name) < 64, f"PostgreSQL would cut {name}, and might take it for another."
        self.name, self.sql, self.values = name, sql, values
        self.prepare = f"PREPARE {name} AS {sql}" % tuple(f"${number}" for number in range(1, values + 1))
        self.execute = f"EXECUTE {name} ({', '.join(['%s'] * values)})" if values else f"EXECUTE {name}"

    def fetch(self, values: Sequence[Any] = ()) -> list[Any]:
        with current().cursor() as cursor:
            self._ask(cursor, values)
            return list(cursor.fetchall())

    def run(self, values: Sequence[Any]) -> int:
        """How many rows it changed."""
        with current().cursor() as cursor:
            self._ask(cursor, values)
            return int(cursor.rowcount)

    def _ask(self, cursor: CursorWrapper, values: Sequence[Any]) -> None:
        database = cursor.db
        if database.vendor != "postgresql":
            cursor.execute(self.sql, values)
            return
        known = _known.setdefault(database.connection, set())
        if self.name not in known:
            cursor.execute(self.prepare)
            known.add(self.name)
        cursor.execute(self.execute, values)


def as_sent(value: Value) -> Any:
    """The value as the driver takes it."""
    return current().ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def placed(sql: str, params: Iterable[Any]) -> tuple[str, list[int]]:
    """Django's SQL with ``%s`` for our values alone, and which of them comes in which place."""
    params = list(params)
    places = {as_sent(stand_in(kind, place)): place for kind in (str, int, datetime) for place in range(MOST_VALUES)}
    # The other values are numbers of the code's own; a text among them is not foreseen.
    fixed = ("%s" if value in places else int(value) for value in params)
    return sql % tuple(fixed), [places[value] for value in params if value in places]


class _Written:
    """The query in the SQL of one kind of database, and where its columns go."""

    def __init__(self, name: str, rows: models.QuerySet[Any]) -> None:
        self.compiler: SQLCompiler = rows.query.get_compiler(connection=current())
        sql, self.order = placed(*self.compiler.as_sql(with_col_aliases=False))
        self.statement = Statement(name, sql, len(self.order))
        select = [column for column, _sql, _alias in self.compiler.select]
        self.converters = self.compiler.get_converters(select)
        klass: Any = self.compiler.klass_info
        self.model = klass["model"]
        own = klass["select_fields"]
        self.columns = slice(own[0], own[-1] + 1)
        self.fields = [column[0].target.attname for column in self.compiler.select[self.columns]]
        self.related = get_related_populators(  # type: ignore[call-arg]  # of Django 5.2
            klass, self.compiler.select, DEFAULT_DB_ALIAS
        )
        self.annotations = dict(self.compiler.annotation_col_map or {})

    def sent(self, values: Sequence[Any]) -> list[Any]:
        return [as_sent(values[place]) for place in self.order]

    def read(self, values: Sequence[Any]) -> Iterator[Any]:
        return self.all_made(self.statement.fetch(self.sent(values)))

    def all_made(self, rows: Iterable[Any]) -> Iterator[Any]:
        if self.converters:
            rows = self.compiler.apply_converters(rows, self.converters)
        return map(self.made, rows)

    def made(self, row: Any) -> Any:
        found = self.model.from_db(DEFAULT_DB_ALIAS, self.fields, row[self.columns])
        for populator in self.related:
            populator.populate(row, found)
        for name, column in self.annotations.items():
            setattr(found, name, row[column])
        return found


class Prepared(Generic[Row]):
    """Rows by one value or a few: written once a process, planned once a connection (PREPARE).

    Django writes its SQL anew at each call and PostgreSQL plans it anew; both take longer than finding one row by a
    unique column. Rows are made from the answer as the ORM makes them. A connection pooler in front of PostgreSQL must
    keep a client on its connection ("session" mode).

    ``rows`` makes the query, with ``stand_in``s where the values come, in short TEXT or NUMBER where there is one and
    OTHER where there is a second text; it may use select_related and annotations. ``name`` is unique in the project.
    """

    def __init__(self, name: str, rows: Callable[[], models.QuerySet[Row]]) -> None:
        self.name, self.rows = name, rows
        self.written: dict[str, _Written] = {}

    def __call__(self, *values: Value) -> Row | None:
        """The first row, or None. One query, and none for a number that no column of ours can hold."""
        return next(self.all(*values), None)

    def all(self, *values: Value) -> Iterator[Row]:
        """The rows, of one query that is asked at once."""
        if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values):
            return iter(())
        return self._here().read(values)

    def within(self, values: Sequence[Value]) -> tuple[str, list[Any]]:
        """Its SQL and its values, for a statement that contains it."""
        here = self._here()
        return here.statement.sql, here.sent(values)

    def made(self, row: Sequence[Any]) -> Row | None:
        """The row of these columns, which another statement asked for; None where it found none, so all are NULL."""
        there = any(column is not None for column in row)
        return next(self._here().all_made([row])) if there else None

    def _here(self) -> _Written:
        vendor = current().vendor
        if vendor not in self.written:
            self.written[vendor] = _Written(self.name, self.rows())
        return self.written[vendor]


class PreparedLook(Generic[Row]):
    """One row, as ``Prepared``, and whether another query of the same values finds anything: in one answer, which comes
    and takes as long where there is no such row. And an id for a new row of ``draws``, for ``together``; None where the
    database gives ids only to rows that it writes."""

    def __init__(
        self,
        name: str,
        rows: Callable[[], models.QuerySet[Row]],
        other: Callable[[], models.QuerySet[Any]],
        draws: type[models.Model],
    ) -> None:
        self.name, self.draws = name, draws
        self.rows, self.other = Prepared(f"{name}_row", rows), Prepared(f"{name}_other", other)
        self.statements: dict[str, Statement] = {}

    def __call__(self, *values: Value) -> tuple[Row | None, bool, int | None]:
        row, mine = self.rows.within(values)
        other, theirs = self.other.within(values)
        vendor = current().vendor
        if vendor not in self.statements:
            new = f"SELECT EXISTS ({other}), {_draw(self.draws)}, found.*"
            sql = f"{new} FROM (SELECT 1) one LEFT JOIN ({row}) found ON 1 = 1"
            self.statements[vendor] = Statement(self.name, sql, len(theirs) + len(mine))
        ((there, drawn, *found),) = self.statements[vendor].fetch([*theirs, *mine])
        return self.rows.made(tuple(found)), bool(there), drawn


def _draw(model: type[models.Model]) -> str:
    if current().vendor != "postgresql":
        return "NULL"
    with current().cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{model._meta.db_table}"', model._meta.pk.column])
        return f"nextval('{cursor.fetchone()[0]}'::regclass)"
