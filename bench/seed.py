"""Fills the tables the fast way (COPY, indexes afterwards), with the very values that the models would write."""

import io
import json
import random
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Model

from accounts.models import NEVER, Account
from agora.base.models import fold, text_copy
from audit.models import Entry
from bench import people
from sessions_admin.models import Session

PASSWORD = "a bench is for sitting on"
START = datetime(2025, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=680)  # the seeded past
FIRST_SEEDED = 1_000  # ids below belong to accounts that a measurement makes for itself
BATCH = 10_000
ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t"})


def accounts(total: int) -> Iterator[dict[str, Any]]:
    """``total`` accounts; one in a hundred locked, two inactive, one in ten never signed in."""
    password = make_password(PASSWORD)
    for number in range(total):
        first, last = people.person(number) if number % 5 else ("", "")
        login = NEVER if number % 10 == 0 else START + SPAN * (number * 7_919 % total / total)
        locked = number % 100 == 7
        name = people.username(number)
        external = people.external_id(number, total)
        yield {
            "id": FIRST_SEEDED + number,
            "search_text": "\n".join(filter(None, map(fold, (name, first, last, external)))),
            "password": password,
            "last_login": None if login == NEVER else login,
            "username": name,
            "username_key": fold(name),
            "external_id": external,
            "first_name": first,
            "last_name": last,
            "email": "",
            "role": people.ROLES[number % len(people.ROLES)],
            "is_superuser": False,
            "is_active": number % 50 != 3,
            "must_change_password": False,
            "key_login": "inherit",
            "second_factor": False,
            "locked_at": login if locked else None,
            "locked_by_id": 1 if locked else None,
            "locked_by_name": "root" if locked else "",
            "lock_reason": "Left the hospital" if locked else "",
            "last_login_key": login,
            "created_at": START + SPAN * (number / total),
            "modified_at": START + SPAN,
            "theme": "system",
            "density": "comfortable",
            "time_zone": "Europe/Zurich",
            "date_format": "iso",
            "shortcuts": True,
        }


EVENTS = [
    *[("session.opened", "session")] * 40,
    *[("session.closed", "session")] * 35,
    *[("account.changed", "account")] * 15,
    *[("account.password_changed", "account")] * 4,
    *[("account.created", "account")] * 3,
    *[("account.locked", "account")] * 2,
    ("access.denied", ""),
]


def entries(total: int, people_total: int) -> Iterator[dict[str, Any]]:
    """``total`` entries over the seeded past, their ids in the order of time."""
    chance = random.Random(4711)
    for number in range(total):
        event, kind = EVENTS[chance.randrange(len(EVENTS))]
        who, about = chance.randrange(people_total), chance.randrange(people_total)
        actor, address = people.username(who), f"10.{chance.randrange(256)}.{chance.randrange(256)}.{who % 254 + 1}"
        failed = event == "session.opened" and chance.random() < 0.04
        session = None if failed else FIRST_SEEDED + number // 3
        target_id = str(session or "") if kind == "session" else str(FIRST_SEEDED + about) if kind else ""
        target = f"s-{session}" if kind == "session" and session else people.username(about) if kind else "/audit/"
        request = f"{chance.getrandbits(64):016x}"
        details: dict[str, Any] = {"method": "password"} if kind == "session" else {}
        if event == "account.changed":
            details = {"changes": {"first_name": ["", people.person(about)[0]]}}
        searched = (actor, event, target, target_id, address, request)
        yield {
            "id": 1 + number,
            "search_text": "\n".join(filter(None, map(fold, searched))),
            "at": START + SPAN * (number / total),
            "event": event,
            "outcome": "denied" if not kind else "failed" if failed else "success",
            "actor_id": FIRST_SEEDED + who,
            "actor_name": actor,
            "behalf_id": None,
            "behalf_name": "",
            "session_id": session,
            "key_id": None,
            "key_name": "",
            "target_type": kind,
            "target_id": target_id,
            "target_name": target,
            "channel": "web",
            "address": address,
            "user_agent": people.BROWSERS[who % len(people.BROWSERS)],
            "method": "POST",
            "path": "/sign-in/" if kind == "session" else f"/accounts/{FIRST_SEEDED + about}/",
            "request_id": request,
            "details": json.dumps(details),
        }


SESSIONS = """
INSERT INTO sessions_admin_session (id, key_digest, account_id, data, opened_at, last_seen_at, closed_at, cause,
    closed_by_name, method, asks_second_factor, provider_name, provider_session, provider_subject, address, user_agent)
SELECT %(first)s + n, {digest}, %(first)s + n * 7919 %% %(accounts)s,
    CASE WHEN n %% 5 < 3 THEN '{{"_auth_user_id":"' || (%(first)s + n * 7919 %% %(accounts)s)
        || '","_auth_user_backend":"accounts.backends.LocalBackend","_auth_user_hash":"{hash}"}}' ELSE '' END,
    {at}, {at}, CASE WHEN n %% 5 < 3 THEN NULL ELSE {at} END, CASE WHEN n %% 5 < 3 THEN '' ELSE 'signed_out' END,
    '', 'password', TRUE, '', '', '', '10.0.0.1', %(browser)s
FROM {numbers}
"""


def sessions(total: int, people_total: int) -> None:
    """``total`` sessions, three of five open, seen within the last hours; made by the database itself."""
    postgres = connection.vendor == "postgresql"
    statement = SESSIONS.format(
        digest="encode(sha256(n::text::bytea), 'hex')" if postgres else "printf('%%064x', n)",
        hash="0" * 64,
        at="now() - n % 7200 * interval '1 second'".replace("%", "%%")
        if postgres
        else "strftime('%%Y-%%m-%%d %%H:%%M:%%S', 'now', '-' || (n %% 7200) || ' seconds')",
        numbers="generate_series(0::bigint, %(last)s) n"
        if postgres
        else "(WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < %(last)s) SELECT n FROM c)",
    )
    values = {"first": FIRST_SEEDED, "accounts": people_total, "browser": people.BROWSERS[0], "last": total - 1}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def fill(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Write the rows of one table; on PostgreSQL by COPY with the indexes made afterwards."""
    if connection.vendor != "postgresql":
        return _insert(model, rows)
    table = model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN "
            "(SELECT conname FROM pg_constraint)",
            [_tables(model)],
        )
        indexes = cursor.fetchall()
        for name, _definition in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
        _copy(cursor, table, rows)
        for _name, definition in indexes:
            cursor.execute(definition)
    return None


def _tables(model: type[Model]) -> list[str]:
    """Its table, and the copy of its text that follows by triggers."""
    copy = text_copy(model)
    return [model._meta.db_table, *([copy._meta.db_table] if copy else [])]


def _copy(cursor: Any, table: str, rows: Iterable[dict[str, Any]]) -> None:
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        columns = ", ".join(f'"{name}"' for name in batch[0])
        lines = "".join("\t".join(map(_text, row.values())) + "\n" for row in batch)
        cursor.copy_expert(f'COPY "{table}" ({columns}) FROM STDIN', io.StringIO(lines))


def _text(value: Any) -> str:
    return "\\N" if value is None else str(value).translate(ESCAPES)


def _insert(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    parse: Callable[[str], Any] = json.loads
    source = (row | ({"details": parse(row["details"])} if "details" in row else {}) for row in rows)
    with transaction.atomic():
        while batch := [model(**row) for row in islice(source, BATCH)]:
            model._default_manager.bulk_create(batch, batch_size=500)


def settle() -> None:
    """What autovacuum would have done by the next day; ids go on behind the seeded ones."""
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("ANALYZE")
            return
        for model in (Account, Session, Entry):
            table = model._meta.db_table
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT coalesce(max(id), 1) FROM {table}))"
            )
            cursor.execute(f"VACUUM (ANALYZE) {', '.join(_tables(model))}")
        cursor.execute("CHECKPOINT")


def check() -> None:
    """The seeded rows are what the models would have written. Raises AssertionError."""
    for model in (Account, Entry):
        for row in model._default_manager.order_by("pk")[:500]:
            if isinstance(row, Account | Entry) and row.search_text != row.folded():
                raise AssertionError(f"The seeded search text of {row} is not what its model writes.")
