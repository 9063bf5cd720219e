"""Recordings: uploaded by people, or made by a streamer that hands over the file; and what killed processes left."""

import contextlib
import errno
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import fold
from audit.events import event
from audit.services import change, record
from resources.files import Arrived, left_behind, path_of
from resources.models import Recording, Resource, Streamer
from resources.models.recording import State
from resources.models.streamer import SILENT
from resources.roles import PARENTS, Kind
from resources.services.resources import create
from resources.services.rules import Gone, MayNotCreate, fresh

UPLOADED = event("recording.uploaded", _("File of a recording arrived"))
FINISHED = event("recording.finished", _("Recording finished"))
FAILED = event("recording.failed", _("Recording failed"))
LOST_AFTER = timedelta(days=1)  # without any word of its streamer
NOT_HEARD_OF = "Its streamer was not heard of for a day."

SWEPT = event("recording.swept", _("What was left of uploads removed"))


class DiskFull(Refused):
    status = 507
    message = _("The server’s disk is full: nothing of the upload was kept. Free some space, then upload it again.")


def disk_full(error: OSError) -> DiskFull:
    """The refusal for an error of the disk. Raises the error itself where it is another one, which nobody can mend."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    return DiskFull()


class BrokenOff(Refused):
    status = 400
    message = _("The upload broke off before its end: nothing of it was kept. Upload the file again.")


class FileMissing(Refused):
    status = 409
    message = _("The file of this recording is not on the server’s disk. Restore it from a backup.")


class FileDamaged(Refused):
    status = 409
    message = _(
        "The file of this recording on the server’s disk is not the one that arrived. Restore it from a backup."
    )


class NotReady(Refused):
    status = 409
    message = _("This recording has no file to download: it goes on, or it has failed.")


class FileNotHere(Refused):
    status = 409
    message = _("The file of this recording has not arrived yet. Send it first, then say that the recording is done.")


class AlreadyDone(Refused):
    status = 409
    message = _("This recording is ready or has failed already: it can’t be changed any more.")


def upload_recording(title: str, file: Arrived, *, parent: Resource | None, actor: Actor) -> Resource:
    """Make a recording of a file that has arrived whole. Raises MayNotCreate."""
    resource = Resource(kind=Kind.RECORDING, parent=parent, title=title)
    facts = {"state": State.READY, "size": file.size, "checksum": file.checksum, "file_name": file.name}
    failure = None
    try:
        with transaction.atomic():
            try:
                create(resource, Recording(), facts, actor)
            except Refused as refusal:
                failure = refusal  # raised outside, or its record in the audit log would be undone
            else:
                file.keep(resource.pk)
    except BaseException:
        if resource.pk:
            path_of(resource.pk).unlink(missing_ok=True)
        raise
    if failure:
        raise failure
    return resource


def start_recording(parent: Resource, name: str, *, title: str = "", actor: Actor) -> tuple[Resource, bool]:
    """A streamer began to record this stream or session; the same one when it says so again. Tells whether it is new.

    ``name`` is what the streamer calls it. Raises MayNotCreate, Gone.
    """
    with transaction.atomic():
        source = fresh(parent)
        if Kind(source.kind) not in PARENTS[Kind.RECORDING]:
            raise MayNotCreate
        known = Resource.objects.children_of([source.pk]).of_kind(Kind.RECORDING).filter(name_key=fold(name))
        found = known.select_related("recording").first()
        if found is not None:
            return found, False
        title = title or f"{source.label} {actor.at:%Y-%m-%d %H:%M}"
        made = Resource(kind=Kind.RECORDING, parent=source, name=name, title=title[:200])
        return create(made, Recording(), {"state": State.RECORDING}, actor), True


def keep_file(resource: Resource, file: Arrived, *, actor: Actor) -> None:
    """The streamer handed over the file; sent again, the newer one counts. Raises AlreadyDone, Gone."""
    with change(UPLOADED, actor=actor, target=resource, size=file.size, checksum=file.checksum):
        recording = _recording(resource)
        recording.size, recording.checksum = file.size or 0, file.checksum
        recording.file_name = f"{safe(resource.name)}"
        recording.save(update_fields=["size", "checksum", "file_name"])
        file.keep(resource.pk)


def finish_recording(resource: Resource, *, duration: timedelta, actor: Actor) -> None:
    """It is complete and its file is here. Said twice, the first counts. Raises FileNotHere, AlreadyDone, Gone."""
    with change(FINISHED, actor=actor, target=resource, duration=str(duration)) as entry:
        if _said_before(resource, State.READY):
            entry.silent = True
            return
        recording = _recording(resource)
        if not recording.checksum or not path_of(resource.pk).is_file():
            raise FileNotHere
        recording.state, recording.duration = State.READY, duration
        recording.save(update_fields=["state", "duration"])


def fail_recording(resource: Resource, *, reason: str, actor: Actor) -> None:
    """There will be no recording; what had arrived of it is removed. Said twice, the first counts.

    Raises AlreadyDone, Gone.
    """
    with change(FAILED, actor=actor, target=resource, failure=reason) as entry:
        if _said_before(resource, State.FAILED):
            entry.silent = True
            return
        recording = _recording(resource)
        recording.state, recording.failure = State.FAILED, reason
        recording.size, recording.checksum = 0, ""
        recording.save(update_fields=["state", "failure", "size", "checksum"])
        transaction.on_commit(lambda: path_of(resource.pk).unlink(missing_ok=True))


def give_up_lost(*, now: datetime) -> int:
    """Fail those whose streamer was not heard of for a day: nobody will say that they are done. Returns how many."""
    lost = _going_on(Streamer.objects.filter(contact_at__lt=now - LOST_AFTER))
    given_up = 0
    for resource in lost:
        with contextlib.suppress(AlreadyDone, Gone):  # it came back in this moment, or somebody deleted it
            fail_recording(resource, reason=NOT_HEARD_OF, actor=Actor.system("recordings"))
            given_up += 1
    return given_up


def without_contact(resources: Iterable[Resource], *, at: datetime) -> set[int]:
    """The ids of those of a page that go on at a streamer without contact: what it says of them may be over."""
    wanted = [row.pk for row in resources if row.kind == Kind.RECORDING and row.recording.state == State.RECORDING]
    silent = _going_on(Streamer.objects.filter(contact_at__lte=at - SILENT)) if wanted else Resource.objects.none()
    return set(silent.filter(pk__in=wanted).values_list("pk", flat=True))


def _going_on(streamers: QuerySet[Streamer]) -> QuerySet[Resource]:
    """The recordings that these streamers have begun and not finished, of their streams or of sessions of these."""
    rows = Resource.objects.of_kind(Kind.RECORDING).filter(recording__state=State.RECORDING)
    above = streamers.values("pk")
    return rows.filter(Q(parent__parent__in=above) | Q(parent__parent__parent__in=above))


def _said_before(resource: Resource, state: State) -> bool:
    """Did the streamer say so already, and not get the answer? What people uploaded was never said."""
    current = fresh(resource)
    return bool(current.name) and current.recording.state == state


def _recording(resource: Resource) -> Recording:
    current = fresh(resource)
    check_goes_on(current)
    return current.recording


def safe(name: str) -> str:
    """As a file name: what a streamer calls it, without what a path or a shell would take for its own."""
    return re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.")[:100]


def check_goes_on(resource: Resource) -> None:
    """Before a file is taken: looked at again when it has arrived. Raises AlreadyDone."""
    if resource.recording.state != State.RECORDING:
        raise AlreadyDone


def recording_of(streamer: int, pk: int) -> Resource:
    """A recording of one of this streamer's streams or their sessions. Raises Gone."""
    rows = Resource.objects.of_kind(Kind.RECORDING).select_related("recording", "parent__parent")
    found = rows.filter(pk=pk).exclude(parent=None).first()
    above: Any = found
    while above is not None and above.kind != Kind.STREAMER:
        above = above.parent
    if found is None or above is None or above.pk != streamer:
        raise Gone
    return found


def check_file(resource: Resource) -> None:
    """Raises NotReady, FileMissing, FileDamaged: cut off, say, by a copy of the data folder that broke off."""
    if resource.recording.state != State.READY:
        raise NotReady
    if not path_of(resource.pk).is_file():
        raise FileMissing
    if path_of(resource.pk).stat().st_size != resource.recording.size:
        raise FileDamaged


def sweep_files(*, now: datetime) -> int:
    """Remove what killed processes left of uploads. Returns how many files.

    Never the file of a recording, known here or not: a server started with the wrong database must delete nothing.
    """
    removed = size = 0
    for path in left_behind(now):
        with contextlib.suppress(FileNotFoundError):  # its upload ended in between
            found = path.stat().st_size
            path.unlink()
            removed, size = removed + 1, size + found
    if removed:
        record(SWEPT, actor=Actor.system("files"), removed=removed, bytes=size)
    return removed
