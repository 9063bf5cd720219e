"""Who changes a session or deletes its stream gets along with the heartbeat that names it: nobody waits in a ring."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Account
from resources.models import Resource, Streamer, StreamSession
from resources.models.stream_session import Cause
from resources.services.erasing import lock_below
from resources.services.recordings import fail_recording, start_recording
from resources.services.reports import StreamReport, heartbeat
from resources.services.resources import delete_resource
from resources.services.rules import fresh
from resources.services.stream_sessions import close_session, end_session, open_session
from tests.conftest import Make
from tests.resources.conftest import LOAD

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql("SQLite has one writer at a time."),
]
HELD = 0.4  # seconds: a heartbeat of one session takes milliseconds


@pytest.fixture
def session(make: Make, studio: Resource) -> Resource:
    return open_session(studio, name="v-1", actor=make.actor())[0]


@contextmanager
def beating(make: Make, session: Resource, *, first: Callable[[], object]) -> Iterator[None]:
    """A transaction that has done ``first`` when a heartbeat of the session's streamer comes, and then the block."""
    failures: list[BaseException] = []
    streamer = Streamer.objects.select_related("resource").get()

    def beat() -> None:
        report = {"studio-2": StreamReport({"state": "running", "problem": ""})}
        try:
            heartbeat(streamer, LOAD, report, {session.pk: 4711}, actor=make.actor())
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=beat)
    with transaction.atomic():
        first()
        thread.start()
        time.sleep(HELD)
        yield
    thread.join(20)
    assert not failures and not thread.is_alive()


def closes(session: Resource, make: Make, who: Account) -> None:
    close_session(session, Cause.LEFT, sent=4711, actor=make.actor())


def ends(session: Resource, make: Make, who: Account) -> None:
    end_session(session, actor=make.actor(who))


@pytest.mark.parametrize("change", [closes, ends])
def test_a_session_is_changed_while_a_heartbeat_names_it(
    change: Any, make: Make, ed: Account, session: Resource
) -> None:
    with beating(make, session, first=lambda: fresh(session)):
        change(session, make, ed)
    row = StreamSession.objects.get()
    assert row.bytes == 4711 and (row.closed_at or row.end_asked_at)


def test_a_stream_is_deleted_while_its_streamer_reports(make: Make, ed: Account, session: Resource) -> None:
    stream = session.parent
    assert stream is not None
    with beating(make, session, first=lambda: lock_below(stream.pk)):
        delete_resource(stream, actor=make.actor(ed))
    assert not StreamSession.objects.exists()
    assert Streamer.objects.get().clients == LOAD["clients"]


def test_a_recording_is_finished_while_its_stream_is_deleted(
    make: Make, studio: Resource, ed: Account, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    made, _new = start_recording(studio, "r-1", actor=make.actor())
    failures: list[BaseException] = []

    def fails() -> None:
        try:
            with transaction.atomic():
                fresh(made)
                locked.set()
                time.sleep(HELD)
                fail_recording(made, reason="Disk error", actor=make.actor())
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    locked, thread = threading.Event(), threading.Thread(target=fails)
    thread.start()
    locked.wait(20)
    delete_resource(studio, actor=make.actor(ed))
    thread.join(20)
    assert not failures and not Resource.objects.filter(pk=made.pk).exists()
