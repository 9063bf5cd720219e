"""The rules that hold for everyone who changes accounts, each with the sentence of its refusal."""

from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked


class OnlySuperusersEditSuperusers(Refused):
    message = _("Only a superuser may do this to a superuser, or make one. Ask a superuser.")


class LastSuperuser(Refused):
    message = _("This is the last superuser who can sign in. Make another account superuser first, then try again.")


class CannotRaiseYourself(Refused):
    message = _("Nobody raises their own role. Ask another administrator.")


class CannotLockYourself(Refused):
    message = _("Nobody locks or deactivates their own account. Ask another administrator.")


def is_self(account: Account, actor: Actor) -> bool:
    return actor.account is not None and actor.account.pk == account.pk


def may_touch_superusers(actor: Actor) -> bool:
    """The system and the shell may; of people only superusers."""
    return not isinstance(actor.account, Account) or actor.account.is_superuser


def check_may_edit(account: Account, actor: Actor) -> None:
    """Raises OnlySuperusersEditSuperusers."""
    if account.is_superuser and not may_touch_superusers(actor):
        raise OnlySuperusersEditSuperusers


def check_not_last_superuser(account: Account) -> None:
    """Raises LastSuperuser. Locks the superusers' rows: two people demoting each other at once can't both succeed."""
    if not account.is_superuser or not account.is_usable:
        return
    superusers = Account.objects.select_for_update().filter(is_superuser=True).order_by("pk")
    if not any(other.is_usable for other in superusers if other.pk != account.pk):
        raise LastSuperuser


def fresh(account: Account) -> Account:
    """The account as it is now, its row locked until the transaction ends. Raises Gone."""
    current: Account = locked(Account.objects.all(), account)
    return current
