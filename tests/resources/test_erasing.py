"""Deleting a resource with much below it."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from audit.models import Entry
from resources.models import Device, Grant, Input, Push, Recording, Resource, Stream, Streamer, StreamSession
from resources.roles import ResourceRole
from resources.services.devices import create_device
from resources.services.ends import add_end
from resources.services.erasing import ROWS
from resources.services.resources import create_stream, create_streamer, delete_resource
from resources.services.stream_sessions import open_session
from tests.conftest import Make
from tests.resources.conftest import give, recording


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


def filled(make: Make, hostname: str, size: int, vic: Account) -> Resource:
    """A streamer with so many of everything."""
    actor = make.actor()
    streamer = create_streamer(hostname, actor=actor)
    for number in range(size):
        stream = create_stream(f"s-{number}", streamer=streamer, actor=actor)
        card = create_device(streamer, {"name": f"Camera {number}", "card_id": str(number)}, actor=actor)
        add_end(stream, Input(kind="device"), {"device": card}, actor=actor)
        add_end(stream, Push(kind="rtmp"), {"url": "rtmp://live.example.com/app"}, actor=actor)
        session, _new = open_session(stream, name=f"v-{number}", who="vic", actor=actor)
        take = recording(make, session)
        give(vic, take, ResourceRole.VIEWER)
    return streamer


def test_all_below_goes_with_as_many_statements_for_one_as_for_many(
    make: Make, ed: Account, vic: Account, django_capture_on_commit_callbacks: Any
) -> None:
    costs = []
    for size in (1, 12):
        streamer = filled(make, f"origin{size}.example.com", size, vic)
        before = Entry.objects.count()
        with CaptureQueriesContext(connection) as queries, django_capture_on_commit_callbacks(execute=True):
            delete_resource(streamer, actor=make.actor(ed))
        costs.append(len(queries))
        assert Entry.objects.count() - before == 2 * size + 1, "one each for streams and recordings"
        gone = Entry.objects.filter(event="recording.deleted").latest("pk")
        assert gone.details["with_parent"] == streamer.name and "grand rounds" in gone.search_text
    assert costs[0] == costs[1] < 40
    for model in (Resource, Grant, Streamer, Stream, StreamSession, Recording, Device, Input, Push):
        assert not model._default_manager.exists(), model  # type: ignore[attr-defined]


@pytest.mark.postgresql("SQLite has one writer at a time.")
def test_what_lies_below_is_locked_before_it_is_looked_at(make: Make, vic: Account, ed: Account) -> None:
    streamer = filled(make, "origin.example.com", 2, vic)
    with CaptureQueriesContext(connection) as queries:
        delete_resource(streamer, actor=make.actor(ed))
    locks = [query["sql"] for query in queries if "FOR NO KEY UPDATE" in query["sql"]]
    counted = next(place for place, query in enumerate(queries) if "COUNT" in query["sql"])
    assert len(locks) == 5, "itself, streams, sessions, recordings, and the row that heartbeats begin with"
    assert all(" UPDATE" not in query["sql"] for query in list(queries)[counted:])


def test_every_table_that_refers_to_a_resource_is_erased() -> None:
    known = {model for model, _link in ROWS} | {Resource, Streamer}
    parts: list[type[models.Model]] = [Resource, *known]
    for part in parts:
        for link in part._meta.related_objects:
            assert link.related_model in known, f"{link.related_model} refers to {part}"
