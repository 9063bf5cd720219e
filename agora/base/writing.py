"""Rows written as ``agora.base.prepared`` reads them: the SQL once a process, planned once a connection, for what every
sign-in and every change writes."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import count
from types import NoneType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models, transaction

from agora.base.prepared import Prepared, Statement, Value, as_sent, current, placed

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
    assert current().vendor == "postgresql", "Elsewhere no id is drawn before its row is written."
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
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) SELECT {places} FROM changed'  # noqa: S608


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
        return statement.run([*kept, *(as_sent(values[place]) for place in order)])

    def _write(self) -> tuple[Statement, list[int], list[Any]]:
        query = self.rows().query
        where, order = placed(*query.get_compiler(connection=current()).compile(query.where))
        fields: list[Any] = [query.get_meta().get_field(name) for name in self.fields]
        columns = ", ".join(f'"{field.column}" = %s' for field in fields)
        sql = f'UPDATE "{query.get_meta().db_table}" SET {columns} WHERE {where}'  # noqa: S608
        return Statement(self.name, sql, len(fields) + len(order)), order, fields
