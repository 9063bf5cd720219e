"""Creating and editing accounts."""

import secrets
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.roles import Role, difference
from accounts.services.editing import own_changes
from accounts.services.rules import (
    CannotLockYourself,
    CannotRaiseYourself,
    OnlySuperusersEditSuperusers,
    check_may_edit,
    check_not_last_superuser,
    fresh,
    is_self,
    may_touch_superusers,
)
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change, values_of
from sessions_admin.models import Cause
from sessions_admin.services import end_sessions_of

CREATED = event("account.created", _("Account created"))
CHANGED = event("account.changed", _("Account changed"))
ROLE_CHANGED = event("account.role_changed", _("Role changed"))
ACTIVATED = event("account.activated", _("Account activated"))
DEACTIVATED = event("account.deactivated", _("Account deactivated"))

PROFILE_FIELDS = ("username", "external_id", "first_name", "last_name", "email")
PREFERENCE_FIELDS = ("theme", "density", "time_zone", "date_format", "shortcuts")


def create_account(
    username: str,
    *,
    actor: Actor,
    password: str | None = None,
    temporary: bool = True,
    role: str = Role.NONE,
    superuser: bool = False,
    **profile: str,
) -> Account:
    """A new account; without a password it can't sign in by one yet. A temporary password must be changed at sign-in.

    Raises ValidationError for a username or external id that is taken, OnlySuperusersEditSuperusers.
    """
    account = Account(
        username=username,
        role=Role.ADMINISTRATOR if superuser else role,
        is_superuser=superuser,
        must_change_password=bool(password) and temporary,
        **profile,
    )
    account.set_password(password or None)
    facts: dict[str, Any] = {"role": account.role, "superuser": superuser, "with_password": bool(password)}
    with change(CREATED, actor=actor, target=account, username=username, **facts):
        if superuser and not may_touch_superusers(actor):
            raise OnlySuperusersEditSuperusers
        _save_unique(account)
    return account


def change_profile(
    account: Account, values: dict[str, Any], *, actor: Actor, seen: Mapping[str, Any] | None = None
) -> Account:
    """Change username, external id, names, e-mail or the preferences; only what differs is written and recorded.

    ``seen``: the values that the person saw; what they left so is not theirs to change. Raises EditedMeanwhile where
    somebody else changed the same field to something else, ValidationError for a username or external id that is taken,
    OnlySuperusersEditSuperusers.
    """
    with change(CHANGED, actor=actor, target=account) as entry:
        if not is_self(account, actor):
            check_may_edit(account, actor)
        entry.target = current = fresh(account)  # a form has written into the other what was typed
        present = values_of(current, values)
        values = own_changes(values, present, seen)
        changes = entry.compare(present, values)
        for name in changes:
            setattr(current, name, values[name])
        if changes:
            _save_unique(current, update_fields=list(changes))
    return current


class RoleChangedMeanwhile(Refused):
    """What a change was said to gain and lose was told of another role than the account has by now."""

    status = 409
    message = _("Somebody else changed this role in the meantime. Look at what would change now, then confirm again.")


def change_role(
    account: Account, role: str, *, superuser: bool, actor: Actor, seen: tuple[str, bool] | None = None
) -> Account:
    """Give the account another system role or superuser flag. A superuser is always an Administrator.

    ``seen``: the role and the flag that the person saw it had. Raises CannotRaiseYourself, LastSuperuser, LastWayIn,
    OnlySuperusersEditSuperusers, RoleChangedMeanwhile.
    """
    role = Role.ADMINISTRATOR if superuser else role
    with change(ROLE_CHANGED, actor=actor, target=account) as entry:
        current = fresh(account)
        entry.compare(
            {"role": current.role, "superuser": current.is_superuser}, {"role": str(role), "superuser": superuser}
        )
        check_may_edit(current, actor)
        if superuser and not current.is_superuser and not may_touch_superusers(actor):
            raise OnlySuperusersEditSuperusers
        if seen not in (None, (current.role, current.is_superuser)):
            raise RoleChangedMeanwhile
        gained, _lost = difference(current.role, role, was_superuser=current.is_superuser, superuser=superuser)
        if gained and is_self(current, actor):
            raise CannotRaiseYourself
        if not superuser:
            check_not_last_superuser(current)
        current.role, current.is_superuser = role, superuser
        if not entry.silent:
            current.save(update_fields=["role", "is_superuser"])
    return current


def set_active(account: Account, active: bool, *, actor: Actor) -> Account:
    """Take the account out of use, which ends its sessions, or back into it. Doing it twice changes nothing.

    Raises CannotLockYourself, OnlySuperusersEditSuperusers, LastSuperuser, LastWayIn.
    """
    with change(ACTIVATED if active else DEACTIVATED, actor=actor, target=account) as entry:
        current = fresh(account)
        entry.compare({"active": current.is_active}, {"active": active})
        check_may_edit(current, actor)
        if not active:
            if is_self(current, actor):
                raise CannotLockYourself
            check_not_last_superuser(current)
            entry.details["sessions_ended"] = end_sessions_of(current.pk, cause=Cause.DEACTIVATED, actor=actor)
        current.is_active = active
        if not entry.silent:
            current.save(update_fields=["is_active"])
    return current


def create_first_superuser(username: str = "admin") -> tuple[str, str] | None:
    """On a server without accounts: a superuser with a random temporary password; returns both, else None."""
    with transaction.atomic():
        if Account.objects.exists():
            return None
        password = secrets.token_urlsafe(15)
        create_account(username, password=password, superuser=True, actor=Actor.command("first-superuser"))
    return username, password


def _save_unique(account: Account, **how: Any) -> None:
    """Save; two people taking the same name at once is an error under the field for the second, not a crash."""
    try:
        with transaction.atomic():
            account.save(**how)
    except IntegrityError as error:
        if Account.objects.named(account.username).exclude(pk=account.pk).exists():
            raise ValidationError({"username": _("This username is taken. Choose another.")}) from error
        if Account.objects.filter(external_id=account.external_id).exclude(pk=account.pk).exists():
            raise ValidationError({"external_id": _("Another account has this external account id.")}) from error
        raise
