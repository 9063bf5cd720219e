"""Pieces for tables: searchable text and the index that finds it; secrets at rest; queries that every request asks."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import count
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

from agora.base.errors import Gone

GRAMS = "agora_grams"
Row = TypeVar("Row", bound=models.Model)
PENDING = 512  # kB of pieces that wait; every search reads them, and whoever fills them up moves them into the index


def fold(text: str) -> str:
    """The text as it is compared and searched: compatibility-normalised and case-folded (Unicode TR 15, TR 21)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def locked(rows: models.QuerySet[Row], row: Row) -> Row:
    """The row as it is now, locked until the transaction ends, the rows joined to it not. Raises Gone."""
    current = rows.select_for_update(of=("self",)).filter(pk=row.pk).first()
    if current is None:
        raise Gone
    return current


class CreateGrams(Operation):
    """Migration operation: PostgreSQL's function that returns a text's pieces of ``shortest`` to 3 letters."""

    reversible = True
    reduces_to_sql = True
    # A parsed body and no DISTINCT (the index keeps each piece once anyway): a third of the time at each write.
    # Restricted: one person's search takes no other processor, and PostgreSQL's share of it came out slower than one.
    create = (
        f"CREATE OR REPLACE FUNCTION {GRAMS}(hay text, shortest int) RETURNS text[] "  # noqa: S608 - a constant
        "IMMUTABLE STRICT PARALLEL RESTRICTED LANGUAGE sql "
        "RETURN (SELECT array_agg(substr(hay, i, n)) FROM generate_series(shortest, 3) n, "
        "generate_series(1, length(hay) - n + 1) i)"
    )
    drop = f"DROP FUNCTION IF EXISTS {GRAMS}(text, int)"

    def state_forwards(self, app_label: str, state: Any) -> None:
        """No model changes."""

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *_: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(self.create)

    def database_backwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, *_: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(self.drop)

    def describe(self) -> str:
        return self.create.split("(")[0]


class CreateGramIndex(CreateGrams):
    """Migration operation: the GIN index over the pieces of ``search_text``; other databases scan.

    ``shortest`` is that of the model: an index of 3-letter pieces alone costs a third of the writes.
    With ``fastupdate`` new rows wait in a short list, so that most writes pay nothing; one in some hundred empties it.
    """

    def __init__(self, table: str, *, shortest: int = 1) -> None:
        name = f"{table}_grams"
        pieces = f"{GRAMS}(search_text, {shortest})"
        how = f"fastupdate = on, gin_pending_list_limit = {PENDING}"
        self.create = f"CREATE INDEX {name} ON {table} USING gin ({pieces}) WITH ({how})"
        self.drop = f"DROP INDEX IF EXISTS {name}"


class Searchable(models.Model):
    """A row found by any part of the fields named in ``search_fields``; ``search_text`` follows at every save."""

    search_text = models.TextField(editable=False, default="", blank=True)
    search_fields: Sequence[str] = ()
    shortest_piece = 1  # letters; the index finds nothing shorter

    class Meta:
        abstract = True

    def save(self, *args: Any, update_fields: Any = None, **kwargs: Any) -> None:
        self.search_text = self.folded()
        if update_fields is not None and set(update_fields) & set(self.search_fields):
            update_fields = {*update_fields, "search_text"}
        super().save(*args, update_fields=update_fields, **kwargs)

    def folded(self) -> str:
        """The searched fields, folded, one a line."""
        return "\n".join(filter(None, (fold(str(getattr(self, name))) for name in self.search_fields)))


def one_of(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """The database refuses values that are not among the choices."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": choices.values}), name=name)


@models.BigAutoField.register_lookup
@models.ForeignKey.register_lookup
class Among(models.Lookup):
    """``pk__among=ids`` finds what ``pk__in=ids`` finds.

    PostgreSQL gets one array: Django writes it, and the database reads it, in a fraction of the time that a thousand
    placeholders take.
    """

    lookup_name = "among"

    def get_prep_lookup(self) -> list[int]:
        return [int(one) for one in self.rhs]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        if not self.rhs:
            raise EmptyResultSet
        left, params = self.process_lhs(compiler, connection)
        return f"{left} IN ({', '.join(['%s'] * len(self.rhs))})", (*params, *self.rhs)

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s::bigint[])", (*params, array(self.rhs))


def array(ids: Iterable[int]) -> str:
    """Numbers as PostgreSQL reads an array of them, for a parameter ``%s::bigint[]``."""
    return f"{{{','.join(map(str, ids))}}}"


class Unreadable(str):
    """What a column holds that was encrypted with another key: an empty text that can be told from one."""


@lru_cache(maxsize=4)
def _cipher(key: str) -> Fernet:
    return Fernet(key)


def encrypted(text: str) -> str:
    """A Fernet token of the text with the server's key, as EncryptedField stores it; empty stays empty."""
    return _cipher(settings.ENCRYPTION_KEY).encrypt(text.encode()).decode() if text else ""


def decrypted(token: str) -> str:
    """What ``encrypted`` hid; Unreadable with another key."""
    try:
        return _cipher(settings.ENCRYPTION_KEY).decrypt(token.encode()).decode() if token else token
    except InvalidToken:
        return Unreadable()


class EncryptedField(models.TextField):  # type: ignore[type-arg]
    """A secret: plain text in Python, a Fernet token (AES-128-CBC, HMAC-SHA256) in the column. Empty stays empty.

    Never in a filter: the same text is another token each time. With a wrong key the value is Unreadable.
    """

    def get_prep_value(self, value: Any) -> Any:
        return encrypted(str(value)) if value else ""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        return decrypted(value) if value else value


# What stands in the query where the value comes, and where a second text comes: no column holds any of them.
TEXT, NUMBER, OTHER = "the value goes here", -7_123_456_789_012_345_678, "the other value goes here"


class Statement:
    """SQL with ``%s`` for its values, planned once a connection (PREPARE) where the database can."""

    def __init__(self, name: str, sql: str, values: int) -> None:
        assert len(name) < 64, f"PostgreSQL would cut {name}, and might take it for another."
        self.name, self.sql = name, sql
        self.prepare = f"PREPARE {name} AS {sql}" % tuple(f"${number}" for number in range(1, values + 1))
        self.execute = f"EXECUTE {name} ({', '.join(['%s'] * values)})" if values else f"EXECUTE {name}"
        self.prepared: WeakSet[Any] = WeakSet()  # the driver's connections on which PostgreSQL knows the statement

    def fetch(self, values: Sequence[Any] = ()) -> list[Any]:
        with connection.cursor() as cursor:
            if connection.vendor != "postgresql":
                cursor.execute(self.sql, values)
            else:
                if connection.connection not in self.prepared:
                    cursor.execute(self.prepare)
                    self.prepared.add(connection.connection)
                cursor.execute(self.execute, values)
            return list(cursor.fetchall())


class _Written:
    """The query in the SQL of one kind of database, and where its columns go."""

    def __init__(self, name: str, rows: models.QuerySet[Any]) -> None:
        self.compiler: SQLCompiler = rows.query.get_compiler(connection=connection)
        sql, params = self.compiler.as_sql(with_col_aliases=False)
        places = {TEXT: 0, NUMBER: 0, OTHER: 1}
        self.order = [places[value] for value in params if value in places]
        # The other values are numbers of the code's own; a text among them is not foreseen.
        fixed = ("%s" if value in places else int(value) for value in params)
        self.statement = Statement(name, sql % tuple(fixed), len(self.order))
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

    def read(self, values: Sequence[Any]) -> Iterator[Any]:
        rows: Iterable[Any] = self.statement.fetch([values[place] for place in self.order])
        if self.converters:
            rows = self.compiler.apply_converters(rows, self.converters)
        return map(self.made, rows)

    def made(self, row: Any) -> Any:
        found = self.model.from_db(connection.alias, self.fields, row[self.columns])
        for populator in self.related:
            populator.populate(row, found)
        for name, column in self.annotations.items():
            setattr(found, name, row[column])
        return found


class Prepared(Generic[Row]):
    """Rows by one value or two: written once a process, planned once a connection (PREPARE).

    Django writes its SQL anew at each call and PostgreSQL plans it anew; both take longer than finding one row by a
    unique column. Rows are made from the answer as the ORM makes them. A connection pooler in front of PostgreSQL must
    keep a client on its connection ("session" mode).

    ``rows`` makes the query, with TEXT or NUMBER in the place of the value and OTHER in that of a second text; it may
    use select_related and annotations. ``name`` is unique in the project.
    """

    def __init__(self, name: str, rows: Callable[[], models.QuerySet[Row]]) -> None:
        self.name, self.rows = name, rows
        self.written: dict[str, _Written] = {}

    def __call__(self, *values: str | int) -> Row | None:
        """The first row, or None. One query, and none for a number that no column of ours can hold."""
        return next(self.all(*values), None)

    def all(self, *values: str | int) -> Iterator[Row]:
        """The rows, of one query that is asked at once."""
        if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values):
            return iter(())
        if connection.vendor not in self.written:
            self.written[connection.vendor] = _Written(self.name, self.rows())
        return self.written[connection.vendor].read(values)


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
    values = [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]
    ((row.pk,),) = statement.fetch(values)
    row._state.adding, row._state.db = False, connection.alias


@cache
def _change(model: type[models.Model], written: tuple[str, ...], same: tuple[str, ...], empty: tuple[str, ...]) -> Any:
    meta, table = model._meta, model._meta.db_table
    fields: list[Any] = [meta.get_field(name) for name in written]
    compared: list[Any] = [meta.pk, *(meta.get_field(name) for name in same)]
    nothing = [f'"{meta.get_field(name).column}" IS NULL' for name in empty]  # type: ignore[union-attr]
    columns = ", ".join(f'"{field.column}" = %s' for field in fields)
    where = " AND ".join([*(f'"{field.column}" = %s' for field in compared), *nothing])
    sql = f'UPDATE "{table}" SET {columns} WHERE {where} RETURNING 1'  # noqa: S608
    return Statement(f"update_{table}_{next(_numbers)}", sql, len(fields) + len(compared)), [*fields, *compared]


_numbers = count(1)


def update(row: models.Model, *names: str, unchanged: Sequence[str] = ()) -> bool:
    """``row.save(update_fields=names)`` as ``insert`` inserts, where the database has the same in ``unchanged`` as the
    row has; False where it has not, or the row is gone. The row is locked until the transaction ends."""
    empty = tuple(name for name in unchanged if getattr(row, name) is None)
    same = tuple(name for name in unchanged if name not in empty)
    statement, fields = _change(type(row), names, same, empty)
    return bool(statement.fetch([field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]))
