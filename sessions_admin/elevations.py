"""Elevations: what a session may do beyond its account for a while, from its start to its end.

The row decides; the session's data only names it. One session has one elevation at a time, so there are no chains.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import UpdateError
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
from django.http import HttpRequest
from django.middleware.csrf import rotate_token
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor, Known
from agora.base.errors import Refused
from audit.events import event
from audit.models import Entry, Outcome
from audit.services import record
from sessions_admin.models import Elevation, ElevationEnd, ElevationKind
from sessions_admin.store import SessionStore

STARTED = {
    ElevationKind.IMPERSONATION: event("impersonation.started", _("Impersonation started")),
    ElevationKind.ADMIN_MODE: event("admin_mode.started", _("Admin mode started")),
}
ENDED = {
    ElevationKind.IMPERSONATION: event("impersonation.ended", _("Impersonation ended")),
    ElevationKind.ADMIN_MODE: event("admin_mode.ended", _("Admin mode ended")),
}
LONGEST = timedelta(minutes=60)
USED_EVERY = timedelta(seconds=30)  # how often use is written down
DATA_KEY = "elevation"
MOST_NAMED = 100  # things that the entry of an end names
Counts = dict[str, int]


class AlreadyElevated(Refused):
    status = 409
    message = _("This session is in admin mode or acts as somebody else already. Stop that first.")


@dataclass(frozen=True)
class _Account:
    """The one acted as, as the target of an entry."""

    pk: int
    name: str
    audit_type = "account"

    def __str__(self) -> str:
        return self.name


def begin(request: HttpRequest, elevation: Elevation, *, actor: Actor, **details: Any) -> None:
    """Start what ``elevation`` describes, for this session: it goes on under a new key, forms made before are void.

    Raises AlreadyElevated.
    """
    store = store_of(request)
    assert store.row is not None and actor.account is not None
    kind = ElevationKind(elevation.kind)
    elevation.session_id, elevation.account_id = store.row.pk, actor.account.pk
    elevation.account_name = actor.account.get_username()
    elevation.started_at = elevation.last_used_at = actor.at
    elevation.ends_at = actor.at + LONGEST
    with transaction.atomic():
        if DATA_KEY not in store:
            # Its name was lost, by a request that wrote the session's data at the same time: it was of no use any more.
            end_all(Elevation.objects.running().filter(session_id=store.row.pk), ElevationEnd.STOPPED, actor=actor)
        try:
            with transaction.atomic():
                elevation.save(force_insert=True)
        except IntegrityError as error:
            raise AlreadyElevated from error
        _record(STARTED[kind], elevation, actor, reason=elevation.reason, until=elevation.ends_at, **details)
        store.cycle_key()
        store[DATA_KEY] = {"id": elevation.pk, "kind": elevation.kind}
        store.save()
    rotate_token(request)


def running(request: HttpRequest, kind: ElevationKind) -> Elevation | None:
    """The elevation of this kind that this session's data names, when it is this session's and has no end yet.

    What the data names and is not so is forgotten: an old name that came back opens nothing. A request that belongs to
    somebody by other means than the session, such as an API key, is never elevated.
    """
    if getattr(request, "api_key", None) is not None:
        return None  # a key decides alone, whatever cookie came along
    store = store_of(request)
    named = store.get(DATA_KEY) if store.session_key else None
    if named is None or store.row is None or named["kind"] != kind or request.user.pk != store.row.account_id:
        return None
    mine = Elevation.objects.running().filter(session_id=store.row.pk, account_id=request.user.pk or 0)
    found = mine.filter(pk=named["id"], kind=kind).first()
    if found is None:
        del store[DATA_KEY]
    return found


def use(elevation: Elevation, *, at: datetime) -> None:
    """Write down that it is in use, twice a minute at most; an idle limit counts from here."""
    if at - elevation.last_used_at >= USED_EVERY:
        Elevation.objects.running().filter(pk=elevation.pk).update(last_used_at=at)
        elevation.last_used_at = at


def leave(request: HttpRequest, elevation: Elevation, end: ElevationEnd, *, actor: Actor) -> bool:
    """End it here: the session goes on under a new key, forms made meanwhile are void. False when it ended before."""
    store = store_of(request)
    with transaction.atomic():
        ended = end_all(Elevation.objects.running().filter(pk=elevation.pk), end, actor=actor)
        store.pop(DATA_KEY, None)
        with suppress(UpdateError):  # somebody ended the session meanwhile, and this with it
            store.cycle_key()
            store.save()
    rotate_token(request)
    return bool(ended)


def end_all(
    rows: Iterable[Elevation], end: ElevationEnd, *, actor: Actor, at: datetime | None = None
) -> list[Elevation]:
    """End these, each with its entry; returns those that this call ended, not somebody else at the same time."""
    ended = []
    for elevation in rows:
        moment = at or (actor.at if end not in (ElevationEnd.TIME, ElevationEnd.IDLE) else elevation.until)
        with transaction.atomic():
            if not Elevation.objects.running().filter(pk=elevation.pk).update(ended_at=moment, end=end):
                continue
            elevation.ended_at, elevation.end = moment, end
            event_name, told = ENDED[ElevationKind(elevation.kind)], counts([elevation.pk])[elevation.pk]
            _record(event_name, elevation, actor, cause=end, ended_at=moment, **told, touched=touched(elevation.pk))
            ended.append(elevation)
    return ended


def end_of_sessions(session_ids: Any, *, actor: Actor, at: datetime) -> None:
    """With a session ends what it was elevated to, at the same moment. ``session_ids``: some, or a query of them."""
    rows = list(Elevation.objects.running().filter(session_id__in=session_ids))
    for elevation in rows:
        past = elevation.past(at)
        end_all([elevation], past or ElevationEnd.SESSION_ENDED, actor=actor, at=None if past else at)


def write_down_overdue(*, now: datetime) -> int:
    """End what passed its time while nobody asked; returns how many."""
    return sum(
        len(end_all([elevation], elevation.past(now), actor=Actor.system("purge-sessions")))
        for elevation in Elevation.objects.overdue(now).order_by("pk")
    )


def counts(elevation_ids: Iterable[int]) -> dict[int, Counts]:
    """For each: how many changes, openings of others' projects and refusals are recorded under it so far."""
    ids = list(elevation_ids)
    opening, frames = Q(event__endswith=".opened"), {*STARTED.values(), *ENDED.values()}
    entries = Entry.objects.filter(elevation_id__in=ids).exclude(event__in=frames).order_by()
    kinds = {
        "changes": Count("pk", filter=Q(outcome=Outcome.SUCCESS) & ~opening),
        "opened": Count("pk", filter=Q(outcome=Outcome.SUCCESS) & opening),
        "refused": Count("pk", filter=Q(outcome=Outcome.DENIED)),
    }
    told: dict[int, Counts] = {pk: dict.fromkeys(kinds, 0) for pk in ids}
    for pk, *found in entries.values("elevation_id").annotate(**kinds).values_list("elevation_id", *kinds):
        told[pk] = dict(zip(kinds, found, strict=True))
    return told


def touched(elevation_id: int) -> list[str]:
    """What was opened or changed under it, each thing once, at most a hundred of them."""
    frames = {*STARTED.values(), *ENDED.values()}
    entries = Entry.objects.filter(elevation_id=elevation_id, outcome=Outcome.SUCCESS).exclude(event__in=frames)
    things = entries.exclude(target_type="").order_by().values_list("target_type", "target_id").distinct()
    named = things.annotate(name=Max("target_name")).order_by("target_type", "target_id")[:MOST_NAMED]
    return [f"{kind} {pk} {name}".strip() for kind, pk, name in named]


def store_of(request: HttpRequest) -> SessionStore:
    store = request.session
    assert isinstance(store, SessionStore)
    return store


def _record(name: str, elevation: Elevation, actor: Actor, **details: Any) -> None:
    """Start and end belong to what they frame. Done by the superuser they name both; else the one who ended it."""
    actor = replace(actor, elevation_id=elevation.pk)
    who = actor.accountable
    target = _Account(elevation.target_id, elevation.target_name) if elevation.target_id else None
    if target and who and who.pk == elevation.account_id:
        actor = replace(actor, account=Known(target.pk, target.name), impersonator=Known(who.pk, who.get_username()))
    mode: dict[str, Any] = {"mode": elevation.mode} if elevation.mode else {}
    record(name, actor=actor, target=target or elevation, **mode, **details)
