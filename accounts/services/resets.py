"""Forgotten passwords (OWASP Forgot Password Cheat Sheet).

The page writes down what was typed and wakes a worker: whether there is such an account changes neither what the page
says nor how long it takes. The link works for an hour, once, and no more after any change of the password, the address
or the state of the account.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account, ResetRequest
from accounts.services import throttle
from accounts.services.passwords import PASSWORD_CHANGED, ChangeYourOwnOnTheProfile, write_password
from accounts.services.rules import check_may_edit, fresh, is_self
from agora.base.actor import Actor, Origin
from agora.base.errors import Refused
from agora.celery import wake
from audit.events import event
from audit.models import Outcome
from audit.services import change, record
from mail.services import CannotMail, mail_is_on, send

REQUESTED = event("account.reset_requested", gettext_lazy("Password reset asked for"))
LINK_SENT = event("account.reset_link_sent", gettext_lazy("Reset link sent"))

VALID = timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
MOST_ACCOUNTS = 5  # accounts with the same e-mail address that get a link
BATCH = 100


class CannotReset(Refused):
    """No link can be sent now; the message says why."""

    status = 409


class DeadLink(Refused):
    """One answer for links that are used, old, damaged or made up."""

    status = 404
    message = gettext_lazy("This link does not work any more. It works once and for one hour. Ask for a new one.")


class _Links(PasswordResetTokenGenerator):
    """Django's, but for what is signed: what stops an account as well, and not the last sign-in. Who remembers the old
    password meanwhile loses no link; every new password has another hash, so that a link works once all the same."""

    key_salt = "accounts.services.resets"

    def _make_hash_value(self, user: Account, timestamp: int) -> str:
        return f"{user.pk} {user.password} {timestamp} {user.email} {user.is_active} {user.is_locked}"


_links = _Links()


def link_path(account: Account) -> str:
    """The path of a link that lets its holder set the password. The key is in the query, which no log of ours holds."""
    return f"{reverse('accounts:reset-password')}?key={account.pk}.{_links.make_token(account)}"


def account_of(key: str) -> Account:
    """The account whose password this key may set. Raises DeadLink."""
    number, _dot, token = key.partition(".")
    known = number.isascii() and number.isdecimal() and len(number) < 19
    account: Account | None = Account.objects.usable().filter(pk=int(number)).first() if known else None
    if account is None or not _links.check_token(account, token):
        raise DeadLink
    return account


def request_reset(typed: str, *, actor: Actor) -> None:
    """Note that somebody forgot a password. Raises TooManyRequests."""
    origin = actor.origin
    throttle.admit_or_record(REQUESTED, {"reset": origin.address or ""}, actor=actor)
    with transaction.atomic():
        ResetRequest.objects.create(
            at=actor.at,
            typed=typed,
            address=origin.address,
            user_agent=origin.user_agent,
            request_id=origin.request_id,
        )
        wake("accounts.answer-resets", actor=actor)


def answer_resets(*, now: datetime) -> int:
    """Send what was asked for; returns how many requests were answered. Any number of workers may do it at once.

    A request that can't be answered stands in nobody's way: it is tried again until it is too late. Raises its error
    when all the others are done.
    """
    answered, trouble = 0, None
    for pk in ResetRequest.objects.order_by("pk").values_list("pk", flat=True)[:BATCH]:
        try:
            answered += _answer_one(pk, now)
        except Exception as error:
            trouble = error
    if trouble is not None:
        raise trouble
    return answered


def _answer_one(pk: int, now: datetime) -> int:
    with transaction.atomic():
        skip = connection.features.has_select_for_update_skip_locked
        row = ResetRequest.objects.select_for_update(skip_locked=skip).filter(pk=pk).first()
        if row is None:
            return 0
        _answer(row, now)
        row.delete()
        return 1


def _answer(row: ResetRequest, now: datetime) -> None:
    origin = Origin(
        channel="web",
        address=row.address,
        user_agent=row.user_agent,
        method="POST",
        path=reverse("accounts:forgot-password"),
        request_id=row.request_id,
    )
    actor = Actor(name="", origin=origin, at=now)
    typed = row.typed if isinstance(row.typed, str) else ""
    accounts = list(Account.objects.meant_by(typed).order_by("pk")[:MOST_ACCOUNTS]) if typed else []
    late = now - row.at > VALID
    if late or not accounts:
        reason = "answered too late" if late else "no such account"
        record(REQUESTED, actor=actor, outcome=Outcome.FAILED, reason=reason)
        return
    for account in accounts:
        try:
            throttle.admit({"reset-account": str(account.pk)}, now=now)
        except throttle.TooManyRequests:
            record(REQUESTED, actor=actor, target=account, outcome=Outcome.DENIED, reason="too many requests")
            continue
        _mail(account, actor)


def _mail(account: Account, actor: Actor) -> None:
    obstacle, reason = why_not(account), ""
    context = {"username": account.username, "obstacle": obstacle, "link": link_path(account)}
    template = "password_reset_refused" if obstacle else "password_reset"
    try:
        if not account.email:
            reason = "no e-mail address"
        elif send(template, to=account.email, actor=actor, context=context) is None:
            reason = "mail is off"
        elif obstacle:
            locked_or_off = "account_locked" if account.is_locked else "account_inactive"
            reason = "no password" if account.is_usable else locked_or_off
    except CannotMail:
        reason = "not an e-mail address"
    outcome = Outcome.FAILED if reason else Outcome.SUCCESS
    record(REQUESTED, actor=actor, target=account, outcome=outcome, **({"reason": reason} if reason else {}))


def why_not(account: Account) -> str:
    """A sentence for the account's own person when a link would not help; empty when it would."""
    if account.is_locked:
        return _("The account is locked. Ask your administrators to unlock it.")
    if not account.is_active:
        return _("The account is out of use. Ask your administrators.")
    if not account.has_usable_password():
        return _(
            "The account has no password on this server. Sign in the way you usually do, or ask your administrators."
        )
    return ""


def obstacle_to_link(account: Account) -> str:
    """A sentence for administrators when no link can be sent to this account; empty when one can."""
    if not mail_is_on():
        return _("Mail is switched off on this server, so no reset link can be sent.")
    if not account.email:
        return _("The account has no e-mail address, so no reset link can be sent.")
    if not account.is_usable:
        return _("The account may not sign in, so no reset link can be sent. Unlock or activate it first.")
    return ""


def send_reset_link(account: Account, *, actor: Actor) -> None:
    """An administrator has a link sent, also to set a first password. Raises OnlySuperusersEditSuperusers,
    ChangeYourOwnOnTheProfile, CannotReset, CannotMail."""
    with change(LINK_SENT, actor=actor, target=account):
        current = fresh(account)
        check_may_edit(current, actor)
        if is_self(current, actor):
            raise ChangeYourOwnOnTheProfile
        if obstacle := obstacle_to_link(current):
            raise CannotReset(obstacle)
        context = {"username": current.username, "link": link_path(current)}
        if send("password_reset_link", to=current.email, actor=actor, context=context) is None:
            raise CannotReset(_("Mail is switched off on this server, so no reset link can be sent."))


def reset_password(key: str, password: str, *, actor: Actor) -> Account:
    """Set the password by a link; all sessions of the account end, and so does its wait for wrong tries.

    Raises DeadLink, and ValidationError for a weak password.
    """
    account = account_of(key)
    by_owner = actor.as_account(account, None)
    with change(PASSWORD_CHANGED, actor=by_owner, target=account, temporary=False, own=True, by="reset link") as entry:
        current = fresh(account)
        if not current.is_usable or not _links.check_token(current, key.partition(".")[2]):
            raise DeadLink
        entry.details["sessions_ended"] = write_password(current, password, temporary=False, actor=by_owner)
        throttle.forget(current.username)
        if current.email and mail_is_on():
            send("password_was_reset", to=current.email, actor=by_owner, context={"username": current.username})
    return current
