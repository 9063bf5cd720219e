"""Every change to the inputs and pushes of a stream."""

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.services.editing import own_changes
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change, values_of
from resources.models import Input, Push, Resource
from resources.roles import Action, Kind
from resources.services.rules import Gone, check, fresh

ADDED = {
    Input: event("stream.input_added", _("Input added to a stream")),
    Push: event("stream.push_added", _("Push added to a stream")),
}
CHANGED = {
    Input: event("stream.input_changed", _("Input of a stream changed")),
    Push: event("stream.push_changed", _("Push of a stream changed")),
}
REMOVED = {
    Input: event("stream.input_removed", _("Input removed from a stream")),
    Push: event("stream.push_removed", _("Push removed from a stream")),
}
MOVED = {
    Input: event("stream.input_moved", _("Inputs of a stream put in another order")),
    Push: event("stream.push_moved", _("Pushes of a stream put in another order")),
}
MOST = 32  # of each, at one stream
End = Input | Push


class TooManyEnds(Refused):
    status = 409
    message = _("A stream has at most 32 inputs and 32 pushes. Remove one first.")


def add_end(stream: Resource, end: End, values: dict[str, Any], *, actor: Actor) -> End:
    """A new input or push, behind the others. Raises ValidationError, TooManyEnds, MayNot, Gone."""
    with change(ADDED[type(end)], actor=actor, target=stream) as entry:
        current = _fresh(stream, actor)
        others = list(type(end).objects.of_stream(stream.pk))
        if len(others) >= MOST:
            raise TooManyEnds
        _set(end, current, values)
        end.stream_id, end.position = stream.pk, others[-1].position + 1 if others else 0
        end.save(force_insert=True)
        entry.details |= {"what": str(end), "passphrase": bool(end.secret)}
    return end


def change_end(
    stream: Resource,
    end: End,
    values: dict[str, Any],
    *,
    actor: Actor,
    seen: Mapping[str, Any] | None = None,
    places: Collection[str] = (),
) -> End:
    """Only what differs is written and recorded; of a passphrase only that it is another one. ``seen`` as in
    ``own_changes``; a passphrase goes nowhere but to the ``places`` that were seen with it.

    Raises EditedMeanwhile, ValidationError, MayNot, Gone.
    """
    with change(CHANGED[type(end)], actor=actor, target=stream) as entry:
        current = _fresh(stream, actor)
        found = _one(end)
        before, was = values_of(found, [name for name in values if name != "secret"]), found.secret
        values = own_changes(values, before, seen, together={*places, "secret"} if places else ())
        plain = [name for name in values if name != "secret"]
        _set(found, current, values)
        changes = entry.compare(_said(before), _said({name: values[name] for name in plain}))
        replaced = "secret" in values and values["secret"] != was
        if replaced:
            entry.silent = False
            entry.details["passphrase_replaced"] = bool(values["secret"])
        entry.details["what"] = str(found)
        if changes or replaced:
            found.save()
    return found


def remove_end(stream: Resource, end: End, *, actor: Actor) -> None:
    """Raises MayNot, Gone."""
    with change(REMOVED[type(end)], actor=actor, target=stream, what=str(end)):
        _fresh(stream, actor)
        _one(end).delete()


def move_end(stream: Resource, end: End, *, up: bool, actor: Actor) -> None:
    """One place up or down; at either end nothing happens. Raises MayNot, Gone."""
    with change(MOVED[type(end)], actor=actor, target=stream) as entry:
        _fresh(stream, actor)
        rows = list(type(end).objects.of_stream(stream.pk))
        place = next((number for number, row in enumerate(rows) if row.pk == end.pk), None)
        if place is None:
            raise Gone
        other = place + (-1 if up else 1)
        before = [str(row) for row in rows]
        if 0 <= other < len(rows):
            rows[place], rows[other] = rows[other], rows[place]
        entry.compare({"order": before}, {"order": [str(row) for row in rows]})
        for number, row in enumerate(rows):
            if row.position != number:
                type(end).objects.filter(pk=row.pk).update(position=number)


def _fresh(stream: Resource, actor: Actor) -> Resource:
    current = fresh(stream)
    if current.kind != Kind.STREAM:
        raise Gone
    check(actor, current, Action.EDIT)
    return current


def _one(end: End) -> End:
    """As it is now. Raises Gone."""
    found: End | None = type(end).objects.filter(pk=end.pk, stream=end.stream_id).first()
    if found is None:
        raise Gone
    return found


def _set(end: End, stream: Resource, values: dict[str, Any]) -> None:
    device = values.get("device")
    if device is not None and device.streamer_id != stream.parent_id:
        raise ValidationError({"device": _("This device belongs to another streamer. Choose one of this stream's.")})
    for name, value in values.items():
        setattr(end, name, value)


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if name == "device" and value else value for name, value in values.items()}
