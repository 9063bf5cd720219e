"""Every change to the devices of a streamer, recorded as its own: the streamer's history shows them."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.services.editing import own_changes
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change, values_of
from resources.models import Device, Resource
from resources.roles import Action, Kind
from resources.services.rules import Gone, MayNotCreate, check, fresh

CREATED = event("device.created", _("Device created"))
CHANGED = event("device.changed", _("Device changed"))
DELETED = event("device.deleted", _("Device deleted"))
FIELDS = ("name", "hardware", "card_id", "vendor", "raw")


class DeviceInUse(Refused):
    status = 409
    message = _("A stream takes its picture from this device. Remove that input first.")


def create_device(streamer: Resource, values: dict[str, Any], *, actor: Actor) -> Device:
    """A new device of the streamer. Raises ValidationError for a name taken there, MayNot, Gone."""
    device = Device(streamer=streamer, **values)
    with change(CREATED, actor=actor, target=streamer, what=device.name, **values):
        current = fresh(streamer)
        if current.kind != Kind.STREAMER:
            raise MayNotCreate
        check(actor, current, Action.EDIT)
        _save_unique(device)
    return device


def change_device(
    device: Device, values: dict[str, Any], *, actor: Actor, seen: Mapping[str, Any] | None = None
) -> Device:
    """Only what differs is written and recorded; ``seen`` as in ``own_changes``.

    Raises EditedMeanwhile, ValidationError for a name taken there, MayNot, Gone.
    """
    with change(CHANGED, actor=actor, target=device.streamer, what=device.name) as entry:
        current = _fresh(device, actor)
        present = values_of(current, values)
        values = own_changes(values, present, seen)
        for name in entry.compare(present, values):
            setattr(current, name, values[name])
        if not entry.silent:
            _save_unique(current)
    return current


def delete_device(device: Device, *, actor: Actor) -> None:
    """Raises DeviceInUse while a stream takes its picture from it, MayNot, Gone."""
    with change(DELETED, actor=actor, target=device.streamer, what=device.name):
        current = _fresh(device, actor)
        if current.inputs.exists():
            raise DeviceInUse
        current.delete()


def _fresh(device: Device, actor: Actor) -> Device:
    """The device as it is now, its streamer's row locked until the transaction ends."""
    streamer = fresh(device.streamer)
    check(actor, streamer, Action.EDIT)
    current = Device.objects.filter(pk=device.pk).select_related("streamer").first()
    if current is None:
        raise Gone
    return current


def _save_unique(device: Device) -> None:
    try:
        with transaction.atomic():
            device.save()
    except IntegrityError as error:
        others = Device.objects.filter(streamer=device.streamer_id, name_key=device.name_key).exclude(pk=device.pk)
        if others.exists():
            raise ValidationError({"name": _("Another device of this streamer has this name.")}) from error
        raise
