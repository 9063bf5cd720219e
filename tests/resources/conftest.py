"""One streamer with one stream, made by root, and a way to give roles."""

from datetime import datetime

import pytest
from django.utils import timezone

from accounts.models import Account
from resources.files import ToDisk
from resources.models import Grant, Resource
from resources.roles import ResourceRole
from resources.services.recordings import upload_recording
from resources.services.resources import create_stream, create_streamer
from tests.conftest import Make


@pytest.fixture
def origin(make: Make, root: Account) -> Resource:
    """A streamer."""
    return create_streamer("origin1.example.com", actor=make.actor(root))


@pytest.fixture
def studio(make: Make, root: Account, origin: Resource) -> Resource:
    """A stream of that streamer."""
    return create_stream("studio-2", streamer=origin, title="Studio 2, rehearsal", actor=make.actor(root))


def give(account: Account, resource: Resource, role: ResourceRole, *, ends_at: datetime | None = None) -> Grant:
    """A grant as it stands in the table."""
    return Grant.objects.create(
        account=account,
        resource=resource,
        role=role,
        ends_at=ends_at,
        granted_at=timezone.now(),
        granted_by_name="root",
    )


def recording(make: Make, parent: Resource | None, content: bytes = b"0123456789") -> Resource:
    """A recording with a file on the disk, as an upload leaves it."""
    handler = ToDisk()
    handler.new_file("file", "talk.mp4", "video/mp4", len(content))
    handler.receive_data_chunk(content, 0)
    arrived = handler.file_complete(len(content))
    return upload_recording("Grand rounds", arrived, parent=parent, actor=make.actor())
