"""Setting passwords: an administrator's for someone else, and one's own."""

from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services.rules import check_may_edit, fresh, is_self
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change
from sessions_admin.models import Cause
from sessions_admin.services import end_sessions_of

PASSWORD_CHANGED = event("account.password_changed", _("Password changed"))


class NoPasswordHere(Refused):
    """Else whoever another system let in once could come back without asking it."""

    message = _("This account has no password here. Administrators can set one.")


class ChangeYourOwnOnTheProfile(Refused):
    message = _("Change your own password on your profile, where your current one is asked.")


def set_password(account: Account, password: str, *, actor: Actor, temporary: bool = True) -> Account:
    """An administrator sets someone's password; a temporary one must be changed at the next sign-in.

    All sessions of the account end. Raises ValidationError for a weak password, OnlySuperusersEditSuperusers,
    ChangeYourOwnOnTheProfile.
    """
    with change(PASSWORD_CHANGED, actor=actor, target=account, temporary=temporary, own=False) as entry:
        current = fresh(account)
        check_may_edit(current, actor)
        if is_self(current, actor):
            raise ChangeYourOwnOnTheProfile
        entry.details["sessions_ended"] = write_password(current, password, temporary=temporary, actor=actor)
    return current


def choose_password(account: Account, password: str, *, actor: Actor) -> Account:
    """The account's own person changes it; every other session ends. Raises NoPasswordHere, ValidationError for a weak
    password."""
    with change(PASSWORD_CHANGED, actor=actor, target=account, temporary=False, own=True) as entry:
        current = fresh(account)
        if not current.has_usable_password():
            raise NoPasswordHere
        entry.details["sessions_ended"] = write_password(current, password, temporary=False, actor=actor)
    return current


def write_password(account: Account, password: str, *, temporary: bool, actor: Actor) -> int:
    """Within a change: the password, and the end of every session but the actor's; returns how many ended.

    Raises ValidationError for a weak password.
    """
    validate_password(password, account)
    account.set_password(password)
    account.must_change_password = temporary
    account.save(update_fields=["password", "must_change_password"])
    return end_sessions_of(account.pk, cause=Cause.PASSWORD_CHANGED, actor=actor, but=actor.session_id)
