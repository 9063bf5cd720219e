"""A change with its audit entry in one transaction, beside the same change alone; committed to disk."""

from collections.abc import Callable, Iterator

from django.db import transaction

from accounts.models import Account
from accounts.services.accounts import change_profile
from accounts.services.rules import fresh
from agora.base.actor import Actor, Origin
from bench import databases, people, seed
from bench.browser import administrator
from bench.timing import Line, Table, in_turns, ms

ORIGIN = Origin("web", "192.0.2.7", people.BROWSERS[0], "POST", "/accounts/1/", "0123456789abcdef")


def measure(table: Table, database: str, *, rounds: int) -> None:
    """The service ``change_profile``, what it does without the entry, and a bare save, each on accounts of its own."""
    table.section("A change with its audit entry")
    with databases.use(database):
        actor = Actor(account=administrator(), session_id=1, origin=ORIGIN)
        accounts = _accounts()
        works = {
            "audited": _each(accounts, lambda account: change_profile(account, _new(account), actor=actor)),
            "alone": _each(accounts, _unaudited),
            "save": _each(accounts, _bare),
        }
        found = in_turns(works, rounds=rounds * 5)
    audited, alone, bare = found["audited"], found["alone"], found["save"]
    table.add(Line("service, beside its writes and locks alone", ms(audited), ms(alone), audited / alone, "<= 1.5"))
    table.add(Line("service, beside save() of the changed field alone", ms(audited), ms(bare), audited / bare))


def _new(account: Account) -> dict[str, str]:
    return {"first_name": f"{account.first_name}a"[-20:]}


def _unaudited(account: Account) -> None:
    """What ``change_profile`` does, line by line, without its entry."""
    with transaction.atomic():
        current = fresh(account)
        for name, value in _new(current).items():
            setattr(current, name, value)
        with transaction.atomic():
            current.save(update_fields=["first_name"])


def _bare(account: Account) -> None:
    account.first_name = _new(account)["first_name"]
    account.save(update_fields=["first_name"])


def _accounts() -> Iterator[Account]:
    """A different account each time, spread over the table."""
    total = Account.objects.order_by("-pk").values_list("pk", flat=True)[0] - seed.FIRST_SEEDED
    number = 0
    while True:
        number += 7_919
        yield Account.objects.get(pk=seed.FIRST_SEEDED + number % (total - 10))


def _each(accounts: Iterator[Account], work: Callable[[Account], object]) -> Callable[[], object]:
    """Reading the account is part of each of them alike."""
    return lambda: work(next(accounts))
