"""One streamer with one stream, made by root, and a way to give roles."""

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from agora.base.actor import Actor
from resources.files import ToDisk
from resources.models import Grant, Resource
from resources.roles import ResourceRole
from resources.services.recordings import upload_recording
from resources.services.resources import create_stream, create_streamer
from resources.services.streamer_keys import make_key
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


class Machine:
    """A streamer with its configuration key, as it calls its own API."""

    def __init__(self, resource: Resource, actor: Actor) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {make_key(resource, actor=actor)}"})

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        text = body if isinstance(body, bytes) else json.dumps(body or {})
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        return self.client.generic(method, f"/api/v1/streamer/{path}", text, content_type=kind, headers=headers)

    def told(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """The answer's JSON, which must be a success."""
        answer = self.call(method, path, body, **headers)
        assert answer.status_code in (200, 201), answer.content
        return json.loads(answer.content)

    def beat(self, **values: object) -> Any:
        return self.told("POST", "heartbeat", LOAD | values)

    def open(self, name: str = "v-1", **values: object) -> Any:
        return self.told("POST", "sessions", {"stream": "studio-2", "id": name} | values)


LOAD = {"running_streams": 1, "configured_streams": 2, "clients": 3, "cpu": 12.5, "disk": 40}


@pytest.fixture
def machine(make: Make, root: Account, origin: Resource) -> Machine:
    """The streamer itself."""
    return Machine(origin, make.actor(root))


@pytest.fixture
def elsewhere(make: Make, root: Account) -> Machine:
    """Another streamer."""
    return Machine(create_streamer("edge1.example.com", actor=make.actor(root)), make.actor(root))
