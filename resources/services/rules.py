"""Who may do what with a resource: the one rule asked of the database, and the refusals with their sentences."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import ACCESS_DENIED
from audit.models import Outcome
from audit.services import record
from resources.models import Grant, Resource
from resources.roles import PARENTS, Action, Decision, Kind, decide, grants_matter


class MayNot(Refused):
    """Seen but not to be acted on."""

    message = _("You may see this but not change it. Ask somebody who is its Editor or Administrator.")


class MayNotShare(Refused):
    message = _("You may see these permissions but not change them. Ask somebody who is Administrator here.")


class MayNotSeePermissions(Refused):
    message = _("You may not see who this is shared with. Ask somebody who is its Editor or Administrator.")


class MayNotCreate(Refused):
    message = _("Your role does not allow creating this here. Ask an administrator.")


class Gone(Refused):
    status = 409
    message = _("This was deleted in the meantime. Go back to the list.")


def effective_role(account: Account, resource: Resource, *, at: datetime) -> Decision:
    """The role of the account on the resource at this moment, and why."""
    return effective_roles(account, [resource], at=at)[resource.pk]


def effective_roles(account: Account, resources: Iterable[Resource], *, at: datetime) -> dict[int, Decision]:
    """The same for all resources of a page, by their ids, with one query."""
    rows = {resource.pk: Kind(resource.kind) for resource in resources}
    grants = Grant.objects.facts(account.pk, rows) if grants_matter(account) else {}
    return {pk: decide(account, kind, grants.get(pk), at=at) for pk, kind in rows.items()}


def may(actor: Actor, resource: Resource, action: Action) -> bool:
    """The system and the shell may; people by their role on it."""
    if not isinstance(actor.account, Account):
        return True
    return effective_role(actor.account, resource, at=actor.at).allows(action)


def check(actor: Actor, resource: Resource, action: Action) -> None:
    """Raises MayNot, MayNotShare, MayNotSeePermissions."""
    if not may(actor, resource, action):
        raise refusal_of(action)


def refusal_of(action: Action) -> Refused:
    """Why somebody who sees the resource may not do this with it, as a sentence."""
    refusals = {Action.CHANGE_PERMISSIONS: MayNotShare, Action.SEE_PERMISSIONS: MayNotSeePermissions}
    return refusals.get(action, MayNot)()


def check_recorded(actor: Actor, resource: Resource, action: Action) -> None:
    """The same outside of any change that would record it: the try stands in the resource's history."""
    try:
        check(actor, resource, action)
    except Refused as refusal:
        facts = {"action": action.value, "reason": str(refusal), "code": refusal.code}
        record(ACCESS_DENIED, actor=actor, target=resource, outcome=Outcome.DENIED, **facts)
        raise


def by_now(actor: Actor, *, at: datetime) -> Actor:
    """The same with its account as it is at this moment, for a request that took long: meanwhile it may have been
    locked or have lost its role. Raises Gone."""
    if not isinstance(actor.account, Account):
        return actor
    account = Account.objects.filter(pk=actor.account.pk).first()
    if account is None:
        raise Gone
    return replace(actor, account=account, at=at)


def may_create(actor: Actor, kind: Kind, parent: Resource | None) -> bool:
    """May the actor make one of this kind from the parent: seen, and creating allowed by the system role?

    Without a parent: streamers, and uploaded recordings by those whose system role edits all recordings.
    """
    if not isinstance(actor.account, Account):
        return True
    if not actor.account.has_perm(f"{kind.permissions}.create"):
        return False
    if parent is None:
        free = kind == Kind.RECORDING and actor.account.has_perm("recordings.change")
        return free or kind == Kind.STREAMER
    return Kind(parent.kind) in PARENTS[kind] and may(actor, parent, Action.VIEW)


def fresh(resource: Resource) -> Resource:
    """The resource as it is now, its row locked until the transaction ends. Raises Gone.

    Without its key, or the end of a heartbeat, which looks whether the rows of its sessions are there, would wait for
    who waits for it.
    """
    current = Resource.objects.select_for_update(no_key=True).filter(pk=resource.pk).first()
    if current is None:
        raise Gone
    return current
