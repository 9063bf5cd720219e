"""Configuration keys, which streamers come with, and the credential that they ask of whoever edits them there."""

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import throttle
from agora.base.actor import Actor
from agora.base.errors import Refused
from api_keys.secret_text import LETTERS, digest_of
from audit.events import event
from audit.models import Outcome
from audit.services import change, record
from resources.models import Resource, Streamer
from resources.roles import Action
from resources.services.rules import check, fresh

KEY_MADE = event("streamer.key_made", _("Streamer got a new configuration key"))
KEY_REFUSED = event("streamer.key_refused", _("Configuration key refused"))
CREDENTIAL_SET = event("streamer.credential_set", _("Edit credential of a streamer set"))
CREDENTIAL_REMOVED = event("streamer.credential_removed", _("Edit credential of a streamer removed"))

PREFIX = "agora_streamer_"  # API keys have no second “_”: the two can't be taken for each other
LENGTH = 40  # random letters, just under 6 bits each
VISIBLE = len(PREFIX) + 6
NOTED = timedelta(seconds=10)  # how often a contact is written down


class UnknownConfigurationKey(Refused):
    status = 401
    message = _("This configuration key is not known. Make a new one on the card of the streamer.")


class KeyMadeMeanwhile(Refused):
    status = 409
    message = _(
        "A key was made since the question was asked, so none was made now and that one is still good. It can’t be "
        "shown again: if nobody copied it, make another on the card of the streamer."
    )


def make_key(resource: Resource, *, actor: Actor, seen: str | None = None) -> str:
    """A new configuration key, which is known only now; the one before is dead at once.

    ``seen``: the start of the key that was there when the person was asked, "" for none. A page that is loaded again
    sends its question again, and must not kill the key that was just copied. Raises KeyMadeMeanwhile, MayNot, Gone.
    """
    secret = PREFIX + "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    with change(KEY_MADE, actor=actor, target=resource) as entry:
        current = fresh(resource)
        check(actor, current, Action.EDIT)
        streamer = current.streamer
        if seen is not None and seen != streamer.key_visible:
            raise KeyMadeMeanwhile
        entry.details["visible"] = [streamer.key_visible, secret[:VISIBLE]]
        streamer.key_digest, streamer.key_visible = digest_of(secret), secret[:VISIBLE]
        streamer.key_set_at = actor.at
        streamer.save(update_fields=["key_digest", "key_visible", "key_set_at"])
    return secret


def set_edit_credential(resource: Resource, credential: str, *, actor: Actor) -> None:
    """Set it, or remove it when empty; the streamer takes it over with its configuration. Raises MayNot, Gone."""
    with change(CREDENTIAL_SET if credential else CREDENTIAL_REMOVED, actor=actor, target=resource) as entry:
        current = fresh(resource)
        check(actor, current, Action.EDIT)
        streamer = current.streamer
        entry.silent = not credential and streamer.edit_credential_set_at is None
        streamer.edit_credential = credential
        streamer.edit_credential_set_at = actor.at if credential else None
        streamer.save(update_fields=["edit_credential", "edit_credential_set_at"])


def let_in(secret: str, *, actor: Actor) -> Streamer:
    """The streamer that has this configuration key; its contact is written down.

    Raises UnknownConfigurationKey; TooManyAttempts for an address that keeps coming with wrong ones.
    """
    streamer = Streamer.objects.with_key(digest_of(secret)).first()
    if streamer is None:
        _refuse(actor)
        raise UnknownConfigurationKey
    address, last = actor.origin.address, streamer.contact_at
    if last is None or actor.at - last >= NOTED or streamer.contact_address != address:
        Streamer.objects.filter(pk=streamer.pk).update(contact_at=actor.at, contact_address=address)
    return streamer


def _refuse(actor: Actor) -> None:
    address = {"api": actor.origin.address or "unknown"}
    throttle.check_all(address, now=actor.at)
    with transaction.atomic():
        waits: dict[str, Any] = throttle.count_all(address, now=actor.at)
        record(KEY_REFUSED, actor=actor, outcome=Outcome.DENIED, **waits)
