"""Letting in whoever has a key: looked up by digest, refused with a reason, its use written down."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import throttle
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.prepared import TEXT, Prepared
from api_keys.models import ApiKey, KeyAddress, keys_count
from api_keys.secret_text import digest_of
from audit.events import event
from audit.models import Outcome
from audit.services import record

REFUSED = event("api_key.refused", _("API key refused"))
NEW_ADDRESS = event("api_key.used_from_new_address", _("API key used from a new address"))
NOTED = timedelta(minutes=1)  # how often use is written down


class KeyRefused(Refused):
    """401: whoever calls is nobody. The code of each reason tells the key's owner what to do."""

    status = 401


class NotABearer(KeyRefused):
    message = _("Send the API key as “Authorization: Bearer agora_…”.")


class UnknownKey(KeyRefused):
    message = _("This API key is not known. Check that it was copied whole, or make a new one.")


class KeyDisabled(KeyRefused):
    message = _("This API key is disabled. Enable it on the page of your API keys.")


class KeyExpired(KeyRefused):
    message = _("This API key has expired. Make a new one, or give it a later date.")


class KeysNotAllowed(KeyRefused):
    message = _("API keys may not be used by this account. Ask an administrator.")


class AccountNotUsable(KeyRefused):
    message = _("The account of this API key may not sign in. Ask an administrator.")


class AddressNotAllowed(KeyRefused):
    message = _("This API key may not be used from this address. Change its list of addresses.")


class ReadOnlyKey(Refused):
    message = _("This API key may only read. Use another key, or change this one's limits.")


# The first query of every request that brings a key.
_key_of = Prepared("agora_key_of_digest", lambda: ApiKey.objects.with_digest(TEXT))


def let_in(secret: str, *, actor: Actor) -> ApiKey:
    """The key that has this secret, with its account; empty where what was sent is none. Raises a KeyRefused,
    TooManyAttempts.

    A key that counts never waits; whoever keeps coming without one does, for the address.
    """
    key = _key_of(digest_of(secret)) if secret else None
    refusal = why_not(key, actor) if secret else NotABearer()
    if refusal is None:
        assert key is not None
        _note(key, actor)
        return key
    _refuse(key, refusal, actor)
    raise refusal


def why_not(key: ApiKey | None, actor: Actor) -> KeyRefused | None:
    """The first reason against it; None for a key that counts."""
    if key is None:
        return UnknownKey()
    if not key.account.is_usable:
        return AccountNotUsable()
    if not keys_count(key.account, server_allows=key.server_allows):
        return KeysNotAllowed()
    if not key.enabled:
        return KeyDisabled()
    if key.has_expired(actor.at):
        return KeyExpired()
    return None if key.accepts(actor.origin.address) else AddressNotAllowed()


def _refuse(key: ApiKey | None, refusal: KeyRefused, actor: Actor) -> None:
    """Count it for the address and record it; raises TooManyAttempts once the address has to wait."""
    address = {"api": actor.origin.address or "unknown"}
    throttle.check_all(address, now=actor.at)
    with transaction.atomic():
        waits: dict[str, Any] = throttle.count_all(address, now=actor.at)
        about = {"account": str(key.account)} if key else {}
        record(REFUSED, actor=actor, target=key, outcome=Outcome.DENIED, code=refusal.code, **about, **waits)


def refuse_write(key: ApiKey, *, actor: Actor) -> ReadOnlyKey:
    """Record that a key that may only read tried more: whoever has it may not be who should."""
    refusal = ReadOnlyKey()
    record(REFUSED, actor=actor, target=key, outcome=Outcome.DENIED, code=refusal.code, account=str(key.account))
    return refusal


def _note(key: ApiKey, actor: Actor) -> None:
    """Time and address of the last use, once a minute; an address that is new for the key is recorded."""
    address, last = actor.origin.address, key.last_used_at
    if last is not None and key.last_used_address == address and actor.at - last < NOTED:
        return
    with transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=actor.at, last_used_address=address)
        _row, new = KeyAddress.objects.get_or_create(
            key=key, address=address or "", defaults={"first_used_at": actor.at}
        )
        if new:
            record(NEW_ADDRESS, actor=actor, target=key, account=str(key.account))
