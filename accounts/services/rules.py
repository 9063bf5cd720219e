"""The rules that hold for everyone who changes accounts, each with the sentence of its refusal."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services import ways
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked


class OnlySuperusersEditSuperusers(Refused):
    message = _("Only a superuser may do this to a superuser, or make one. Ask a superuser.")


class LastSuperuser(Refused):
    message = _("This is the last superuser who can sign in. Make another account superuser first, then try again.")


class LastWayIn(LastSuperuser):
    """Other superusers are left, and could not come in as this one can."""

    message = _(
        "The superusers who would be left could not sign in, or only through another system. "
        "Give another superuser a password of this server first, then try again."
    )


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


def why_needed(account: Account, superusers: Iterable[Account]) -> LastSuperuser | None:
    """The refusal, if these superusers without the account would be worse off than with it; None otherwise."""
    if not account.is_superuser or not account.is_usable:
        return None
    others = [other for other in superusers if other.pk != account.pk and other.is_usable]
    if not others:
        return LastSuperuser()
    return LastWayIn() if _best(others) < _best([account]) else None


def check_not_last_superuser(account: Account) -> None:
    """Raises LastSuperuser, LastWayIn. Locks the superusers' rows: two people demoting each other at once can't both
    succeed."""
    if not account.is_superuser:
        return
    if refusal := why_needed(account, _superusers()):
        raise refusal


@contextmanager
def keep_a_superuser_in() -> Iterator[None]:
    """Within a change of how people come in: superusers must be able to as before. Raises LastWayIn."""
    superusers = [account for account in _superusers() if account.is_usable]
    before = _best(superusers)
    yield
    if _best(superusers) < before:
        raise LastWayIn


def _superusers() -> list[Account]:
    return list(Account.objects.select_for_update().filter(is_superuser=True).order_by("pk"))


def _best(accounts: list[Account]) -> int:
    """How surely one of them comes in: 2 with a password of this server, 1 through another system, 0 not at all."""
    if any(account.has_usable_password() for account in accounts):
        return 2
    return int(any(ways.let_in_elsewhere(account) for account in accounts))


def fresh(account: Account) -> Account:
    """The account as it is now, its row locked until the transaction ends. Raises Gone."""
    current: Account = locked(Account.objects.all(), account)
    return current
