"""The one query of every request: session, account and the server's limits by the key's digest.

Django writes its SQL anew at each call and PostgreSQL plans it anew; both take longer than finding the row. Here it is
written once a process and planned once a connection (PREPARE); rows are made from the answer as the ORM makes them.
A connection pooler in front of PostgreSQL must keep a client on its connection ("session" mode).
"""

from typing import Any
from weakref import WeakSet

from django.db import connection
from django.db.models.sql.compiler import SQLCompiler

from sessions_admin.models import Session

_DIGEST = "the digest goes here"
_prepared: WeakSet[Any] = WeakSet()  # the driver's connections on which PostgreSQL knows the statement


class _Written:
    """The query in the SQL of one kind of database, and where its columns go."""

    def __init__(self) -> None:
        rows = Session.objects.not_closed().with_limits().filter(key_digest=_DIGEST)
        self.compiler: SQLCompiler = rows.query.get_compiler(connection=connection)
        self.sql, params = self.compiler.as_sql(with_col_aliases=False)
        self.params: list[Any] = list(params)
        self.prepare = "PREPARE agora_open_session AS " + self.sql % tuple(
            "$1" if value == _DIGEST else int(value) for value in self.params
        )
        self.converters = self.compiler.get_converters([column for column, _sql, _alias in self.compiler.select])
        self.session = [field.attname for field in Session._meta.concrete_fields]
        self.account_model: Any = Session._meta.get_field("account").related_model
        self.account = [field.attname for field in self.account_model._meta.concrete_fields]
        self.limits = dict(self.compiler.annotation_col_map or {})
        klass: Any = self.compiler.klass_info
        assert klass["select_fields"] == list(range(len(self.session)))
        first, last = klass["related_klass_infos"][0]["select_fields"][0], len(self.account)
        self.account_columns = slice(first, first + last)

    def fetch(self, key_digest: str) -> Any:
        with connection.cursor() as cursor:
            if connection.vendor != "postgresql":
                cursor.execute(self.sql, [key_digest if value == _DIGEST else value for value in self.params])
                return cursor.fetchone()
            if connection.connection not in _prepared:
                cursor.execute(self.prepare)
                _prepared.add(connection.connection)
            cursor.execute("EXECUTE agora_open_session (%s)", [key_digest])
            return cursor.fetchone()

    def read(self, key_digest: str) -> Session | None:
        row = self.fetch(key_digest)
        if row is None:
            return None
        if self.converters:
            row = next(iter(self.compiler.apply_converters([row], self.converters)))
        found: Session = Session.from_db(connection.alias, self.session, row[: len(self.session)])
        values = row[self.account_columns]
        found.account = self.account_model.from_db(connection.alias, self.account, values) if values[0] else None
        for name, column in self.limits.items():
            setattr(found, name, row[column])
        return found


_written: dict[str, _Written] = {}


def open_session(key_digest: str) -> Session | None:
    """The row without an end that has this digest, with its account and ``idle_limit`` and ``absolute_limit``."""
    if connection.vendor not in _written:
        _written[connection.vendor] = _Written()
    return _written[connection.vendor].read(key_digest)
