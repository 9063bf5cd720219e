"""The filtered log as CSV or JSON Lines, streamed in constant memory: by COPY on PostgreSQL, row by row elsewhere."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, connections
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.base.http import csv_lines
from audit.events import event
from audit.models import Entry
from audit.services import record

EXPORTED = event("audit.exported", _("Audit log exported"))

COLUMNS = (
    "id",
    "at",
    "event",
    "outcome",
    "actor_id",
    "actor_name",
    "behalf_id",
    "behalf_name",
    "session_id",
    "key_id",
    "key_name",
    "elevation_id",
    "target_type",
    "target_id",
    "target_name",
    "channel",
    "address",
    "user_agent",
    "method",
    "path",
    "request_id",
    "details",
)
# Text that people or their browsers chose; a spreadsheet would run a formula in it (OWASP: CSV injection).
CHOSEN = {
    "actor_name",
    "behalf_name",
    "key_name",
    "target_name",
    "target_id",
    "user_agent",
    "method",
    "path",
    "event",
    "request_id",
}
FORMULAS = ", ".join(str(ord(first)) for first in "=+-@\t\r")  # by number: a pattern takes longer
CHUNK = 65_536  # bytes


def record_export(params: QueryDict, kind: str, *, actor: Actor) -> None:
    """Who took which part of the log, before the first byte leaves."""
    record(EXPORTED, actor=actor, filter=params.urlencode(), format=kind)


def export(rows: QuerySet[Entry], kind: str) -> Iterator[str | bytes]:
    """The lines of ``kind`` csv or jsonl, oldest first."""
    ordered = rows.order_by("at", "id")
    if connection.vendor == "postgresql":
        return _copy(ordered, kind)
    found = ordered.values_list(*COLUMNS).iterator(chunk_size=2_000)
    return csv_lines(COLUMNS, map(_csv_row, found)) if kind == "csv" else map(_json_line, found)


def _utc(value: Any) -> str:
    return str(value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def _csv_row(row: tuple[Any, ...]) -> list[Any]:
    details = json.dumps(row[-1], cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return [row[0], _utc(row[1]), *row[2:-1], details]


def as_dict(entry: Entry) -> dict[str, Any]:
    """One entry as its JSON line holds it."""
    return _values(tuple(getattr(entry, name) for name in COLUMNS))


def _values(row: tuple[Any, ...]) -> dict[str, Any]:
    return dict(zip(COLUMNS, [row[0], _utc(row[1]), *row[2:]], strict=True))


def _json_line(row: tuple[Any, ...]) -> str:
    return json.dumps(_values(row), cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")) + "\n"


def _select(kind: str) -> str:
    def column(name: str) -> str:
        if name == "at":
            return """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at"""
        if name == "address":
            return "host(address) AS address"
        if name in CHOSEN and kind == "csv":
            return f"CASE WHEN ascii({name}) IN ({FORMULAS}) THEN '''' || {name} ELSE {name} END AS {name}"
        return name

    return ", ".join(map(column, COLUMNS))


def _copy_statement(rows: QuerySet[Entry], kind: str) -> str:
    sql, params = rows.values(*COLUMNS).query.sql_with_params()
    with connection.cursor() as cursor:
        inner = cursor.cursor.mogrify(sql, params).decode()
    select = f"SELECT {_select(kind)} FROM ({inner}) entries"  # noqa: S608 - our columns around the ORM's query
    if kind == "csv":
        return f"COPY ({select}) TO STDOUT WITH (FORMAT csv, HEADER)"
    # JSON escapes control characters, so with these for quote and delimiter CSV adds nothing to a line.
    return (
        f"COPY (SELECT row_to_json(lines)::text FROM ({select}) lines) "  # noqa: S608 - as above
        "TO STDOUT WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')"
    )


def _copy(rows: QuerySet[Entry], kind: str) -> Iterator[bytes]:
    """COPY writes into a pipe from a thread with a connection of its own; whoever stops reading ends both at once."""
    statement = _copy_statement(rows, kind)
    reader, writer = os.pipe()
    running: list[Any] = []
    failure: list[BaseException] = []

    def work() -> None:
        try:
            with os.fdopen(writer, "wb") as sink, connections["default"].cursor() as cursor:
                running.append(cursor.connection)
                cursor.cursor.copy_expert(statement, sink, size=CHUNK)
        except BrokenPipeError:
            pass  # the reader went away: nothing is wrong here
        except Exception as error:  # handed over to the reading side
            failure.append(error)
        finally:
            connections["default"].close()

    thread = threading.Thread(target=work, name="audit-export", daemon=True)
    thread.start()
    try:
        while chunk := os.read(reader, CHUNK):
            yield chunk
    except GeneratorExit:
        for connected in running:  # it may be looking for its next row, which a closed pipe would not tell it
            with suppress(Exception):  # it ended meanwhile
                connected.cancel()
        raise
    finally:
        os.close(reader)
        thread.join(timeout=30)
    if failure:
        raise failure[0]
