"""Pieces for tables: searchable text and the index that finds it; secrets at rest."""

import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any, TypeVar, cast

from cryptography.fernet import Fernet, InvalidToken
from django.apps.registry import Apps
from django.conf import settings
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.models.sql.compiler import SQLCompiler

from agora.base.errors import Gone

GRAMS = "agora_grams"
Row = TypeVar("Row", bound=models.Model)
COPY = "_text"  # behind the name of a table: that of its text's copy
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
    # PL/pgSQL keeps its plan (a function in SQL is planned at each write). Letters are cut once: ``substr`` would
    # count from the text's start for each piece. No DISTINCT, for the index keeps each piece once anyway.
    # Restricted: one person's search takes no other processor, and PostgreSQL's share of it came out slower than one.
    create = (
        f"CREATE OR REPLACE FUNCTION {GRAMS}(hay text, shortest int) RETURNS text[] "
        "IMMUTABLE STRICT PARALLEL RESTRICTED LANGUAGE plpgsql AS $$ "
        "DECLARE letters text[] := string_to_array(hay, NULL); "
        "last int := cardinality(letters); "
        "found text[] := CASE WHEN shortest = 1 THEN letters ELSE '{}' END; "
        "BEGIN "
        "IF shortest < 3 THEN FOR i IN 1..last - 1 LOOP "
        "found := array_append(found, letters[i] || letters[i + 1]); END LOOP; END IF; "
        "FOR i IN 1..last - 2 LOOP "
        "found := array_append(found, letters[i] || letters[i + 1] || letters[i + 2]); END LOOP; "
        "RETURN nullif(found, '{}'); END $$"
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


class CreateTextCopy(CreateGrams):
    """Migration operation: a narrow copy of a table's searched text with the index over its pieces; PostgreSQL only.

    For a table of wide rows that a common word finds by the ten thousand: of accounts the copy has 3.6 times as many on
    a page. It holds ``columns`` besides, those that the list is ordered by. The database keeps it, in the same
    transaction, so that nothing that writes has to know; a write of other columns leaves the copy and its index alone.
    No foreign key leads back: ``TRUNCATE`` of the table alone would be refused.
    """

    def __init__(self, table: str, *, columns: Sequence[str], shortest: int = 1) -> None:
        self.copy = copy = f"{table}{COPY}"
        held = ["id", *columns, "search_text"]
        names, values = ", ".join(held), ", ".join(f"NEW.{name}" for name in held)
        changed = f"({', '.join(f'OLD.{name}' for name in held)}) IS DISTINCT FROM ({values})"
        indexed = CreateGramIndex(copy, shortest=shortest).create
        # The triggers come before the rows: from the first of them on no other transaction writes to the table.
        self.create = f"""
CREATE TABLE {copy} AS SELECT {names} FROM {table} WITH NO DATA;
ALTER TABLE {copy} ADD PRIMARY KEY (id), {", ".join(f"ALTER {name} SET NOT NULL" for name in held)};
CREATE FUNCTION {copy}_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO {copy} ({names}) VALUES ({values});
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE {copy} SET ({names}) = ROW({values}) WHERE id = OLD.id;
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM {copy} WHERE id = OLD.id;
    ELSE
        TRUNCATE {copy};
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER {copy}_insert AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {copy}_follow();
CREATE TRIGGER {copy}_update AFTER UPDATE OF {names} ON {table} FOR EACH ROW WHEN ({changed})
    EXECUTE FUNCTION {copy}_follow();
CREATE TRIGGER {copy}_delete AFTER DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {copy}_follow();
CREATE TRIGGER {copy}_truncate AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {copy}_follow();
INSERT INTO {copy} ({names}) SELECT {names} FROM {table};
{indexed};
"""  # noqa: S608 - names in a migration
        dropped = [f"DROP TRIGGER {copy}_{event} ON {table};" for event in ("insert", "update", "delete", "truncate")]
        self.drop = "\n".join([*dropped, f"DROP FUNCTION {copy}_follow();", f"DROP TABLE {copy};"])

    def describe(self) -> str:
        return f"CREATE TABLE {self.copy}, which follows by triggers"


class Searchable(models.Model):
    """A row found by any part of the fields named in ``search_fields``; ``search_text`` follows at every save."""

    search_text = models.TextField(editable=False, default="", blank=True)
    search_fields: Sequence[str] = ()
    shortest_piece = 1  # letters; the index finds nothing shorter
    text_copy: Sequence[str] = ()  # the columns of ``CreateTextCopy``, where the index stands on such a copy

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


def text_copy(model: type[models.Model]) -> type[Searchable] | None:
    """The narrow copy of the model's text, to be read; None where it has none or the database keeps none."""
    return _text_copy(model) if getattr(model, "text_copy", ()) and connection.vendor == "postgresql" else None


@cache
def _text_copy(model: type[Searchable]) -> type[Searchable]:
    """It stands in no registry of Django's: migrations, dumps and permissions are not to know it."""
    meta = {"apps": Apps(), "app_label": model._meta.app_label, "db_table": f"{model._meta.db_table}{COPY}"}
    held = cast("list[models.Field[Any, Any]]", [model._meta.get_field(name) for name in ("id", *model.text_copy)])
    fields = {field.name: field.clone() for field in held}
    body = {"__module__": __name__, "Meta": type("Meta", (), meta), **fields}
    body |= {"text_copy": model.text_copy, "shortest_piece": model.shortest_piece}
    return cast("type[Searchable]", type(f"{model.__name__}Text", (Searchable,), body))


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
