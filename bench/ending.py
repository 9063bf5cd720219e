"""Ending all sessions of one account among a million: how long until it is committed, and does it hold at once."""

import multiprocessing
import time
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import transaction

from accounts.models import Account
from agora.base.actor import Actor
from bench import databases, seed
from bench.browser import administrator
from bench.cluster import url
from bench.knock import knock
from bench.timing import Line, Table, in_turns
from sessions_admin.models import Cause, Session
from sessions_admin.services import end_sessions_of
from sessions_admin.store import SessionStore

PROCESSES = 4
SESSIONS = 5  # of the account that is thrown out


def measure(table: Table, socket: str, database: str, *, rounds: int, requests: int) -> None:
    """The service, committed; then several processes that knock with the ended keys."""
    table.section("Ending all sessions of one account")
    with databases.use(database):
        actor = Actor(account=administrator())
        found = list(Account.objects.usable().filter(pk__gte=seed.FIRST_SEEDED).order_by("-pk")[: rounds + 10])
        # The seeded ones have idled since, and are written down as such when somebody ends them.
        Session.objects.not_closed().filter(account__in=found).update(opened_at=actor.at, last_seen_at=actor.at)
        victims = iter(found)

        def end() -> None:
            with transaction.atomic():
                end_sessions_of(next(victims).pk, cause=Cause.ENDED, actor=actor)

        took = in_turns({"end": end}, rounds=rounds)["end"]
        total = Session.objects.count()
        table.add(Line(f"committed, among {total:,} sessions", "", "", took, "<= 2", "ms"))
        account = next(victims)
        before, after, let_in = _knock(url(socket, database), account, actor, requests)
    table.add(Line(f"let in before the end, in {PROCESSES} processes", f"{before:,}", ""))
    table.add(Line(f"let in of {after:,} requests started after the commit", "", "", float(let_in), "<= 0", ""))


def _knock(address: str, account: Account, actor: Actor, requests: int) -> tuple[int, int, int]:
    keys = [_session(account) for _ in range(SESSIONS)]
    context: Any = multiprocessing.get_context("spawn")
    ended = context.Value("d", 0.0)
    pipes, workers = [], []
    for _ in range(PROCESSES):
        ours, theirs = context.Pipe()
        worker = context.Process(target=knock, args=(address, keys, ended, requests // PROCESSES, theirs))
        worker.start()
        theirs.close()
        pipes.append(ours)
        workers.append(worker)
    for pipe in pipes:
        pipe.recv()  # every process was let in once
    with transaction.atomic():
        end_sessions_of(account.pk, cause=Cause.ENDED, actor=actor)
    ended.value = time.monotonic()
    found = [pipe.recv() for pipe in pipes]
    for worker in workers:
        worker.join()
    before, after, let_in = (sum(column) for column in zip(*found, strict=True))
    return before, after, let_in


def _session(account: Account) -> str:
    store = SessionStore()
    store[SESSION_KEY] = str(account.pk)
    store[BACKEND_SESSION_KEY] = "accounts.backends.LocalBackend"
    store[HASH_SESSION_KEY] = account.get_session_auth_hash()
    store.create()
    return str(store.session_key)
