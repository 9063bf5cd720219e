"""Statements that every request, sign-in or change asks: their SQL is written once a process and planned once a
connection."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import count
from types import NoneType
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
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


def _sent(value: Value) -> Any:
    """The value as the driver takes it."""
    return current().ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value


def _placed(sql: str, params: Iterable[Any]) -> tuple[str, list[int]]:
    """Django's SQL with ``%s`` for our values alone, and which of them comes in which place."""
    params = list(params)
    places = {_sent(stand_in(kind, place)): place for kind in (str, int, datetime) for place in range(MOST_VALUES)}
    # The other values are numbers of the code's own; a text among them is not foreseen.
    fixed = ("%s" if value in places else int(value) for value in params)
    return sql % tuple(fixed), [places[value] for value in params if value in places]


class _Written:
    """The query in the SQL of one kind of database, and where its columns go."""

    def __init__(self, name: str, rows: models.QuerySet[Any]) -> None:
        self.compiler: SQLCompiler = rows.query.get_compiler(connection=current())
        sql, self.order = _placed(*self.compiler.as_sql(with_col_aliases=False))
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
        return [_sent(values[place]) for place in self.order]

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


# What these fields hand to the driver as it is; for most columns of a row this spares four calls.
_AS_IT_IS = {
    (models.CharField, str),
    (models.TextField, str),
    (models.BooleanField, bool),
    (models.BigIntegerField, int),
    (models.BigIntegerField, NoneType),
    (models.DateTimeField, NoneType),
    (models.GenericIPAddressField, NoneType),
}


def _kept(values: Iterable[tuple[Any, Any]]) -> list[Any]:
    """Each field's value as the driver takes it, as ``save`` has it."""
    database = current()
    return [
        value if (type(field), type(value)) in _AS_IT_IS else field.get_db_prep_save(value, database)
        for field, value in values
    ]


@cache
def _insertion(model: type[models.Model]) -> tuple[Statement, list[Any]]:
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    table, columns = model._meta.db_table, ", ".join(f'"{field.column}"' for field in fields)
    places = ", ".join(["%s"] * len(fields))
    sql = f'INSERT INTO "{table}" ({columns}) VALUES ({places}) RETURNING "{model._meta.pk.column}"'  # noqa: S608
    return Statement(f"insert_{table}", sql, len(fields)), fields


def insert(row: models.Model) -> None:
    """``row.save(force_insert=True)`` without signals, for tables that every sign-in and every change writes to.

    As in ``Prepared``, the SQL is written once a process and planned once a connection. The database gives the row its
    primary key; its values are plain ones, not expressions.
    """
    statement, fields = _insertion(type(row))
    ((row.pk,),) = statement.fetch(_kept([(field, field.pre_save(row, add=True)) for field in fields]))
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


@cache
def _change(
    model: type[models.Model], written: tuple[str, ...], same: tuple[str, ...], empty: tuple[str, ...], unless: str
) -> tuple[Statement, list[Any]]:
    meta, table = model._meta, model._meta.db_table
    fields: list[Any] = [meta.get_field(name) for name in written]
    compared: list[Any] = [meta.pk, *(meta.get_field(name) for name in same)]
    nothing = [f'"{meta.get_field(name).column}" IS NULL' for name in empty]  # type: ignore[union-attr]
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    none_there = [f"NOT EXISTS ({unless})"] if unless else []
    where = " AND ".join([*(f'"{field.column}" = %s' for field in compared), *nothing, *none_there])
    sql = f'UPDATE "{table}" SET {columns} WHERE {where} RETURNING 1'  # noqa: S608
    values = len(fields) + len(compared) + unless.count("%s")
    return Statement(f"update_{table}_{next(_numbers)}", sql, values), [*fields, *compared]


_numbers = count(1)
Unless = tuple[Prepared[Any], Sequence[Value]] | None  # a query and its values


def update(
    row: models.Model,
    *names: str,
    unchanged: Sequence[str] = (),
    unless: Unless = None,
) -> bool:
    """``row.save(update_fields=names)`` as ``insert`` inserts, where the database has the same in ``unchanged`` as the
    row has, and ``unless`` finds nothing; False where it is otherwise, or the row is gone. The row is locked until the
    transaction ends."""
    statement, values = _changing(row, names, unchanged, unless)
    return bool(statement.fetch(values))


def _changing(
    row: models.Model, names: tuple[str, ...], unchanged: Sequence[str], unless: Unless
) -> tuple[Statement, list[Any]]:
    empty = tuple(name for name in unchanged if getattr(row, name) is None)
    same = tuple(name for name in unchanged if name not in empty)
    inner, values = unless[0].within(unless[1]) if unless else ("", [])
    statement, fields = _change(type(row), names, same, empty, inner)
    return statement, [*_kept([(field, getattr(row, field.attname)) for field in fields]), *values]


def together(
    row: models.Model,
    *names: str,
    unchanged: Sequence[str],
    unless: Unless,
    first: models.Model,
    then: Callable[[], models.Model],
) -> bool:
    """``update`` the row, ``insert`` the ``first`` new one, and what ``then`` makes once that has its id: all of it or,
    where ``update`` finds the row otherwise and says False, nothing.

    Where ``first`` has an id already, drawn by a ``PreparedLook``, it is one statement, which waits for one answer of
    the database instead of five; else it is a transaction.
    """
    if first.pk is None:
        with transaction.atomic():
            if not update(row, *names, unchanged=unchanged, unless=unless):
                return False
            insert(first)
            insert(then())
        return True
    second = then()
    change, values = _changing(row, names, unchanged, unless)
    statement, fields = _both(change, type(first), type(second))
    for new, columns in ((first, fields[0]), (second, fields[1])):
        values += _kept([(field, field.pre_save(new, add=True)) for field in columns])
    found = statement.fetch(values)
    if found:
        second.pk = found[0][0]
        for new in (first, second):
            new._state.adding, new._state.db = False, DEFAULT_DB_ALIAS
    return bool(found)


@cache
def _both(
    change: Statement, first: type[models.Model], second: type[models.Model]
) -> tuple[Statement, tuple[list[Any], list[Any]]]:
    """The change, and a row of each model where it found its own: PostgreSQL's INSERT in a WITH."""
    fields: tuple[list[Any], list[Any]] = list(first._meta.local_concrete_fields), _insertion(second)[1]
    one, two = (_insert_where(model, columns) for model, columns in zip((first, second), fields, strict=True))
    key = f'"{second._meta.pk.column}"'
    sql = f"WITH changed AS ({change.sql}), first AS ({one}) {two} RETURNING {key}"
    values = change.values + len(fields[0]) + len(fields[1])
    return Statement(f"together_{next(_numbers)}", sql, values), fields


def _insert_where(model: type[models.Model], fields: Sequence[Any]) -> str:
    # The bare type: a cast to varchar(20) would cut what is longer, which is to be refused.
    types = (field.db_type(current()).partition("(")[0] for field in fields)
    columns, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(f"%s::{kind}" for kind in types)
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT {places} FROM changed'  # noqa: S608 - as above


class PreparedUpdate:
    """``rows().update(…)`` of these fields, as ``Prepared`` reads: in ``rows`` are ``stand_in``s where values come."""

    def __init__(self, name: str, rows: Callable[[], models.QuerySet[Any]], *fields: str) -> None:
        self.name, self.rows, self.fields = name, rows, fields
        self.written: dict[str, tuple[Statement, list[int], list[Any]]] = {}

    def __call__(self, *values: Value, **columns: Any) -> int:
        """How many rows there were."""
        vendor = current().vendor
        if vendor not in self.written:
            self.written[vendor] = self._write()
        statement, order, fields = self.written[vendor]
        kept = _kept([(field, columns[field.attname]) for field in fields])
        return statement.run([*kept, *(_sent(values[place]) for place in order)])

    def _write(self) -> tuple[Statement, list[int], list[Any]]:
        query = self.rows().query
        where, order = _placed(*query.get_compiler(connection=current()).compile(query.where))
        fields: list[Any] = [query.get_meta().get_field(name) for name in self.fields]
        columns = ", ".join(f'"{field.column}" = %s' for field in fields)
        sql = f'UPDATE "{query.get_meta().db_table}" SET {columns} WHERE {where}'  # noqa: S608
        return Statement(self.name, sql, len(fields) + len(order)), order, fields
