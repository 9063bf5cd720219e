"""Queries that every request asks: written once a process, planned once a connection (PREPARE).

Django writes its SQL anew at each call and PostgreSQL plans it anew; both take longer than finding one row by a unique
column. Rows are made from the answer as the ORM makes them. A connection pooler in front of PostgreSQL must keep a
client on its connection ("session" mode).
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from django.db import connection, models
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=models.Model)
# What stands in the query where the value comes: no column holds either.
TEXT, NUMBER = "the value goes here", -7_123_456_789_012_345_678


class _Written:
    """The query in the SQL of one kind of database, and where its columns go."""

    def __init__(self, name: str, rows: models.QuerySet[Any]) -> None:
        self.name = name
        self.compiler: SQLCompiler = rows.query.get_compiler(connection=connection)
        self.sql, params = self.compiler.as_sql(with_col_aliases=False)
        self.params: list[Any] = list(params)
        select = [column for column, _sql, _alias in self.compiler.select]
        self.converters = self.compiler.get_converters(select)
        klass: Any = self.compiler.klass_info
        self.model = klass["model"]
        own = klass["select_fields"]
        self.columns = slice(own[0], own[-1] + 1)
        self.fields = [column[0].target.attname for column in self.compiler.select[self.columns]]
        self.related = get_related_populators(  # type: ignore[call-arg]  # of Django 5.2
            klass, self.compiler.select, connection.alias
        )
        self.annotations = dict(self.compiler.annotation_col_map or {})
        self.prepared: WeakSet[Any] = WeakSet()  # the driver's connections on which PostgreSQL knows the statement

    @property
    def prepare(self) -> str:
        """The other values are numbers of the code's own; a text among them is not foreseen."""
        values = ("$1" if value in (TEXT, NUMBER) else int(value) for value in self.params)
        return f"PREPARE {self.name} AS {self.sql}" % tuple(values)

    def fetch(self, value: Any) -> Any:
        with connection.cursor() as cursor:
            if connection.vendor != "postgresql":
                cursor.execute(self.sql, [value if one in (TEXT, NUMBER) else one for one in self.params])
                return cursor.fetchone()
            if connection.connection not in self.prepared:
                cursor.execute(self.prepare)
                self.prepared.add(connection.connection)
            cursor.execute(f"EXECUTE {self.name} (%s)", [value])
            return cursor.fetchone()

    def read(self, value: Any) -> Any:
        row = self.fetch(value)
        if row is None:
            return None
        if self.converters:
            row = next(iter(self.compiler.apply_converters([row], self.converters)))
        found = self.model.from_db(connection.alias, self.fields, row[self.columns])
        for populator in self.related:
            populator.populate(row, found)
        for name, column in self.annotations.items():
            setattr(found, name, row[column])
        return found


class Prepared(Generic[Row]):
    """One row by one value. ``rows`` makes the query, with TEXT or NUMBER in the place of the value; it must select at
    most one row, and may use select_related and annotations. ``name`` is unique in the project."""

    def __init__(self, name: str, rows: Callable[[], models.QuerySet[Row]]) -> None:
        self.name, self.rows = name, rows
        self.written: dict[str, _Written] = {}

    def __call__(self, value: str | int) -> Row | None:
        """The row, or None. One query, and none for a number that no column of ours can hold."""
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return None
        if connection.vendor not in self.written:
            self.written[connection.vendor] = _Written(self.name, self.rows())
        found: Row | None = self.written[connection.vendor].read(value)
        return found
