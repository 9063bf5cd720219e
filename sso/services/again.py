"""Asking somebody who signed in through a provider again who they are: the provider does it, and says when it did."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.models import Outcome
from audit.services import record
from sessions_admin.elevations import store_of
from sso.claims import Person, ProviderRefused
from sso.models import Provider
from sso.services import protocols
from sso.services.mapping import check_enabled

CONFIRMED = event("identity.confirmed", gettext_lazy("Asked again at the provider"))
NOTE = "confirmed_at_provider"  # in the session's data
VALID = timedelta(minutes=5)  # from the provider's yes until it is used
LEEWAY = timedelta(seconds=30)  # by which clocks may differ


class NobodyToAsk(Refused):
    status = 409
    message = gettext_lazy("You did not sign in through a system that can ask you again.")


class NotConfirmed(Refused):
    """The person sees no reason, but below it the reference under which it stands in the audit log."""


@dataclass(frozen=True)
class Asked:
    """What was asked of whom, to be compared with the answer."""

    session_id: int
    account_id: int
    subject: str
    since: float  # seconds since 1970

    def as_dict(self) -> dict[str, Any]:
        return vars(self) | {}


def provider_of(request: HttpRequest) -> Provider | None:
    """The provider that opened this session, when it can ask again."""
    row = store_of(request).row
    if row is None or row.provider_id is None:
        return None
    provider = Provider.objects.enabled().with_settings().filter(pk=row.provider_id).first()
    return provider if provider is not None and protocols.asks_again(provider.kind) else None


def begin(request: HttpRequest, provider: Provider, *, next_path: str, actor: Actor) -> str:
    """The address where the provider asks. Raises ProviderRefused, ProviderSilent."""
    row = store_of(request).row
    assert row is not None and row.account_id is not None
    asked = Asked(row.pk, row.account_id, row.provider_subject, actor.at.timestamp())
    return protocols.asking(provider.kind).start_again(
        request, provider, asked=asked.as_dict(), next_path=next_path, actor=actor
    )


def finish(
    request: HttpRequest, provider: Provider, person: Person, values: dict[str, Any], at: float | None, *, actor: Actor
) -> None:
    """Remember in this session that the provider asked; ``values``: what ``begin`` said, ``at``: when it did,
    in seconds since 1970, before the year 10000.

    Raises ProviderRefused (other_session, other_person, no_auth_time, not_asked_again, disabled).
    """
    asked, store = Asked(**values), store_of(request)
    if store.row is None or (store.row.pk, request.user.pk) != (asked.session_id, asked.account_id):
        raise ProviderRefused("other_session", _("Another session asked for it."))
    if person.subject != asked.subject:
        raise ProviderRefused("other_person", _("Somebody else signed in at the provider."))
    if at is None:
        raise ProviderRefused("no_auth_time", _("The provider does not say when it asked (auth_time)."))
    if not asked.since - LEEWAY.total_seconds() <= at <= actor.at.timestamp() + LEEWAY.total_seconds():
        when = datetime.fromtimestamp(at, UTC).isoformat()
        raise ProviderRefused("not_asked_again", _("The provider asked at %(when)s, not now.") % {"when": when})
    with transaction.atomic():
        check_enabled(provider)
        store[NOTE] = {"provider": provider.pk, "at": actor.at.timestamp()}
        record(CONFIRMED, actor=actor, target=provider)


def fail(provider: Provider, refused: ProviderRefused, *, actor: Actor) -> NotConfirmed:
    """Record why; what comes back is to be raised."""
    why = {"reason": refused.reason, "sentence": str(refused)}
    record(CONFIRMED, actor=actor, target=provider, outcome=Outcome.FAILED, **why)
    return NotConfirmed(_("The other system did not confirm that it is you. Try again, or tell an administrator."))


def confirmed(request: HttpRequest, *, now: datetime) -> bool:
    """Did this session's provider ask, not long ago, and was that not used yet?"""
    store = store_of(request)
    note, row = store.get(NOTE), store.row
    if not note or row is None or note["provider"] != row.provider_id:
        return False
    return bool(now.timestamp() - note["at"] < VALID.total_seconds())


def use(request: HttpRequest) -> None:
    """It counts once."""
    store_of(request).pop(NOTE, None)
