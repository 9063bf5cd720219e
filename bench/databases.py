"""Several seeded databases in one process, each with a kept connection; one of them is "default" at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import dj_database_url
import psycopg2
from django.core.management import call_command
from django.db import connections
from django.db.utils import load_backend

from bench.cluster import url

_kept: dict[str, Any] = {}


def create(socket: str, name: str) -> bool:
    """Make the database; False when it is there already."""
    connection = psycopg2.connect(host=socket, user="agora", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        there = cursor.fetchone()
        if not there:
            cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    return not there


def drop(socket: str, name: str) -> None:
    connection = psycopg2.connect(host=socket, user="agora", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
    connection.close()


def add(name: str, address: str) -> None:
    """Keep a connection to this database under a name."""
    settings = deepcopy(connections.settings["default"]) | dj_database_url.parse(address)
    if settings["ENGINE"].endswith("sqlite3"):
        settings["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    _kept[name] = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias="default")


def add_postgres(socket: str, name: str) -> None:
    add(name, url(socket, name))


def add_sqlite(folder: Path, name: str) -> None:
    add(name, f"sqlite:///{folder / (name + '.sqlite3')}")


def warm(*names: str) -> None:
    """Read the whole databases into PostgreSQL's memory, as a server's are that has run for a while: else the first
    figures are those of pages that are copied there, and of a memory that the system empties before handing it out."""
    for name in names:
        with use(name), _kept[name].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_prewarm'")
            if cursor.fetchone() == (0,):
                print(f"PostgreSQL's extension pg_prewarm is not installed: {name} is measured as it is.", flush=True)
                continue
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
            cursor.execute(
                "SELECT sum(pg_prewarm(oid)) FROM pg_class "
                "WHERE relkind IN ('r', 'i', 't') AND relnamespace NOT IN ('pg_catalog'::regnamespace)"
            )


@contextmanager
def use(name: str) -> Iterator[Any]:
    """Inside, ``name`` is Django's default database. Switching costs a dictionary entry: its connection stays open."""
    before, settings = connections["default"], connections.settings["default"]
    connections["default"], connections.settings["default"] = _kept[name], _kept[name].settings_dict  # and for threads
    try:
        yield _kept[name]
    finally:
        connections["default"], connections.settings["default"] = before, settings


def migrate() -> None:
    call_command("migrate", verbosity=0, interactive=False)


def close_all() -> None:
    for kept in _kept.values():
        kept.close()
    _kept.clear()
