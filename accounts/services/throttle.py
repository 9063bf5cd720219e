"""Slows down guessing: each failure beyond a few makes the next try wait longer, for the username and for the address.

The same holds for codes of the second factor, by account, for API keys, by address, and for what anybody may ask for
without an account: password resets, registrations, and what concerns other systems that people sign in through.

Kept in the database, so it holds in every process and survives a restart (OWASP Authentication Cheat Sheet).
"""

import contextlib
import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Value
from django.utils.translation import ngettext_lazy

from accounts.models import NEVER, Account, SignInThrottle
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import fold
from agora.base.prepared import OTHER, TEXT, Prepared, PreparedLook, stand_in
from audit.models import Outcome
from audit.services import record
from sessions_admin.models import Session

# Tries before the first wait.
FREE = {
    "username": 5,
    "address": 20,
    "code": 5,
    "api": 20,
    "reset": 10,
    "reset-account": 3,
    "registration": 10,
    "registration-mail": 3,
    "confirmation": 20,
    "provider-start": 1000,
    "provider-refused": 20,
}
LONGEST = timedelta(minutes=15)
# Behind one address a whole house begins to sign in; the first who comes through starts the count anew.
SHORTER = {"provider-start": timedelta(seconds=30)}
FORGOTTEN = timedelta(hours=24)  # after so long without a failure it starts anew


class TooManyAttempts(Refused):
    """Refused unheard; ``seconds`` until the next try is heard."""

    status = 429

    sentence = ngettext_lazy(
        "Too many failed attempts. Try again in %(seconds)d second.",
        "Too many failed attempts. Try again in %(seconds)d seconds.",
        "seconds",
    )

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(self.sentence % {"seconds": seconds})


class TooManyRequests(TooManyAttempts):
    """Asked for too often, rightly or wrongly; ``first`` of those that were refused in this wait."""

    first = False

    sentence = ngettext_lazy(
        "Too many requests. Try again in %(seconds)d second.",
        "Too many requests. Try again in %(seconds)d seconds.",
        "seconds",
    )


def keys(username: str, address: str | None) -> dict[str, str]:
    """The rows that count for this try at a password."""
    return digests(_of_password(username, address))


def digests(values: Mapping[str, str]) -> dict[str, str]:
    """Kind and value to the row's key. Digests: what people type into a name field by mistake may be a password."""
    return {kind: hashlib.sha256(f"{kind}:{value}".encode()).hexdigest() for kind, value in values.items()}


def _of_password(username: str, address: str | None) -> dict[str, str]:
    return {"username": fold(username)} | ({"address": address} if address else {})


def admit(values: Mapping[str, str], *, now: datetime) -> int:
    """Counts every request and lets it through, or raises TooManyRequests; returns how many were refused before it.

    In one step: of requests at the same time each sees the others counted.
    """
    with transaction.atomic():
        rows = [_locked(key, now) for key in sorted(digests(values).values())]
        try:
            check_all(values, now=now)
        except TooManyAttempts as refusal:
            refused = TooManyRequests(refusal.seconds)
            refused.first = not any(row.refused for row in rows)
        else:
            return count_all(values, now=now)["refused_meanwhile"]
    raise refused  # out here, so that the refusal stays counted


def admit_or_record(event: str, values: Mapping[str, str], *, actor: Actor) -> None:
    """``admit``, audited: an entry for the first request that a wait refuses, and one that counts all of them when the
    next is heard. Not one for each: a flood must not fill the log."""
    how: dict[str, Any] = {"actor": actor, "outcome": Outcome.DENIED, "reason": "too many requests"}
    try:
        refused = admit(values, now=actor.at)
    except TooManyRequests as refusal:
        if refusal.first:
            record(event, wait_seconds=refusal.seconds, **how)
        raise
    if refused > 1:
        record(event, refused_meanwhile=refused, **how)


def check(username: str, address: str | None, *, now: datetime) -> None:
    """Raises TooManyAttempts while the username or the address has to wait."""
    check_all(_of_password(username, address), now=now)


def known(username: str, address: str | None, *, now: datetime) -> tuple[Account | None, int | None]:
    """The account of this username, and ``check``, in one question to the database; and the id for the session that may
    be opened, for ``writing.together``."""
    keys = _two(_of_password(username, address))
    account, has_to_wait, session_id = _known(fold(username), *keys, now)
    if has_to_wait:
        check(username, address, now=now)
    return account, session_id


def check_all(values: Mapping[str, str], *, now: datetime) -> None:
    """Raises TooManyAttempts while one of the values (kind → value) has to wait."""
    blocked = [row for row in _there(values) if row.blocked_until > now]
    if blocked:
        SignInThrottle.objects.filter(pk__in=[row.pk for row in blocked]).update(refused=F("refused") + Value(1))
        raise TooManyAttempts(_seconds(blocked, now))


def failures(username: str, address: str | None) -> tuple[Prepared[SignInThrottle], tuple[str, str]]:
    """For ``together(unless=…)``: where this finds nothing, ``right_meanwhile`` would find nothing either."""
    return _read, _two(_of_password(username, address))


def right_meanwhile(username: str, address: str | None, *, now: datetime) -> int:
    """The password was right. Seconds that tries heard at the same moment make this one wait, so that a hundred guesses
    at once are no better than in a row; where none, the username's waits end."""
    values = _of_password(username, address)
    if not _there(values):
        return 0
    with transaction.atomic():
        wait = _seconds(_held(values), now)
        if not wait:
            forget(username)
    return wait


def wrong_meanwhile(username: str, address: str | None, *, now: datetime) -> int:
    """The same for a wrong password, inside the transaction that counts it: others wait for that. It makes the rows
    that are not there yet: there is nothing else that the first ones could wait for."""
    keys = sorted(digests(_of_password(username, address)).values())
    return _seconds([_locked(key, now) for key in keys], now)


def _seconds(rows: Iterable[SignInThrottle], now: datetime) -> int:
    """Until the last of them is over."""
    until = max((row.blocked_until for row in rows), default=now)
    return max(0, math.ceil((until - now).total_seconds()))


def count_failure(username: str, address: str | None, *, now: datetime) -> dict[str, int]:
    """One more failure for both; returns the seconds to wait now and how many tries were refused unheard before."""
    return count_all(_of_password(username, address), now=now)


def count_all(values: Mapping[str, str], *, now: datetime) -> dict[str, int]:
    """One more failure for each value (kind → value); returns as ``count_failure``."""
    longest, refused = timedelta(0), 0
    for key, kind in sorted((key, kind) for kind, key in digests(values).items()):
        row = _locked(key, now)
        stale = now - row.failed_at > FORGOTTEN
        row.failures = 1 if stale else row.failures + 1
        wait = min(wait_after(row.failures, free=FREE[kind]), SHORTER.get(kind, LONGEST))
        longest, refused = max(longest, wait), max(refused, row.refused)
        row.failed_at, row.refused = now, 0
        if wait:  # else nothing is blocked, nor for those who came an instant before and are counted after
            row.blocked_until = now + wait
        row.save()
    return {"wait_seconds": int(longest.total_seconds()), "refused_meanwhile": refused}


def forget(username: str) -> None:
    """The right password ends the username's waits. The address keeps its count: one good account buys no guesses."""
    forget_all(_of_password(username, None))


def forget_all(values: Mapping[str, str]) -> None:
    """What is known to be right starts anew."""
    if rows := _there(values):
        SignInThrottle.objects.filter(pk__in=[row.pk for row in rows]).delete()


def purge_throttles(*, now: datetime) -> int:
    """Remove counts that start anew anyway; returns how many."""
    return SignInThrottle.objects.filter(failed_at__lt=now - FORGOTTEN).delete()[0]


def wait_after(failures: int, *, free: int) -> timedelta:
    """1, 2, 4, 8 … seconds beyond the free tries, at most a quarter of an hour."""
    beyond = failures - free
    return timedelta(0) if beyond <= 0 else min(timedelta(seconds=2 ** min(beyond - 1, 20)), LONGEST)


_read = Prepared("agora_throttles", lambda: SignInThrottle.objects.filter(key__in=[TEXT, OTHER]))
_known = PreparedLook(
    "agora_known",
    lambda: Account.objects.with_two_factor_required().filter(username_key=TEXT),
    lambda: SignInThrottle.objects.filter(
        key__in=[stand_in(str, 1), stand_in(str, 2)], blocked_until__gt=stand_in(datetime, 3)
    ),
    draws=Session,
)
_lock = Prepared(
    "agora_throttles_locked",
    lambda: SignInThrottle.objects.select_for_update().filter(key__in=[TEXT, OTHER]).order_by("key"),
)


def _there(values: Mapping[str, str]) -> list[SignInThrottle]:
    """The rows of these values (kind → value), of which there are one or two, as far as there are any."""
    return list(_read.all(*_two(values)))


def _held(values: Mapping[str, str]) -> list[SignInThrottle]:
    """The same, locked until the transaction ends."""
    return list(_lock.all(*_two(values)))


def _two(values: Mapping[str, str]) -> tuple[str, str]:
    """Their keys; one alone is asked for twice."""
    keys = list(digests(values).values())
    first, second = keys if len(keys) == 2 else keys * 2
    return first, second


def _locked(key: str, now: datetime) -> SignInThrottle:
    while True:
        row = SignInThrottle.objects.select_for_update().filter(key=key).first()
        if row is not None:
            return row
        # Where another process was first, its row is the one; where that is forgotten already, the next try makes one.
        with contextlib.suppress(IntegrityError), transaction.atomic():
            return SignInThrottle.objects.create(key=key, failed_at=now, blocked_until=NEVER)
