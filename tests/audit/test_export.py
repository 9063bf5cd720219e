"""The export: exactly the filter, recorded before its first byte, readable by every program, streamed."""

import csv
import io
import json
import threading
import time
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from accounts.models import Account
from agora.base.actor import Actor, Origin
from agora.base.http import csv_lines
from audit import exports
from audit.models import Entry
from audit.services import record
from tests.conftest import Make

pytestmark = pytest.mark.django_db(transaction=True)  # COPY has a connection of its own, which sees what is committed
EXPORT = "/audit/export/"
WEIRD = [
    "plain",
    'quoted "name", with\nnewline, ünïcode and \\ back\\.',
    "\\.",
    "\x01\x02\x1f\x7f",
    "a\tb\r\nc",
    "\u202egnp.exe \U0001f4a9 \u2028",
    "",
]
FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]


def write(name: str, event: str = "account.created", **details: Any) -> Entry:
    origin = Origin(channel="web", address="2001:db8::1", user_agent=name, method="POST", path=f"/{name}"[:400])
    return record(event, actor=Actor(name=name, origin=origin), target_name=name, **details)


def taken(client: Client, kind: str, query: str = "") -> str:
    answer = client.post(f"{EXPORT}?{query}", {"format": kind})
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="audit.{kind}"'
    return b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_it_holds_the_filter_oldest_first_and_nothing_else(make: Make, sam: Account, kind: str) -> None:
    for name in WEIRD:
        write(name)
    write("not this one", "session.opened")
    text = taken(make.client(sam), kind, "event=account.created")
    rows = table(text) if kind == "csv" else [json.loads(line) for line in text.split("\n") if line]
    assert [row["target_name"] for row in rows] == WEIRD


@pytest.mark.parametrize(
    "query", ["q=needle", "actor=a+needle", "address=2001:DB8:0::1&q=needle", "q=need&actor=A+NEEDLE"]
)
def test_what_is_searched_is_what_is_exported(make: Make, sam: Account, query: str) -> None:
    write("a needle")
    write("hay")
    assert [row["actor_name"] for row in table(taken(make.client(sam), "csv", query))] == ["a needle"]


@pytest.mark.parametrize("name", FORMULAS)
def test_no_spreadsheet_takes_a_cell_for_a_formula(make: Make, sam: Account, name: str) -> None:
    write(name, reason=name)
    client = make.client(sam)
    (row,) = table(taken(client, "csv", "event=account.created"))
    for column in ("actor_name", "target_name", "user_agent"):
        assert row[column] == f"'{name}"
    assert not any(cell.startswith(tuple("=+-@\t\r")) for cell in row.values())
    (line,) = taken(client, "jsonl", "event=account.created").splitlines()
    assert json.loads(line)["actor_name"] == name


def test_every_json_line_is_one_entry_with_its_details(make: Make, sam: Account) -> None:
    details = {"changes": {"näme": [None, "\u2028\n"]}, "n": 1, "deep": [{"a": True}], "ratio": 0.5}
    entry = write("x", **details)
    text = taken(make.client(sam), "jsonl", "event=account.created")
    assert text.count("\n") == 1
    line = json.loads(text)
    assert line["details"] == details
    assert line["at"] == entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert (line["id"], line["address"], line["actor_id"], line["channel"]) == (entry.pk, "2001:db8::1", None, "web")


def test_it_is_recorded_with_its_filter_before_the_first_byte(make: Make, sam: Account) -> None:
    answer = make.client(sam).post(f"{EXPORT}?event=account.created&q=x", {"format": "jsonl"})
    entry = Entry.objects.get(event="audit.exported")
    assert (entry.actor_name, entry.outcome) == ("sam", "success")
    assert entry.details == {"filter": "event=account.created&q=x", "format": "jsonl"}
    assert b"".join(answer.streaming_content) == b""  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["", "xlsx", "csv\0", "../csv"])
def test_an_unknown_format_is_a_bad_request_and_nothing_is_recorded(make: Make, sam: Account, kind: str) -> None:
    assert make.client(sam).post(EXPORT, {"format": kind}).status_code == 400
    assert not Entry.objects.filter(event="audit.exported").exists()


def test_looking_exports_nothing(make: Make, sam: Account) -> None:
    assert make.client(sam).get(EXPORT, {"format": "csv"}).status_code == 405
    assert not Entry.objects.filter(event="audit.exported").exists()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.postgresql("Only PostgreSQL has COPY.")
def test_copy_writes_what_the_rows_hold(kind: str) -> None:
    for name in [*WEIRD, *FORMULAS]:
        write(name, text=name, changes={"a": [1, None]})
    rows = Entry.objects.order_by("at", "id")
    copied = b"".join(part for part in exports.export(rows, kind) if isinstance(part, bytes)).decode()
    values = rows.values_list(*exports.COLUMNS)
    if kind == "csv":
        theirs, ours = table(copied), table("".join(csv_lines(exports.COLUMNS, map(exports._csv_row, values))))
        for row in [*theirs, *ours]:
            row["details"] = json.loads(row["details"])
    else:
        theirs = [json.loads(line) for line in copied.split("\n") if line]
        ours = [json.loads(exports._json_line(row)) for row in values]
    assert theirs == ours


def copying() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE query LIKE 'COPY (%' AND state = 'active' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def ended(within: float = 5.0) -> bool:
    """No thread writes any more and PostgreSQL copies no more."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        if not any(thread.name == "audit-export" for thread in threading.enumerate()) and not copying():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("query", "begun"),
    [
        ("", False),
        ("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)", True),
        ("SELECT repeat('x', 1000), CASE n WHEN 40 THEN pg_sleep(60) END FROM generate_series(1, 99) n", True),
    ],
    ids=["before the first byte", "in the middle of a long one", "while it looks for its next row"],
)
@pytest.mark.postgresql("Only PostgreSQL has COPY.")
def test_a_reader_who_goes_away_ends_the_copy(monkeypatch: pytest.MonkeyPatch, query: str, begun: bool) -> None:
    monkeypatch.setattr(exports, "_copy_statement", lambda rows, kind: f"COPY ({query}) TO STDOUT")
    parts: Any = exports.export(Entry.objects.all(), "csv")
    if begun:
        assert len(next(parts)) > 0
    started = time.monotonic()
    parts.close()
    assert ended()
    assert time.monotonic() - started < 5
    assert Entry.objects.count() == 0  # our own connection is as it was


@pytest.mark.postgresql("Only PostgreSQL has COPY.")
def test_what_fails_on_the_way_is_not_taken_for_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "COPY (SELECT 1 / (3 - n) FROM generate_series(1, 5) n) TO STDOUT"
    monkeypatch.setattr(exports, "_copy_statement", lambda rows, kind: broken)
    with pytest.raises(psycopg2.Error, match="division by zero"):
        list(exports.export(Entry.objects.all(), "csv"))
    assert ended()
