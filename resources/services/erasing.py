"""Erasing what lies below a resource: a few statements, however much it is."""

from django.db import models

from resources.models import Device, Grant, Input, Push, Recording, Resource, Stream, Streamer, StreamSession
from resources.roles import Kind

# Each with what leads from its rows to the resource. A model that refers to one of these must stand before it.
ROWS: tuple[tuple[type[models.Model], str], ...] = (
    (Grant, "resource"),
    (Input, "stream"),
    (Push, "stream"),
    (Device, "streamer"),
    (Stream, "resource"),
    (StreamSession, "resource"),
    (Recording, "resource"),
)


def lock_below(pk: int) -> None:
    """From now on nothing is made from what lies below and nothing of it is changed, for both lock its row first; nor
    by a heartbeat of its streamer, which begins with the streamer's own row."""
    for kind in (Kind.STREAM, Kind.SESSION, Kind.RECORDING):  # from above, so that each finds all that there is
        rows = Resource.objects.below(pk).of_kind(kind).order_by("pk").select_for_update(no_key=True)
        list(rows.values_list("pk", flat=True))
    links = ("pk", "parent", "parent__parent", "parent__parent__parent")
    above = [one for one in Resource.objects.values_list(*links).get(pk=pk) if one is not None]
    # Last: whoever edits a streamer locks these in the same order.
    list(Streamer.objects.filter(pk__in=above).select_for_update(no_key=True).values_list("pk", flat=True))


def erase_below(pk: int) -> list[int]:
    """Erase all that lies below. Returns the ids of the recordings, whose files are to go once that is committed.

    By statements of its own: Django's deletion reads each row and asks each table again for every few hundred of them,
    minutes for the sessions of a busy stream.
    """
    below = Resource.objects.below(pk)
    recordings = list(below.of_kind(Kind.RECORDING).values_list("pk", flat=True))
    for model, link in ROWS:
        _erase(model._default_manager.filter(**{f"{link}__in": below.values("pk")}))
    _erase(Resource.objects.filter(pk__in=below.values("pk")))
    return recordings


def _erase(rows: models.QuerySet[models.Model]) -> None:
    rows._raw_delete(rows.db)
