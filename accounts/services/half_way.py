"""Between the first proof and the session: a password that must be changed, a code, the set-up of a second factor."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import Account
from accounts.services.sign_in import PENDING, Typed, close_session, look_at_guesses
from accounts.services.ways import keep, still_stands
from agora.base.actor import Actor
from sessions_admin.models import Cause
from sessions_admin.store import SessionStore, Way

PENDING_FOR = timedelta(minutes=10)


def hold(
    request: HttpRequest,
    account: Account,
    *,
    way: Way,
    actor: Actor,
    kept: Mapping[str, str] | None = None,
    typed: Typed | None = None,
) -> None:
    """The first proof was right but a step is missing: remember who, in a session that is still nobody's; one that was
    open in this browser ends. Raises TooManyAttempts, as ``open_session``."""
    if typed:
        look_at_guesses(typed, actor=actor)
    store = request.session
    assert isinstance(store, SessionStore)
    if store.account is not None:
        close_session(request, cause=Cause.SIGNED_IN_AGAIN, actor=actor)
    store.cycle_key()
    until = (timezone.now() + PENDING_FOR).timestamp()
    store[PENDING] = {"account": account.pk, "until": until, "state": _state(account), "way": asdict(way)}
    keep(store, kept or {})
    store.way = way


def held(request: HttpRequest) -> tuple[Account, Way] | None:
    """Who is half-way through signing in here, and how.

    None when nobody is, it took over ten minutes, or the account was changed since, by a new password, a lock or a
    reset of its second factor say, or the provider's word counts no more: what was proved then proves nothing now.
    """
    pending = request.session.get(PENDING)
    if not pending or pending["until"] < timezone.now().timestamp():
        return None
    account: Account | None = Account.objects.usable().filter(pk=pending["account"]).first()
    same = account is not None and constant_time_compare(pending.get("state", ""), _state(account))
    way = Way(**pending["way"])
    return (account, way) if account is not None and same and still_stands(account, way) else None


def way_here(request: HttpRequest) -> Way | None:
    """How whoever is half-way here began; also after a step that changed the account, such as setting up a factor."""
    pending = request.session.get(PENDING)
    return Way(**pending["way"]) if pending else None


def _state(account: Account) -> str:
    """What every change of the account changes, and signing in does not; keyed, as Django's session hash is."""
    facts = f"{account.password} {account.second_factor} {account.modified_at.isoformat()}"
    return salted_hmac("accounts.half-way", facts, algorithm="sha256").hexdigest()
