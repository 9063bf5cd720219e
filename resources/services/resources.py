"""Creating, editing and deleting resources."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import Count, Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services.editing import own_changes
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change, record_each, values_of
from resources.files import path_of
from resources.models import Grant, Resource, Stream, Streamer
from resources.roles import PARENTS, Action, Kind, ResourceRole
from resources.services.erasing import erase_below, lock_below
from resources.services.rules import MayNot, MayNotCreate, check, fresh, may_create

CREATED = {
    Kind.STREAMER: event("streamer.created", _("Streamer created")),
    Kind.STREAM: event("stream.created", _("Stream created")),
    Kind.SESSION: event("stream_session.opened", _("Stream session opened")),
    Kind.RECORDING: event("recording.created", _("Recording created")),
}
CHANGED = {
    Kind.STREAMER: event("streamer.changed", _("Streamer changed")),
    Kind.STREAM: event("stream.changed", _("Stream changed")),
    Kind.SESSION: event("stream_session.changed", _("Stream session changed")),
    Kind.RECORDING: event("recording.changed", _("Recording changed")),
}
DELETED = {
    Kind.STREAMER: event("streamer.deleted", _("Streamer deleted")),
    Kind.STREAM: event("stream.deleted", _("Stream deleted")),
    Kind.SESSION: event("stream_session.deleted", _("Stream session deleted")),
    Kind.RECORDING: event("recording.deleted", _("Recording deleted")),
}
OWN = ("name", "title")  # what stands in the resource's row; the rest in that of its kind
NAMED = 100  # resources named in an audit entry or a question


class PartNotYours(MayNot):
    """Something below the resource may not be deleted by this person."""

    message = _("Something below this may not be deleted by you. Ask somebody who is Editor on all of it.")


class StillOpen(Refused):
    """Deleted, it would go on unseen: its streamer would report it anew."""

    status = 409
    message = _("This session is open. End it first, and delete it once its streamer has closed it.")


@dataclass(frozen=True)
class Subtree:
    """What deleting a resource takes along: how many of each kind are below it, the first of them, and what forbids it.

    A stream may have had a million sessions: neither the question nor the deletion reads them one by one.
    """

    counts: list[tuple[Kind, int]]
    below: list[Resource]
    not_yours: list[Resource]


def create_streamer(name: str, *, actor: Actor, **values: Any) -> Resource:
    """A new streamer by its hostname. Raises ValidationError for one that is taken, MayNotCreate."""
    return create(Resource(kind=Kind.STREAMER, name=name), Streamer(), values, actor)


def create_stream(name: str, *, streamer: Resource, title: str = "", actor: Actor, **values: Any) -> Resource:
    """A new stream of the streamer. Raises ValidationError for a system name taken there, MayNotCreate."""
    return create(Resource(kind=Kind.STREAM, parent=streamer, name=name, title=title), Stream(), values, actor)


def create(
    resource: Resource, part: Any, values: dict[str, Any], actor: Actor, *, owner: Account | None = None
) -> Resource:
    """A resource with the row of its kind, and its creator as Administrator: ``owner`` where a machine acts for one.

    Raises ValidationError, MayNotCreate.
    """
    kind, who = Kind(resource.kind), actor.account or owner
    resource.created_by_name = actor.names
    facts = {"name": resource.name, "title": resource.title, **values}
    facts |= {resource.parent.kind: str(resource.parent)} if resource.parent else {}
    with change(CREATED[kind], actor=actor, target=resource, **facts) as entry:
        if resource.parent is not None:
            fresh(resource.parent)
        chain = resource.parent is None or Kind(resource.parent.kind) in PARENTS[kind]  # also for the system
        if not chain or not may_create(actor, kind, resource.parent):
            raise MayNotCreate
        _save_unique(resource)
        for name, value in values.items():
            setattr(part, name, value)
        part.resource = resource
        part.save(force_insert=True)
        if isinstance(who, Account):
            entry.details["resource_administrator"] = who.username
            Grant.objects.create(
                resource=resource,
                account=who,
                role=ResourceRole.ADMINISTRATOR,
                reason=str(_("Created it")),
                granted_at=actor.at,
                granted_by_id=who.pk,
                granted_by_name=actor.names,
            )
    return resource


def change_resource(
    resource: Resource, values: dict[str, Any], *, actor: Actor, seen: Mapping[str, Any] | None = None
) -> Resource:
    """Change its fields and those of its kind; only what differs is written and recorded.

    ``seen``: the values that the person saw; what they left so is not theirs to change. Raises EditedMeanwhile where
    somebody else changed the same field to something else, ValidationError for a name that is taken, MayNot, Gone.
    """
    kind = Kind(resource.kind)
    with change(CHANGED[kind], actor=actor, target=resource) as entry:
        current = fresh(resource)
        check(actor, current, Action.EDIT)
        part: models.Model = getattr(current, kind.value)
        theirs = [name for name in values if name not in OWN]
        present = values_of(current, [name for name in values if name in OWN]) | values_of(part, theirs)
        values = own_changes(values, present, seen)
        changes = entry.compare(present, values)
        for name in changes:
            setattr(current if name in OWN else part, name, values[name])
        if changes:
            _save_unique(current, update_fields=[name for name in changes if name in OWN])
        if any(name in changes for name in theirs):
            part.save(update_fields=[name for name in theirs if name in changes])
    return current


def subtree(resource: Resource, *, actor: Actor) -> Subtree:
    """What deleting would take along, counted now; the deletion itself looks again."""
    below = Resource.objects.below(resource.pk)
    counts = dict(below.order_by().values_list("kind").annotate(Count("pk")))
    found = [(kind, counts[kind]) for kind in Kind if kind in counts]
    first = list(below.exclude(kind=Kind.SESSION).order_by("kind", "label_key")[:NAMED])
    if not isinstance(actor.account, Account):
        return Subtree(found, first, [])
    yours = Resource.objects.editable_by(actor.account, at=actor.at).filter(pk=OuterRef("pk"))
    forbidden = below.filter(~Exists(yours)).order_by("kind", "label_key")
    return Subtree(found, first, list(forbidden[:NAMED]))


def delete_resource(resource: Resource, *, actor: Actor) -> Subtree:
    """Delete it and everything below it, each with its own entry under one batch; of sessions only how many.

    Raises MayNot for itself, PartNotYours for something below, StillOpen, Gone.
    """
    batch = secrets.token_hex(8)
    with change(DELETED[Kind(resource.kind)], actor=actor, target=resource, batch=batch) as entry:
        current = fresh(resource)
        check(actor, current, Action.DELETE)
        lock_below(current.pk)
        if current.kind == Kind.SESSION and current.stream_session.is_open:
            raise StillOpen  # with its stream it may go: nothing is reported of a stream that is not there
        found = subtree(current, actor=actor)
        if found.not_yours:
            raise PartNotYours
        below = Resource.objects.below(current.pk).exclude(kind=Kind.SESSION).order_by("kind", "label_key")
        record_each(
            [(DELETED[Kind(row.kind)], row) for row in below], actor=actor, batch=batch, with_parent=str(current)
        )
        entry.details["name"] = current.name
        entry.details["with"] = [str(row) for row in found.below]
        entry.details["below"] = {kind.value: number for kind, number in found.counts}
        recordings = erase_below(current.pk)
        Resource.objects.filter(pk=current.pk).delete()
        for pk in [*recordings, *([current.pk] if current.kind == Kind.RECORDING else [])]:
            transaction.on_commit(partial(path_of(pk).unlink, missing_ok=True))
    return found


def _save_unique(resource: Resource, **how: Any) -> None:
    """Save; two people taking the same name at once is an error under the field for the second, not a crash."""
    try:
        with transaction.atomic():
            resource.save(**how)
    except IntegrityError as error:
        others = Resource.objects.of_kind(Kind(resource.kind)).exclude(pk=resource.pk)
        if resource.kind == Kind.STREAMER and others.filter(name_key=resource.name_key).exists():
            raise ValidationError({"name": _("Another streamer has this hostname.")}) from error
        if others.filter(parent=resource.parent_id, name_key=resource.name_key).exists():
            raise ValidationError({"name": _("Another stream of this streamer has this system name.")}) from error
        raise
