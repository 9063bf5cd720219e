"""Admin mode: a superuser sees every project as if a member, in one session, for an hour at most."""

from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services import second_factor, sign_in
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.models import Outcome
from audit.services import record
from sessions_admin import elevations
from sessions_admin.models import Elevation, ElevationEnd, ElevationKind

STARTED = elevations.STARTED[ElevationKind.ADMIN_MODE]
PERMISSION = "admin_mode.use"
IDLE = timedelta(minutes=15)


class NothingToConfirmWith(Refused):
    status = 409
    message = _(
        "This account has neither a password nor an authenticator app here, so you can't be asked again who you are. "
        "Confirming through another sign-in system is not possible yet: set up two-factor authentication on your "
        "profile, or have a password set."
    )


class NotInAdminMode(Refused):
    status = 409
    message = _("You are not in admin mode: there is nothing to stop.")


@dataclass(frozen=True)
class Ways:
    """What the person can be asked again."""

    password: bool
    code: bool


def ways_to_confirm(account: Account) -> Ways:
    return Ways(password=account.has_usable_password(), code=second_factor.confirmed(account) is not None)


def start(
    request: HttpRequest, account: Account, *, password: str = "", code: str = "", reason: str, actor: Actor
) -> Elevation:
    """From the next request on, every project is open to this session. Asks for the password, or for a code of the
    authenticator app or a recovery code.

    Raises TooManyAttempts, WrongCredentials, WrongCode, NothingToConfirmWith, AlreadyElevated.
    """
    elevation = Elevation(kind=ElevationKind.ADMIN_MODE, reason=reason, idle_limit=IDLE)
    try:
        ways = ways_to_confirm(account)
        if not (ways.password or ways.code):
            raise NothingToConfirmWith
        if code and not password:
            method = second_factor.check(account, code, actor=actor)
        else:
            sign_in.confirm_password(request, account, password, actor=actor)
            method = "password"
        elevations.begin(request, elevation, actor=actor, method=method)
    except Refused as refusal:
        record(STARTED, actor=actor, outcome=Outcome.DENIED, reason=str(refusal), code=refusal.code)
        raise
    return elevation


def stop(request: HttpRequest, elevation: Elevation | None, *, actor: Actor) -> Elevation:
    """Back to one's own projects. Raises NotInAdminMode."""
    if elevation is None or elevation.kind != ElevationKind.ADMIN_MODE:
        raise NotInAdminMode
    elevations.leave(request, elevation, ElevationEnd.STOPPED, actor=actor)
    return elevation


def why_over(elevation: Elevation, account: Account, *, actor: Actor) -> ElevationEnd:
    """What has ended it since the last request; ElevationEnd.RUNNING when nothing has."""
    return elevation.past(actor.at) if account.has_perm(PERMISSION) else ElevationEnd.NOT_ALLOWED
