"""Acting as somebody else: who may, as whom, and until when. The row is an Elevation of the superuser's session."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.models import Outcome
from audit.services import record
from sessions_admin import elevations
from sessions_admin.models import Elevation, ElevationEnd, ElevationKind, ElevationMode

STARTED = elevations.STARTED[ElevationKind.IMPERSONATION]
PERMISSION = "impersonation.start"


class SwitchedOff(Refused):
    message = _("Impersonation is switched off in this server's environment (AGORA_IMPERSONATION=off).")


class CannotBeImpersonated(Refused):
    """The account is not one to act as; the message says why."""


class NotImpersonating(Refused):
    status = 409
    message = _("You act as yourself already: there is nothing to stop.")


def why_not(account: Account) -> str | Promise:
    """Why nobody may act as this account; empty when superusers may."""
    if account.is_superuser:
        return _("A superuser: nobody acts as another superuser.")
    if account.is_locked:
        return _("Locked: unlock the account first.")
    if not account.is_active:
        return _("Inactive: activate the account first.")
    return ""


def start(request: HttpRequest, target: Account, *, mode: str, reason: str, actor: Actor) -> Elevation:
    """From the next request on this session acts as ``target``, for an hour at most.

    The session stays the superuser's. Raises SwitchedOff, CannotBeImpersonated, AlreadyElevated, each recorded.
    """
    elevation = Elevation(
        kind=ElevationKind.IMPERSONATION,
        target_id=target.pk,
        target_name=target.username,
        mode=ElevationMode(mode),
        reason=reason,
    )
    try:
        if not settings.IMPERSONATION:
            raise SwitchedOff
        if sentence := why_not(target):
            raise CannotBeImpersonated(sentence)
        elevations.begin(request, elevation, actor=actor)
    except Refused as refusal:
        why = {"reason": str(refusal), "code": refusal.code}
        record(STARTED, actor=actor, target=target, outcome=Outcome.DENIED, **why)
        raise
    return elevation


def stop(request: HttpRequest, elevation: Elevation | None, *, actor: Actor) -> None:
    """Back to oneself. Raises NotImpersonating."""
    if elevation is None or elevation.kind != ElevationKind.IMPERSONATION:
        raise NotImpersonating
    elevations.leave(request, elevation, ElevationEnd.STOPPED, actor=actor)


def why_over(elevation: Elevation, superuser: Account, target: Account | None, *, actor: Actor) -> ElevationEnd:
    """What has ended it since the last request; ElevationEnd.RUNNING when nothing has."""
    if not settings.IMPERSONATION:
        return ElevationEnd.SWITCHED_OFF
    if not superuser.has_perm(PERMISSION):
        return ElevationEnd.NOT_ALLOWED
    if target is None:
        return ElevationEnd.TARGET_GONE
    if target.is_superuser:
        return ElevationEnd.TARGET_SUPERUSER
    if target.is_locked:
        return ElevationEnd.TARGET_LOCKED
    if not target.is_active:
        return ElevationEnd.TARGET_INACTIVE
    return elevation.past(actor.at)
