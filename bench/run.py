"""One run: all databases, then every part in turn."""

from collections.abc import Sequence
from pathlib import Path

from bench import (
    account_list,
    api,
    audit_log,
    databases,
    ending,
    mail,
    resources,
    search,
    session_check,
    sign_in,
    upload,
    writes,
)
from bench.scales import SCALES, prepare, prepare_grants
from bench.timing import Table


def run(name: str, socket: str, folder: Path, parts: Sequence[str]) -> str:
    """The table as Markdown; its lines are printed as they come."""
    scale, table = SCALES[name], Table()
    short, middle, long = (f"accounts_{size}" for size in (scale.short, scale.middle, scale.long))
    print(f"Preparing the databases of scale {name}", flush=True)
    if set(parts) - {"resources", "mail"}:
        prepare(scale, socket, folder)
        databases.warm(short, middle, long)
    rounds = scale.rounds
    if "sessions" in parts:
        session_check.measure(table, long, rounds=rounds)
        ending.measure(table, socket, long, rounds=rounds, requests=10_000)
    if "writes" in parts:
        writes.measure(table, long, rounds=rounds)
    if "sign-in" in parts:
        sign_in.measure(table, long, rounds=rounds)
    if "api" in parts:
        api.measure(table, long, rounds=rounds)
    if "accounts" in parts:
        account_list.measure(table, short, middle, rounds=rounds)
        account_list.measure(table, short, long, rounds=rounds, faster=">= 15")
    if "search" in parts:
        search.measure(table, long, words=1)
    if "audit" in parts:
        databases.warm(f"log_{scale.long_log}")
        audit_log.measure(table, long, f"log_{scale.long_log}", rounds=rounds)
    if "export" in parts:
        audit_log.export(table, long)
    if "sqlite" in parts:
        name = f"lists_{scale.sqlite}"
        account_list.on_sqlite(table, name, rounds=max(5, rounds // 4))
        search.measure(table, name, words=1)
    if "resources" in parts:
        resources.measure(table, *prepare_grants(scale, socket), rounds=rounds)
    databases.close_all()
    if "mail" in parts:
        mail.measure(table, mails=scale.mails, kills=scale.mails // 10)
    if "upload" in parts:
        upload.measure(table, megabytes=scale.megabytes)
    return table.markdown()
