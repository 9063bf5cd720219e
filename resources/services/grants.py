"""Every change of who may do what with one resource."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.models import Entry
from audit.services import change, record
from resources.models import Grant, Resource
from resources.roles import Action, ResourceRole
from resources.services.rules import check, fresh

CHANGED = event("permissions.changed", _("Resource permissions changed"))
EXPIRED = event("grant.expired", _("Grant ended"))
BATCH = 500  # grants that one statement writes, or one transaction of the job writes down


@dataclass(frozen=True)
class Wanted:
    """What a grant shall be."""

    role: ResourceRole
    ends_at: datetime | None = None
    reason: str = ""


class ChangedMeanwhile(Refused):
    """Somebody saved between opening and saving; ``since`` are the entries of what they changed, oldest first."""

    status = 409
    message = _("Somebody else changed these permissions in the meantime. Nothing of yours is saved yet.")

    def __init__(self, since: list[Entry]) -> None:
        self.since = since
        super().__init__()


class NoSuchAccount(Refused):
    status = 409
    message = _("One of these accounts does not exist any more. Open the permissions again.")


def save_grants(
    resource: Resource, wanted: Mapping[int, Wanted | None], *, version: int, actor: Actor
) -> dict[str, list[str | None]]:
    """Make the grants of these accounts so, None for no grant: all in one transaction and one entry.

    ``version`` is that of the resource as the person saw it. Returns what changed by username.
    Raises ChangedMeanwhile, MayNotShare, Gone, NoSuchAccount.
    """
    with change(CHANGED, actor=actor, target=resource) as entry:
        current = fresh(resource)
        check(actor, current, Action.CHANGE_PERMISSIONS)
        if current.permissions_version != version:
            raise ChangedMeanwhile(changes_since(current, version))
        accounts = Account.objects.in_bulk(wanted)
        if len(accounts) < len(wanted):
            raise NoSuchAccount
        grants = {grant.account_id: grant for grant in Grant.objects.on(current).of_accounts(wanted)}
        names = {accounts[pk].username: pk for pk in wanted}
        changes = entry.compare(
            {name: in_words(grants.get(pk)) for name, pk in names.items()},
            {name: in_words(wanted[pk]) for name, pk in names.items()},
        )
        if changes:
            current.permissions_version += 1
            current.save(update_fields=["permissions_version"])
            entry.details["version"] = current.permissions_version
            entry.details["changes"] = [
                {"name": name, "id": names[name], "old": old, "new": new} for name, (old, new) in changes.items()
            ]
        _write(current, {names[name]: wanted[names[name]] for name in changes}, grants, actor)
    return changes


def replace_grants(
    resource: Resource, wanted: Mapping[int, Wanted], *, version: int, actor: Actor
) -> dict[str, list[str | None]]:
    """Make these the only grants: who is not among them loses theirs. Raises what ``save_grants`` raises."""
    others = Grant.objects.on(resource).accounts() - set(wanted)
    return save_grants(resource, dict.fromkeys(others) | dict(wanted), version=version, actor=actor)


def ids_of(named: Iterable[int | str]) -> dict[int | str, int]:
    """The ids of the accounts that are named by id or username, under these names; unknown ones are left out."""
    named = set(named)
    found: dict[int | str, int] = {pk: pk for pk in Account.objects.usernames(n for n in named if isinstance(n, int))}
    by_key = Account.objects.by_key(name for name in named if isinstance(name, str))
    return found | {name: account.pk for name, account in by_key.items()}


def _write(resource: Resource, wanted: Mapping[int, Wanted | None], grants: Mapping[int, Grant], actor: Actor) -> None:
    """All of them with three statements, whatever their number."""
    who = actor.accountable
    by = {
        "granted_at": actor.at,
        "granted_by_id": who.pk if who else None,
        "granted_by_name": actor.names,
    }
    made: list[Grant] = []
    changed: list[Grant] = []
    gone: list[int] = []
    for pk, one in wanted.items():
        row = grants.get(pk)
        if one is None:
            gone += [row.pk] if row else []
            continue
        (changed if row else made).append(row := row or Grant(resource=resource, account_id=pk))
        row.end_noted = row.end_noted and not _later(one.ends_at, row.ends_at)  # each end is written down once
        row.role, row.ends_at, row.reason = one.role, one.ends_at, one.reason
        for name, value in by.items():
            setattr(row, name, value)
    Grant.objects.filter(pk__in=gone).delete()
    Grant.objects.bulk_create(made, batch_size=BATCH)
    Grant.objects.bulk_update(changed, ["role", "ends_at", "reason", "end_noted", *by], batch_size=BATCH)


def _later(end: datetime | None, than: datetime | None) -> bool:
    """Is this end later? No end is the latest."""
    return than is not None and (end is None or end > than)


def in_words(grant: Grant | Wanted | None) -> str | None:
    """The grant as the audit log keeps it: "Editor, until 2026-12-01 00:00 UTC (illness)"."""
    if grant is None:
        return None
    end = f", until {grant.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if grant.ends_at else ""
    return f"{ResourceRole(grant.role).value}{end}" + (f" ({grant.reason})" if grant.reason else "")


def changes_since(resource: Resource, version: int) -> list[Entry]:
    """What was saved after this version, oldest first, from the audit log."""
    entries = Entry.objects.of_target(resource.audit_type, resource.pk).filter(event=CHANGED, outcome="success")
    return [one for one in reversed(entries.order_by("-id")[:20]) if one.details.get("version", 0) > version]


def note_ended_grants(*, now: datetime) -> int:
    """Write down the grants that ended since the last look; they stopped counting at their end. Returns how many."""
    noted = 0
    while True:
        with transaction.atomic():
            rows = Grant.objects.ended_unnoted(now).select_related("account", "resource").order_by("ends_at")
            batch = list(rows.select_for_update(of=("self",), skip_locked=True)[:BATCH])
            for grant in batch:
                record(
                    EXPIRED,
                    actor=Actor.system("grants"),
                    target=grant.resource,
                    account=grant.account.username,
                    role=grant.role,
                    ended_at=grant.ends_at,
                )
            Grant.objects.filter(pk__in=[grant.pk for grant in batch]).update(end_noted=True)
        noted += len(batch)
        if len(batch) < BATCH:
            return noted
