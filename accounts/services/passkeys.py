"""Registering, using, naming and removing passkeys."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.models import WebAuthnCredential
from webauthn.helpers.exceptions import WebAuthnException

from accounts.devices import Authenticator, RecoveryCode
from accounts.models import Account
from accounts.passkeys import Passkeys
from accounts.services.rules import fresh
from accounts.services.second_factor import StillRequired, set_flag, tried, write_codes
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change
from settings_admin.models import ServerSettings

ADDED = event("passkey.added", _("Passkey added"))
RENAMED = event("passkey.renamed", _("Passkey renamed"))
REMOVED = event("passkey.removed", _("Passkey removed"))

# What the packages raise at data that no browser made; the last one at ten thousand brackets.
NO_PASSKEY = (WebAuthnException, OTPWebAuthnApiError, ValueError, KeyError, TypeError, RecursionError)
MOST = 20  # passkeys of one account


class PasskeyRefused(Refused):
    status = 422
    message = _("This passkey was not accepted. Try again, or use another one.")


class TooManyPasskeys(Refused):
    status = 409
    message = _("This account has 20 passkeys, which is the most it may have. Remove one first.")


def add(account: Account, helper: Passkeys, state: dict[str, Any], data: dict[str, Any], name: str, *, actor: Actor
        ) -> list[str]:  # fmt: skip
    """Register what the browser made. Returns recovery codes when it is the account's first factor, else none.

    Raises PasskeyRefused, TooManyPasskeys.
    """
    with change(ADDED, actor=actor, target=account, name=name):
        current = fresh(account)
        if of_account(current).count() >= MOST:
            raise TooManyPasskeys
        try:
            with transaction.atomic():
                device = helper.register_complete(current, state, data)
        except NO_PASSKEY as error:
            raise PasskeyRefused from error
        device.name = name[:64]
        device.save(update_fields=["name"])
        # An app that was begun before there was anything to take over counts no more.
        Authenticator.objects.filter(user=current, confirmed=False).delete()
        first = not RecoveryCode.objects.left().filter(account=current).exists()
        set_flag(current)
        return write_codes(current) if first else []


def check(account: Account, helper: Passkeys, state: dict[str, Any], data: dict[str, Any], *, actor: Actor) -> str:
    """Is it the answer of one of the account's passkeys to this challenge? Raises PasskeyRefused, TooManyAttempts."""

    def signed(current: Account) -> str:
        try:
            with transaction.atomic():
                device = helper.authenticate_complete(current, state, data)
        except NO_PASSKEY:
            return ""
        return f"passkey {device.name}".strip()

    how = tried(account, signed, actor=actor)
    if not how:
        raise PasskeyRefused
    return how


def rename(account: Account, pk: int, name: str, *, actor: Actor) -> None:
    """Raises WebAuthnCredential.DoesNotExist for somebody else's."""
    with change(RENAMED, actor=actor, target=account) as entry:
        device = of_account(account).select_for_update().get(pk=pk)
        entry.compare({"name": device.name}, {"name": name[:64]})
        device.name = name[:64]
        device.save(update_fields=["name"])


def check_removable(account: Account, *, actor: Actor | None) -> None:
    """Asked before the person is, and recorded, as that of the app. Raises StillRequired."""
    if actor is None:
        return _check_removable(account)
    with change(REMOVED, actor=actor, target=account) as entry:
        entry.silent = True
        return _check_removable(account)


def _check_removable(account: Account) -> None:
    if not ServerSettings.load().two_factor_required or of_account(account).count() > 1:
        return
    if not Authenticator.objects.filter(user=account, confirmed=True).exists():
        raise StillRequired


def remove(account: Account, pk: int, *, actor: Actor) -> None:
    """Raises StillRequired, WebAuthnCredential.DoesNotExist for somebody else's."""
    with change(REMOVED, actor=actor, target=account) as entry:
        current = fresh(account)
        device = of_account(current).get(pk=pk)
        entry.details["name"] = device.name
        _check_removable(current)
        device.delete()
        set_flag(current)


def of_account(account: Account) -> Any:
    return WebAuthnCredential.objects.filter(user=account).order_by("created_at")
