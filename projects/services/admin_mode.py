"""Admin mode: a superuser sees every project as if a member, in one session, for an hour at most."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services import second_factor, sign_in
from accounts.services.ways import has_password
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


class NothingToConfirmWith(Refused):
    status = 409
    message = _(
        "This account has neither a password nor an authenticator app here, and it did not sign in through a system "
        "that can ask again who you are. Set up two-factor authentication on your profile, have a password set, or "
        "sign in through OpenID Connect or SAML."
    )


class NotAskedYet(Refused):
    status = 409
    message = _("The system that you signed in through has not asked you just now. Let it ask you first.")


class NotInAdminMode(Refused):
    status = 409
    message = _("You are not in admin mode: there is nothing to stop.")


@dataclass(frozen=True)
class Ways:
    """How the person can be asked again. Without a password or a code of theirs here, ``provider`` asks instead of us;
    ``confirmed``: it just did."""

    password: bool
    code: bool
    provider: Provider | None = None
    confirmed: bool = False

    @property
    def possible(self) -> bool:
        return self.password or self.code or self.provider is not None


def ways_to_confirm(request: HttpRequest, account: Account, *, now: datetime) -> Ways:
    password, code = has_password(account), second_factor.confirmed(account) is not None
    if password or code:
        return Ways(password, code)
    return Ways(password, code, again.provider_of(request), again.confirmed(request, now=now))


def start(
    request: HttpRequest, account: Account, *, password: str = "", code: str = "", reason: str, actor: Actor
) -> Elevation:
    """From the next request on, every project is open to this session. Asks for the password, or for a code of the
    authenticator app or a recovery code; where there is neither, the provider that opened the session was to ask.

    Raises TooManyAttempts, WrongCredentials, WrongCode, NothingToConfirmWith, NotAskedYet, AlreadyElevated.
    """
    elevation = Elevation(kind=ElevationKind.ADMIN_MODE, reason=reason, idle_limit=IDLE)
    try:
        how = _confirm(request, account, password, code, actor=actor)
        elevations.begin(request, elevation, actor=actor, **how)
    except Refused as refusal:
        record(STARTED, actor=actor, outcome=Outcome.DENIED, reason=str(refusal), code=refusal.code)
        raise
    return elevation


def _confirm(request: HttpRequest, account: Account, password: str, code: str, *, actor: Actor) -> dict[str, str]:
    """How it was made sure that this is the person; a code and a provider's yes count once."""
    ways = ways_to_confirm(request, account, now=actor.at)
    if not ways.possible:
        raise NothingToConfirmWith
    if ways.code and code and not password:
        return {"method": second_factor.check(account, code, actor=actor)}
    if ways.provider is None:
        sign_in.confirm_password(request, account, password, actor=actor)
        return {"method": "password"}
    if not ways.confirmed:
        raise NotAskedYet
    again.use(request)
    return {"method": ways.provider.kind, "provider": ways.provider.name}


def stop(request: HttpRequest, elevation: Elevation | None, *, actor: Actor) -> Elevation:
    """Back to one's own projects. Raises NotInAdminMode."""
    if elevation is None or elevation.kind != ElevationKind.ADMIN_MODE:
        raise NotInAdminMode
    elevations.leave(request, elevation, ElevationEnd.STOPPED, actor=actor)
    return elevation


def why_over(elevation: Elevation, account: Account, *, actor: Actor) -> ElevationEnd:
    """What has ended it since the last request; ElevationEnd.RUNNING when nothing has."""
    return elevation.past(actor.at) if account.has_perm(PERMISSION) else ElevationEnd.NOT_ALLOWED
