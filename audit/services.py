"""Writing the log: in the same transaction as the change it proves."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db import models, transaction

from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import EVENTS
from audit.models import Entry, Outcome

BATCH = 500  # entries that one statement writes
MASK = "•••"
SECRET_WORDS = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "private_key",
    "session_key",
    "encryption_key",
    "credential",
    "recovery_code",
    "cookie",
    "authorization",
)


class Target(Protocol):
    """What an event happened to: named once here, readable for ever."""

    @property
    def pk(self) -> Any: ...

    @property
    def audit_type(self) -> str: ...

    def __str__(self) -> str: ...


def masked(details: Any, secret: bool = False) -> Any:
    """The same details with every value under a name that speaks of a secret replaced (OWASP Logging Cheat Sheet).

    Whatever stands below such a name is secret too. Yes, no and nothing stay: "must change password" is no password.
    """
    if isinstance(details, dict):
        return {key: masked(value, secret or _names_secret(key)) for key, value in details.items()}
    if isinstance(details, list | tuple | set | frozenset):
        return [masked(item, secret) for item in details]
    return MASK if secret and not isinstance(details, bool | type(None)) else details


def _names_secret(key: Any) -> bool:
    name = str(key).lower().replace("-", "_").replace(" ", "_")
    return any(word in name for word in SECRET_WORDS)


def record(
    event: str,
    *,
    actor: Actor,
    target: Target | None = None,
    outcome: Outcome = Outcome.SUCCESS,
    target_name: str = "",
    **details: Any,
) -> Entry:
    """Write one entry now. ``target_name`` names a target that has no row, such as an unknown username."""
    entry = _entry(event, actor, target, outcome, target_name, details)
    entry.save()
    return entry


def unwritten(event: str, *, actor: Actor, target: Target, **details: Any) -> Entry:
    """What ``record`` would write, whole, for a statement that writes it together with the change it proves."""
    entry = _entry(event, actor, target, Outcome.SUCCESS, "", details)
    entry.search_text = entry.folded()
    return entry


def record_each(events: Iterable[tuple[str, Target]], *, actor: Actor, **details: Any) -> None:
    """Write an entry for each of these targets now, all with the same details: a few statements for thousands."""
    entries = [unwritten(event, actor=actor, target=target, **details) for event, target in events]
    Entry.objects.bulk_create(entries, batch_size=BATCH)


def _entry(
    event: str, actor: Actor, target: Target | None, outcome: Outcome, target_name: str, details: dict[str, Any]
) -> Entry:
    if event not in EVENTS:
        raise ValueError(f"{event} is not a declared event. Declare it with audit.events.event().")
    who, behalf = actor.accountable, actor.account if actor.impersonator else None
    origin = actor.origin
    return Entry(
        at=actor.at,
        event=event,
        outcome=outcome,
        actor_id=who.pk if who else None,
        actor_name=(who.get_username() if who else actor.name)[:150],
        behalf_id=behalf.pk if behalf else None,
        behalf_name=behalf.get_username()[:150] if behalf else "",
        session_id=actor.session_id,
        key_id=actor.key.pk if actor.key else None,
        key_name=actor.key.name if actor.key else "",
        elevation_id=actor.elevation_id,
        target_type=target.audit_type if target else "",
        target_id=str(target.pk) if target else "",
        target_name=(str(target) if target else target_name)[:200],
        channel=origin.channel,
        address=origin.address,
        user_agent=origin.user_agent,
        method=origin.method,
        path=origin.path,
        request_id=origin.request_id,
        details=masked(details),
    )


@dataclass
class Change:
    """What a running change tells the log: filled in by the service, written when its block ends."""

    target: Target | None = None
    details: dict[str, Any] = field(default_factory=dict)
    silent: bool = False

    def compare(self, old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[Any]]:
        """Note the fields that differ as [old, new]; with no difference the change writes nothing."""
        changes = {name: [old[name], new[name]] for name in new if old[name] != new[name]}
        self.details["changes"] = changes
        self.silent = not changes
        return changes


@contextmanager
def change(event: str, *, actor: Actor, target: Target | None = None, **details: Any) -> Iterator[Change]:
    """One change and its entry in one transaction: both happen or neither.

    A Refused raised inside undoes the change and is itself recorded with the outcome *denied*.
    """
    draft = Change(target=target, details=details)
    try:
        with transaction.atomic():
            yield draft
            if not draft.silent:
                record(event, actor=actor, target=draft.target, **draft.details)
    except Refused as refusal:
        record(
            event,
            actor=actor,
            target=draft.target if draft.target and draft.target.pk else None,
            outcome=Outcome.DENIED,
            **{**draft.details, "reason": str(refusal), "code": refusal.code},
        )
        raise


def values_of(row: models.Model, fields: Iterable[str]) -> dict[str, Any]:
    """The row's values of these fields, for ``Change.compare``."""
    return {name: getattr(row, name) for name in fields}
