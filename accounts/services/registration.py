"""People who make an account for themselves, where the server allows it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.hashers import make_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Registration
from accounts.services import throttle
from accounts.services.accounts import create_account
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.models import Outcome
from audit.services import record
from mail.services import send
from settings_admin.models import ServerSettings

REQUESTED = event("account.registration_requested", _("Registration asked for"))
REGISTERED = event("account.registered", _("Registered"))

VALID = timedelta(hours=24)
SALT = "accounts.services.registration"


class RegistrationIsOff(Refused):
    status = 404
    message = _("This server takes no registrations. Ask its administrators for an account.")


class DeadConfirmation(Refused):
    """One answer for links that are used, old, damaged or made up."""

    status = 404
    message = _("This link does not work any more. It works once and for 24 hours. Sign in, or register again.")


def check_is_on() -> None:
    """Raises RegistrationIsOff."""
    if not ServerSettings.load().allow_registration:
        raise RegistrationIsOff


def admit(*, actor: Actor) -> None:
    """Counts every form that is sent, for each tells whether a username is taken. Raises TooManyRequests."""
    throttle.admit_or_record(REQUESTED, {"registration": actor.origin.address or ""}, actor=actor)


def write_down_failure(fields: Iterable[str], *, actor: Actor) -> None:
    """A form with errors, by the names of its fields: what was typed may be anything."""
    record(REQUESTED, actor=actor, outcome=Outcome.FAILED, fields=sorted(fields))


def register(username: str, email: str, password: str, *, actor: Actor) -> Account | None:
    """The new account, with the role None; while mail is on None, for it waits until the link in the mail is opened.

    Raises RegistrationIsOff, TooManyRequests for one mailbox, ValidationError for a username that is taken, CannotMail.
    """
    check_is_on()
    if email:
        throttle.admit_or_record(REQUESTED, {"registration-mail": email.lower()}, actor=actor)
    with transaction.atomic():
        row = Registration(at=actor.at, username=username, email=email, password=make_password(password))
        if email:
            row.save()
            if send("registration", to=email, actor=actor, context={"username": username, "link": link_path(row)}):
                record(REQUESTED, actor=actor, target=row, valid_hours=VALID // timedelta(hours=1))
                return None
            row.delete()
        return _make(row, actor)


def link_path(row: Registration) -> str:
    """The path of the link in the mail; the key is in the query, which no log of ours holds."""
    return f"{reverse('accounts:confirm-registration')}?key={signing.dumps(row.pk, salt=SALT)}"


def waiting(key: str) -> Registration:
    """The registration behind a key. Raises DeadConfirmation."""
    try:
        row = Registration.objects.filter(pk=signing.loads(key, salt=SALT, max_age=VALID)).first()
    except signing.BadSignature:
        row = None
    if row is None:
        raise DeadConfirmation
    return row


def confirm(key: str, *, actor: Actor) -> Account:
    """Make the account of a registration; each outcome is recorded.

    Raises RegistrationIsOff, TooManyRequests, DeadConfirmation, ValidationError (name taken).
    """
    check_is_on()
    throttle.admit_or_record(REGISTERED, {"confirmation": actor.origin.address or ""}, actor=actor)
    row = None
    try:
        with transaction.atomic():
            row = Registration.objects.select_for_update().filter(pk=waiting(key).pk).first()
            if row is None:
                raise DeadConfirmation
            account = _make(row, actor)
            row.delete()
    except (DeadConfirmation, ValidationError):
        reason = "username taken" if row else "used, old or made-up link"
        record(REGISTERED, actor=actor, target=row, outcome=Outcome.FAILED, reason=reason)
        raise
    return account


def _make(row: Registration, actor: Actor) -> Account:
    with transaction.atomic():
        account = create_account(row.username, email=row.email, actor=actor)
        account.password = row.password
        account.save(update_fields=["password"])
        record(REGISTERED, actor=actor.as_account(account, None), target=account, confirmed_by_mail=row.pk is not None)
    return account


def purge_registrations(*, now: datetime) -> int:
    """Remove registrations whose link is too old; returns how many."""
    return Registration.objects.filter(at__lt=now - VALID).delete()[0]
