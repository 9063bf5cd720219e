"""What strangers may send again and again: all of it is heard, but neither the tables nor the log fill up with it.

Counted by address, behind which a whole house may be. So one good sign-in starts both counts anew, and an answer that
is right is never turned away.
"""

from django.http import Http404

from accounts.services import throttle
from accounts.services.sign_in import OPENED
from agora.base.actor import Actor
from sso.models import Begun, Provider

START, REFUSED = "provider-start", "provider-refused"


def admit_start(*, actor: Actor) -> None:
    """Somebody wants to be sent to a provider, which leaves a row. Raises TooManyRequests."""
    throttle.admit_or_record(OPENED, _of(START, actor), actor=actor)


def is_worth_an_entry(event: str, *, actor: Actor) -> bool:
    """Something was refused that anybody could have sent. False where it is one too many to be recorded on its own."""
    try:
        throttle.admit_or_record(event, _of(REFUSED, actor), actor=actor)
    except throttle.TooManyRequests:
        return False
    return True


def forget(*, actor: Actor) -> None:
    """From there came something that was right."""
    throttle.forget_all(_of(START, actor) | _of(REFUSED, actor))


def provider_at(kind: str, alias: str) -> Provider | None:
    """The provider whose address this is; None where only a test of an unsaved one is under way.

    Raises Http404 where there is neither: nothing happened that is worth recording.
    """
    provider = Provider.objects.with_settings().filter(kind=kind).with_alias(alias)
    if provider is None and not Begun.objects.filter(kind=kind, alias=alias).exists():
        raise Http404
    return provider


def _of(kind: str, actor: Actor) -> dict[str, str]:
    return {kind: actor.origin.address} if actor.origin.address else {}
