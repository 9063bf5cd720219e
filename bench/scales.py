"""Which databases a run needs, and their making."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from accounts.models import Account
from audit.models import Entry
from bench import databases, grants, seed


@dataclass(frozen=True)
class Scale:
    """Rows: accounts of the short and the long list, sessions, entries of the short and the long log, mails; and the
    size of an upload."""

    name: str
    short: int
    middle: int
    long: int
    sessions: int
    log: int
    long_log: int
    sqlite: int
    rounds: int
    mails: int
    resources: tuple[int, int]
    grants: tuple[int, int]
    megabytes: int

    def postgres(self) -> dict[str, tuple[int, int, int]]:
        """Each database with its accounts, sessions and entries."""
        return {
            f"accounts_{self.short}": (self.short, self.short, 0),
            f"accounts_{self.middle}": (self.middle, self.middle, 0),
            f"accounts_{self.long}": (self.long, self.sessions, self.log),
            f"log_{self.long_log}": (self.short, self.short, self.long_log),
        }


SCALES = {
    "full": Scale(
        "full", 1_000, 100_000, 1_000_000, 1_000_000, 1_000_000, 5_000_000, 100_000, 40, 1_000,
        (1_000, 100_000), (10_000, 1_000_000), 3_072,
    ),
    "small": Scale(
        "small", 1_000, 10_000, 50_000, 50_000, 50_000, 100_000, 10_000, 15, 200,
        (1_000, 20_000), (10_000, 200_000), 300,
    ),
}  # fmt: skip


def prepare(scale: Scale, socket: str, folder: Path) -> None:
    """Make and fill what is not there yet, and keep a connection to each; a half-filled database is made anew."""
    for name, rows in scale.postgres().items():
        _prepare(socket, name, partial(_fill, name, *rows))
    name = f"lists_{scale.sqlite}"
    databases.add_sqlite(folder, name)
    with databases.use(name):
        if not filled():
            connection.close()
            for ending in ("", "-wal", "-shm"):
                (folder / f"{name}.sqlite3{ending}").unlink(missing_ok=True)
            _fill(name, scale.sqlite, scale.sqlite, scale.sqlite)


def prepare_grants(scale: Scale, socket: str) -> list[str]:
    """The same for the databases of resources, the small one first; their names."""
    names = [f"grants_{number}" for number in scale.grants]
    for name, resources, number in zip(names, scale.resources, scale.grants, strict=True):
        _prepare(socket, name, partial(_fill_grants, name, resources, number))
    return names


def _prepare(socket: str, name: str, fill: Callable[[], None]) -> None:
    databases.create(socket, name)
    databases.add_postgres(socket, name)
    with databases.use(name):
        if not filled():
            connection.close()
            databases.drop(socket, name)
            databases.create(socket, name)
            fill()


def filled() -> bool:
    """Was the seeding finished, with today's tables? Migrations are rewritten in place until the first release."""
    if "bench_tables" not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT digest FROM bench_tables")
        return cursor.fetchone() == (tables(),)


def tables() -> str:
    """A digest of the migrations that made the tables."""
    found = sorted(settings.BASE_DIR.glob("*/migrations/0*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in found)).hexdigest()


def _fill(name: str, accounts: int, sessions: int, entries: int) -> None:
    started = time.monotonic()
    databases.migrate()
    seed.fill(Account, seed.accounts(accounts))
    seed.sessions(sessions, accounts)
    if entries:
        seed.fill(Entry, seed.entries(entries, accounts))
    seed.settle()
    seed.check()
    _finished()
    seconds = time.monotonic() - started
    print(f"  seeded {name}: {accounts:,} accounts, {sessions:,} sessions, {entries:,} entries in {seconds:.0f} s")


def _fill_grants(name: str, resources: int, number: int) -> None:
    started = time.monotonic()
    databases.migrate()
    grants.fill(resources, number)
    _finished()
    print(f"  seeded {name}: {resources:,} resources, {number:,} grants in {time.monotonic() - started:.0f} s")


def _finished() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_tables (digest text)")
        cursor.execute("INSERT INTO bench_tables VALUES (%s)", [tables()])
