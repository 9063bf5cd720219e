"""Signing in and out.

Order: throttle → password → locked or inactive → forced password change → second factor → session with a new key.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, login, logout
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils.translation import gettext_lazy as _

from accounts.backends import authenticate
from accounts.models import Account
from accounts.services import throttle
from accounts.services.ways import LOCAL, Attempt, keep, still_stands
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import fold
from agora.base.writing import together, update
from audit.events import event
from audit.models import Entry, Outcome
from audit.services import record, unwritten
from sessions_admin.elevations import end_of_sessions
from sessions_admin.models import Cause, Method
from sessions_admin.services import CLOSED
from sessions_admin.store import SessionStore, Way

OPENED = event("session.opened", _("Signed in"))
CONFIRMED = event("account.password_confirmed", _("Password asked again"))

BACKEND = "accounts.backends.LocalBackend"  # whom Django asks for the account, however it came in
PENDING = "sign_in_pending"


class WrongCredentials(Refused):
    """One answer for unknown, wrong, locked and inactive: nothing is learned about which accounts exist."""

    message = _("Username or password is not right, or the account may not sign in.")


class NobodyAnswered(Refused):
    """Whoever knows the password could not be asked; nothing was learned about it."""

    status = 503


class TakenBack(Refused):
    """Before the session was open, the account was locked or given another password, say, or its link removed."""

    message = _("Your account, or the way in that you came by, was changed meanwhile. Sign in again.")


@dataclass(frozen=True)
class Typed:
    """The username that a right password was typed with, and where. Others may have guessed at the same moment, which
    ``open_session`` and ``hold`` look at. ``session_id`` is drawn for the session that may be opened."""

    username: str
    address: str | None
    session_id: int | None


# What was looked at to let somebody in; another value, and they may not, or not without another step.
LOOKED_AT = ("password", "is_active", "locked_at", "must_change_password", "second_factor")
WRITTEN_DOWN = ("last_login", "last_login_key")


def check_credentials(
    request: HttpRequest, username: str, password: str, *, actor: Actor
) -> tuple[Account, Way, Typed | None]:
    """The account behind username and password, when it may sign in, and who said so: ourselves or a directory. What
    was typed is for ``open_session`` or ``hold``, which may still refuse it.

    Raises TooManyAttempts, WrongCredentials, NobodyAnswered.
    """
    address = actor.origin.address
    known, session_id = throttle.known(username, address, now=actor.at)
    attempt = Attempt(actor=actor, known=known, looked_up=True)
    account = authenticate(request, username, password, attempt)
    if account is not None and account.is_usable:
        typed = Typed(username, address, session_id)
        if fold(username) == account.username_key:
            return account, attempt.way, typed
        look_at_guesses(typed, actor=actor)  # a directory's name for it
        throttle.forget(account.username)
        return account, attempt.way, None
    with transaction.atomic():
        wait = throttle.wrong_meanwhile(username, address, now=actor.at)
        _failed(username, address, attempt)
    if wait:  # right or wrong: nothing is learned from it
        raise throttle.TooManyAttempts(wait)
    raise NobodyAnswered(attempt.sentence) if attempt.sentence and account is None else WrongCredentials


def _failed(username: str, address: str | None, attempt: Attempt) -> None:
    known = attempt.known
    reason = attempt.reason or ("unknown_username" if known is None else "wrong_password")
    if known is not None and not known.is_usable:
        reason = "account_locked" if known.is_locked else "account_inactive"
    waits: dict[str, Any] = {}
    if attempt.heard or not attempt.sentence:  # else nothing was learned, by nobody
        waits = throttle.count_failure(username, address, now=attempt.actor.at)
    # What is typed as a username may be a password: an unknown one is not written down.
    how: dict[str, Any] = {"reason": reason, **attempt.details, **waits}
    record(OPENED, actor=attempt.actor, target=known, outcome=Outcome.FAILED, **how)


def look_at_guesses(typed: Typed, *, actor: Actor) -> None:
    """Raises TooManyAttempts where tries heard at the same moment make a right password wait as well; else the waits of
    its username end."""
    if wait := throttle.right_meanwhile(typed.username, typed.address, now=actor.at):
        raise throttle.TooManyAttempts(wait)


def missing_step(account: Account, way: Way) -> str:
    """What is asked before the session opens: "new password", "code", "setup", or nothing."""
    if way.method == Method.PASSWORD and account.must_change_password:
        return "new password"
    if not way.asks_second_factor:
        return ""
    if account.second_factor:
        return "code"
    return "setup" if account.two_factor_required else ""


def open_session(
    request: HttpRequest,
    account: Account,
    *,
    way: Way,
    actor: Actor,
    second_factor: str = "",
    kept: Mapping[str, str] | None = None,
    typed: Typed | None = None,
) -> None:
    """Sign the account in here, under a new key; a session that was open in this browser ends.

    ``kept`` is what signing out at the provider will need; ``typed`` comes from ``check_credentials``, when it was
    asked a moment ago. Raises TakenBack, TooManyAttempts.
    """
    store = request.session
    assert isinstance(store, SessionStore)
    nothing_here = store.account is None and store.row is None
    usual = way == LOCAL and nothing_here and not kept and not second_factor and still_stands(account, way)
    if typed and usual and _opened_at_once(request, account, store, actor=actor, typed=typed):
        return
    with _unless_taken_back(account, way, actor, typed):
        if store.account is not None:
            close_session(request, cause=Cause.SIGNED_IN_AGAIN, actor=actor)
        store.pop(PENDING, None)
        store.way = way
        login(request, account, backend=BACKEND)
        keep(store, kept or {})
        store.save()
        who = actor.as_account(account, store.row_id)
        how: dict[str, Any] = {"second_factor": second_factor} if second_factor else {}
        if way.provider_id is not None:
            how |= {"provider": way.provider_name, "subject": way.provider_subject}
        record(OPENED, actor=who, target=store.row, method=way.method, **how)


def _opened_at_once(request: HttpRequest, account: Account, store: SessionStore, *, actor: Actor, typed: Typed) -> bool:
    """A session by a password of ours in a browser that has none, as nearly always: all in one statement. False where
    the account is not as it was looked at, or somebody guessed meanwhile; then nothing is done."""
    account.last_login = account.last_login_key = actor.at
    values = {
        SESSION_KEY: str(account.pk),
        BACKEND_SESSION_KEY: BACKEND,
        HASH_SESSION_KEY: account.get_session_auth_hash(),
    }
    beginning = store.beginning(account.pk, values, LOCAL, pk=typed.session_id)
    session = beginning.row

    def proof() -> Entry:
        return unwritten(OPENED, actor=actor.as_account(account, session.pk), target=session, method=LOCAL.method)

    guesses = throttle.failures(typed.username, typed.address)
    opened = together(account, *WRITTEN_DOWN, unchanged=LOOKED_AT, unless=guesses, first=session, then=proof)
    if opened:  # the rest of Django's ``login``
        store.begin(beginning)
        request.user = account
        rotate_token(request)
        user_logged_in.send(sender=Account, request=request, user=account)
    return opened


@contextmanager
def _unless_taken_back(account: Account, way: Way, actor: Actor, typed: Typed | None) -> Iterator[None]:
    """The transaction that a session is opened in; it writes down the sign-in in the account, and so locks it.

    Whatever ends the sessions of an account locks it as well: either it finds this one, or here its change is found.
    """
    account.last_login = account.last_login_key = actor.at
    try:
        with transaction.atomic():
            if not _written_down(account, typed, actor) or not still_stands(account, way):
                raise TakenBack
            yield
    except TakenBack:
        how = {"provider": way.provider_name, "subject": way.provider_subject} if way.provider_id is not None else {}
        entry: dict[str, Any] = {"reason": "taken_back", "method": way.method, **how}
        record(OPENED, actor=actor, target=account, outcome=Outcome.FAILED, **entry)
        raise


def _written_down(account: Account, typed: Typed | None, actor: Actor) -> bool:
    """The sign-in, in the account as it was looked at; its row is locked before the throttle's, as everywhere."""
    as_it_was = update(account, *WRITTEN_DOWN, unchanged=LOOKED_AT)
    if typed:
        look_at_guesses(typed, actor=actor)
    return as_it_was


def close_session(request: HttpRequest, *, actor: Actor, cause: Cause = Cause.SIGNED_OUT) -> None:
    """End the session of this browser; its key is worthless from here on."""
    store = request.session
    assert isinstance(store, SessionStore)
    account, row = store.account, store.row
    store.cause = cause
    with transaction.atomic():
        if row is not None:
            end_of_sessions([row.pk], actor=actor, at=actor.at)
        logout(request)
        if account is not None and row is not None:
            who = actor if actor.account else actor.as_account(account, row.pk)
            record(CLOSED, actor=who, target=row, account=account.username, cause=cause)


def confirm_password(request: HttpRequest, account: Account, password: str, *, actor: Actor) -> None:
    """Ask the signed-in person's password again. Raises TooManyAttempts, WrongCredentials, NobodyAnswered; each
    failure is recorded."""
    throttle.check(account.username, actor.origin.address, now=actor.at)
    attempt = Attempt(actor=actor, confirming=True)
    right = authenticate(request, account.username, password, attempt) == account
    if right:
        wait = throttle.right_meanwhile(account.username, actor.origin.address, now=actor.at)
    else:
        with transaction.atomic():
            wait = throttle.wrong_meanwhile(account.username, actor.origin.address, now=actor.at)
            if attempt.heard or not attempt.sentence:
                waits: dict[str, Any] = throttle.count_failure(account.username, actor.origin.address, now=actor.at)
                record(CONFIRMED, actor=actor, target=account, outcome=Outcome.FAILED, **waits)
    if wait:
        raise throttle.TooManyAttempts(wait)
    if attempt.sentence and not right:
        raise NobodyAnswered(attempt.sentence)
    if not right:
        raise WrongCredentials(str(_("This is not your current password.")))
