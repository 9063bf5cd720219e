"""The second factor: setting it up, asking for it, taking it away."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_otp_webauthn.models import WebAuthnCredential

from accounts.devices import SETUP, Authenticator, RecoveryCode, code_digest, new_codes, new_secret
from accounts.models import Account
from accounts.services import throttle
from accounts.services.passwords import ChangeYourOwnOnTheProfile
from accounts.services.rules import check_may_edit, fresh, is_self
from accounts.services.throttle import TooManyAttempts
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.models import Outcome
from audit.services import change, record
from mail.services.messages import CannotMail, send
from sessions_admin.models import Cause
from sessions_admin.services import end_sessions_of
from settings_admin.models import ServerSettings

ENABLED = event("second_factor.enabled", _("Second factor set up"))
REMOVED = event("second_factor.removed", _("Second factor removed"))
RESET = event("second_factor.reset", _("Second factor reset"))
RENEWED = event("second_factor.codes_renewed", _("New recovery codes"))
PASSED = event("second_factor.recovery_used", _("Recovery code used"))
FAILED = event("second_factor.failed", _("Wrong code of the second factor"))


class WrongCode(Refused):
    status = 422
    message = _("This code is not right, or it was used already. Wait for the next one.")


class StillRequired(Refused):
    message = _("This server requires a second factor. Replace it instead of removing it.")


class NotSetUp(Refused):
    status = 409
    message = _("No second factor is set up here.")


def begin(account: Account) -> Authenticator:
    """A secret to be scanned; it counts for nothing until a code of it is typed."""
    with transaction.atomic():
        current = fresh(account)
        Authenticator.objects.filter(user=current, confirmed=False).delete()
        device: Authenticator = Authenticator.objects.create(
            user=current, confirmed=False, secret=new_secret(), name="app"
        )
    return device


def pending(account: Account) -> Authenticator | None:
    """The authenticator that is being set up; one that was begun and left counts no more."""
    begun = Authenticator.objects.filter(user=account, confirmed=False, created_at__gt=timezone.now() - SETUP)
    device: Authenticator | None = begun.first()
    return device


def confirmed(account: Account) -> Authenticator | None:
    """The authenticator that counts."""
    device: Authenticator | None = Authenticator.objects.filter(user=account, confirmed=True).first()
    return device


def confirm(account: Account, code: str, *, actor: Actor) -> list[str]:
    """The first code of a new authenticator: from now on it is asked for. Returns ten recovery codes, known only now.

    An authenticator that was there before is replaced, and its recovery codes with it. Raises NotSetUp, WrongCode,
    TooManyAttempts.
    """
    codes: list[str] = []

    def typed(current: Account) -> str:
        device = pending(current)
        if device is None:
            raise NotSetUp
        step = device.step_of(plain(code), actor.at)
        if step is None:
            return ""
        with change(ENABLED, actor=actor, target=current) as entry:
            replaced, _rows = Authenticator.objects.filter(user=current, confirmed=True).delete()
            device.confirmed, device.last_step, device.last_used_at = True, step, actor.at
            device.save()
            codes.extend(write_codes(current))
            entry.details |= {"kind": "authenticator app", "replaced": bool(replaced)}
            set_flag(current)
        return "code"

    if not tried(account, typed, actor=actor):
        raise WrongCode
    return codes


def check(account: Account, code: str, *, actor: Actor) -> str:
    """Is it a code of the app or a recovery code? Either counts once. Returns which: "code" or "recovery code".

    Failures make the next try wait longer, in every process and after a restart. Raises WrongCode, TooManyAttempts.
    """
    how = tried(account, lambda current: _spend(current, plain(code), actor), actor=actor)
    if not how:
        raise WrongCode
    return how


def tried(account: Account, proof: Callable[[Account], str], *, actor: Actor) -> str:
    """One try, heard or refused unheard, and counted before the next one is looked at.

    The account's row is locked meanwhile: a hundred tries at the same moment are no more than a hundred in a row.
    Returns what ``proof`` did, empty for a failure. Raises TooManyAttempts.
    """
    how, unheard = "", None
    with transaction.atomic():
        current = fresh(account)
        try:
            throttle.check_all(_kind(account), now=actor.at)
        except TooManyAttempts as refusal:
            unheard = refusal  # raised outside, or its count would be undone
        else:
            how = proof(current)
            if how:
                throttle.forget_all(_kind(account))
            else:
                waits: dict[str, Any] = throttle.count_all(_kind(account), now=actor.at)
                record(FAILED, actor=actor, target=account, outcome=Outcome.FAILED, **waits)
    if unheard:
        raise unheard
    return how


def _spend(account: Account, code: str, actor: Actor) -> str:
    """Marks what the code belongs to as used; the account's row is locked, so nobody else uses it at the same time."""
    device = Authenticator.objects.filter(user=account, confirmed=True).first()
    if device and (step := device.step_of(code, actor.at)) is not None:
        device.last_step, device.last_used_at = step, actor.at
        device.save(update_fields=["last_step", "last_used_at"])
        return "code"
    rows = RecoveryCode.objects.left().filter(account=account, digest=code_digest(code))
    if rows.update(used_at=actor.at):
        left = RecoveryCode.objects.left().filter(account=account).count()
        record(PASSED, actor=actor.as_account(account, actor.session_id), target=account, left=left)
        return "recovery code"
    return ""


def renew_codes(account: Account, *, actor: Actor) -> list[str]:
    """Ten new recovery codes; the old ones are dead. Raises NotSetUp."""
    with change(RENEWED, actor=actor, target=account):
        current = fresh(account)
        if not current.second_factor:
            raise NotSetUp
        return write_codes(current)


def check_removable(account: Account, *, actor: Actor | None) -> None:
    """Asked before the person is, for a refusal must cost no recovery code. Raises StillRequired, NotSetUp.

    With an actor a refusal is recorded: somebody tried. Whoever only opens the page has not.
    """
    if actor is None:
        return _check_removable(account)
    with change(REMOVED, actor=actor, target=account, kind="authenticator app") as entry:
        entry.silent = True
        return _check_removable(account)


def _check_removable(account: Account) -> None:
    if not Authenticator.objects.filter(user=account, confirmed=True).exists():
        raise NotSetUp
    if ServerSettings.load().two_factor_required and not _passkeys(account).exists():
        raise StillRequired


def remove(account: Account, *, actor: Actor) -> None:
    """One's own authenticator app, after password and code were asked. Raises StillRequired, NotSetUp."""
    with change(REMOVED, actor=actor, target=account, kind="authenticator app"):
        current = fresh(account)
        _check_removable(current)
        Authenticator.objects.filter(user=current).delete()
        set_flag(current)


def reset(account: Account, *, actor: Actor) -> None:
    """An administrator's act for somebody who lost theirs: all devices and codes go, all sessions end, a mail tells so.

    Raises OnlySuperusersEditSuperusers, ChangeYourOwnOnTheProfile, NotSetUp.
    """
    with change(RESET, actor=actor, target=account) as entry:
        current = fresh(account)
        check_may_edit(current, actor)
        if is_self(current, actor):
            raise ChangeYourOwnOnTheProfile
        if not current.second_factor:
            raise NotSetUp
        Authenticator.objects.filter(user=current).delete()
        entry.details["passkeys"] = _passkeys(current).count()
        _passkeys(current).delete()
        set_flag(current)
        entry.details["sessions_ended"] = end_sessions_of(current.pk, cause=Cause.FACTOR_RESET, actor=actor)
        entry.details["told_by_mail"] = _tell(current, actor)
    throttle.forget_all(_kind(account))


def _tell(account: Account, actor: Actor) -> bool:
    """By mail, where there is an address and a way to send one."""
    if not account.email:
        return False
    try:
        return send("factor_reset", to=account.email, actor=actor, context={"account": account}) is not None
    except CannotMail:
        return False


def set_flag(account: Account) -> None:
    """``Account.second_factor`` follows its devices; without any, the recovery codes are worth nothing and go."""
    has = Authenticator.objects.filter(user=account, confirmed=True).exists() or _passkeys(account).exists()
    if not has:
        RecoveryCode.objects.filter(account=account).delete()
    if account.second_factor != has:
        account.second_factor = has
        account.save(update_fields=["second_factor"])


def plain(code: str) -> str:
    """As it is compared: without the spaces and dashes that people and apps put in."""
    return "".join(code.split()).replace("-", "").lower()


def _passkeys(account: Account) -> Any:
    return WebAuthnCredential.objects.filter(user=account)


def write_codes(account: Account) -> list[str]:
    codes = new_codes()
    RecoveryCode.objects.filter(account=account).delete()
    RecoveryCode.objects.bulk_create(RecoveryCode(account=account, digest=code_digest(code)) for code in codes)
    return codes


def _kind(account: Account) -> dict[str, str]:
    return {"code": str(account.pk)}
