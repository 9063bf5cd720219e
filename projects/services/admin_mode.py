"""Admin mode: a superuser sees every project as if a member, in one session, for an hour at most."""

from datetime import timedelta

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services import sign_in
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.models import Outcome
from audit.services import record
from sessions_admin import elevations
from sessions_admin.models import Elevation, ElevationEnd, ElevationKind
from sso.models import Provider
from sso.services import again

STARTED = elevations.STARTED[ElevationKind.ADMIN_MODE]
PERMISSION = "admin_mode.use"
IDLE = timedelta(minutes=15)


class NoPassword(Refused):
    status = 409
    message = _(
        "This account has no password here, and it did not sign in through a system that can ask again. Sign in "
        "through OpenID Connect or SAML, or set a password for this account first."
    )


class NotAskedYet(Refused):
    status = 409
    message = _("The system that you signed in through has not asked you just now. Let it ask you first.")


class NotInAdminMode(Refused):
    status = 409
    message = _("You are not in admin mode: there is nothing to stop.")


def asked_by(request: HttpRequest, account: Account) -> Provider | None:
    """Who asks the person again instead of us, where the account has no password here."""
    return None if account.has_usable_password() else again.provider_of(request)


def start(request: HttpRequest, account: Account, password: str, *, reason: str, actor: Actor) -> Elevation:
    """From the next request on, every project is open to this session.

    Raises TooManyAttempts, WrongCredentials, NoPassword, NotAskedYet, AlreadyElevated.
    """
    elevation = Elevation(kind=ElevationKind.ADMIN_MODE, reason=reason, idle_limit=IDLE)
    try:
        how = _confirm(request, account, password, actor=actor)
        elevations.begin(request, elevation, actor=actor, **how)
    except Refused as refusal:
        record(STARTED, actor=actor, outcome=Outcome.DENIED, reason=str(refusal), code=refusal.code)
        raise
    return elevation


def _confirm(request: HttpRequest, account: Account, password: str, *, actor: Actor) -> dict[str, str]:
    """How it was made sure that this is the person; a provider's yes counts once."""
    if account.has_usable_password():
        sign_in.confirm_password(request, account, password, actor=actor)
        return {"method": "password"}
    provider = again.provider_of(request)
    if provider is None:
        raise NoPassword
    if not again.confirmed(request, now=actor.at):
        raise NotAskedYet
    again.use(request)
    return {"method": provider.kind, "provider": provider.name}


def stop(request: HttpRequest, elevation: Elevation | None, *, actor: Actor) -> Elevation:
    """Back to one's own projects. Raises NotInAdminMode."""
    if elevation is None or elevation.kind != ElevationKind.ADMIN_MODE:
        raise NotInAdminMode
    elevations.leave(request, elevation, ElevationEnd.STOPPED, actor=actor)
    return elevation


def why_over(elevation: Elevation, account: Account, *, actor: Actor) -> ElevationEnd:
    """What has ended it since the last request; ElevationEnd.RUNNING when nothing has."""
    return elevation.past(actor.at) if account.has_perm(PERMISSION) else ElevationEnd.NOT_ALLOWED
