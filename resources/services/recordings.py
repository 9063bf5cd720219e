"""Recordings with an uploaded file, and deleting the files along."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.base.errors import Refused
from resources.files import Arrived, path_of
from resources.models import Recording, Resource
from resources.models.recording import State
from resources.roles import Kind
from resources.services.resources import create


class DiskFull(Refused):
    status = 507
    message = _("The server’s disk is full: nothing of the upload was kept. Free some space, then upload it again.")


class BrokenOff(Refused):
    status = 400
    message = _("The upload broke off before its end: nothing of it was kept. Upload the file again.")


class FileMissing(Refused):
    status = 409
    message = _("The file of this recording is not on the server’s disk. Restore it from a backup.")


def upload_recording(title: str, file: Arrived, *, parent: Resource | None, actor: Actor) -> Resource:
    """Make a recording of a file that has arrived whole. Raises MayNotCreate."""
    resource = Resource(kind=Kind.RECORDING, parent=parent, title=title)
    facts = {"state": State.READY, "size": file.size, "checksum": file.checksum, "file_name": file.name}
    try:
        with transaction.atomic():
            create(resource, Recording(), facts, actor)
            file.keep(resource.pk)
    except BaseException:
        if resource.pk:
            path_of(resource.pk).unlink(missing_ok=True)
        raise
    return resource


def check_file(resource: Resource) -> None:
    """Raises FileMissing."""
    if not path_of(resource.pk).is_file():
        raise FileMissing
