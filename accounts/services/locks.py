"""Security's act: stop an account at once, with a reason, and let it in again."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services.rules import CannotLockYourself, check_not_last_superuser, fresh, is_self, why_needed
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change
from sessions_admin.models import Cause, Session
from sessions_admin.services import end_sessions_of

LOCKED = event("account.locked", _("Account locked"))
UNLOCKED = event("account.unlocked", _("Account unlocked"))


class AlreadyLocked(Refused):
    status = 409
    message = _("This account is locked already.")


class NotLocked(Refused):
    status = 409
    message = _("This account is not locked.")


@dataclass(frozen=True)
class LockConsequences:
    """What locking would do, computed for the dialog that asks."""

    open_sessions: int
    last_superuser: str  # why nobody may, as one of those whom the server can't do without
    yourself: bool


def lock_consequences(account: Account, *, actor: Actor) -> LockConsequences:
    """Counted now; the lock itself counts again."""
    return LockConsequences(
        open_sessions=Session.objects.open(actor.at).of_account(account.pk).count(),
        last_superuser=str(why_needed(account, Account.objects.usable().superusers()) or ""),
        yourself=is_self(account, actor),
    )


def lock(account: Account, *, actor: Actor, reason: str = "", batch: str = "") -> Account:
    """Stop the account: its sessions end in the same transaction, its next request and sign-in are refused.

    Raises AlreadyLocked, CannotLockYourself, LastSuperuser, LastWayIn.
    """
    details = {"reason": reason} | ({"batch": batch} if batch else {})
    with change(LOCKED, actor=actor, target=account, **details) as entry:
        current = fresh(account)
        if is_self(current, actor) or (actor.accountable and actor.accountable.pk == current.pk):
            raise CannotLockYourself  # nor through somebody else whom one acts as
        if current.is_locked:
            raise AlreadyLocked
        check_not_last_superuser(current)
        who = actor.accountable
        current.locked_at = actor.at
        current.locked_by_id, current.locked_by_name = (who.pk, who.get_username()) if who else (None, actor.name)
        current.lock_reason = reason
        current.save(update_fields=["locked_at", "locked_by_id", "locked_by_name", "lock_reason"])
        entry.details["sessions_ended"] = end_sessions_of(current.pk, cause=Cause.LOCKED, actor=actor)
    return current


def unlock(account: Account, *, actor: Actor) -> Account:
    """Let the account sign in again; ended sessions stay ended. Raises NotLocked."""
    with change(UNLOCKED, actor=actor, target=account) as entry:
        current = fresh(account)
        if not current.is_locked:
            raise NotLocked
        entry.details["locked_by"], entry.details["lock_reason"] = current.locked_by_name, current.lock_reason
        current.locked_at = current.locked_by_id = None
        current.locked_by_name = current.lock_reason = ""
        current.save(update_fields=["locked_at", "locked_by_id", "locked_by_name", "lock_reason"])
    return current
