"""Recordings: files up and down in constant memory, and what is not kept when something goes wrong."""

import hashlib
import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from audit.models import Entry
from resources.files import ToDisk, part, path_of
from resources.models import Grant, Recording, Resource
from resources.roles import Kind, ResourceRole
from resources.services.recordings import sweep_files, upload_recording
from resources.services.resources import create
from resources.services.rules import MayNotCreate
from resources.services.stream_sessions import open_session
from tests.conftest import Make
from tests.resources.conftest import give, recording

BODY = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


def kept() -> list[str]:
    folder = path_of(0).parent
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def send(client: Client, name: str = "talk.mp4", content: bytes = BODY, **fields: object) -> Any:
    file = SimpleUploadedFile(name, content)
    file.name = name  # as hostile as it is
    return client.post("/recordings/new/", {"title": "Grand rounds", "file": file, "whole": "on"} | fields)


def test_upload_and_download(make: Make, connie: Account, studio: Resource) -> None:
    client = make.client(connie)
    answer = send(client, parent=studio.pk)
    made = Resource.objects.get(kind="recording")
    assert answer.headers["Location"] == f"/recordings/{made.pk}/"
    file = made.recording
    assert (file.state, file.size, file.file_name) == ("ready", len(BODY), "talk.mp4")
    assert file.checksum == hashlib.sha256(BODY).hexdigest()
    assert Grant.objects.get(resource=made).role == ResourceRole.ADMINISTRATOR
    assert Entry.objects.get(event="recording.created").details["checksum"] == file.checksum
    down = client.get(f"/recordings/{made.pk}/download/")
    assert down.getvalue() == BODY
    assert (down.headers["Content-Length"], down.headers["ETag"]) == (str(len(BODY)), f'"{file.checksum}"')
    assert down.headers["Content-Disposition"] == 'attachment; filename="talk.mp4"'
    assert kept() == [str(made.pk)]


def test_who_may_upload(
    make: Make, otto: Account, nell: Account, vic: Account, connie: Account, studio: Resource
) -> None:
    for nobody in (otto, nell):
        assert send(make.client(nobody)).status_code == 403
    assert send(Client()).status_code == 302
    assert send(make.client(vic)).status_code == 422, "Viewers make recordings from streams that they see"
    give(vic, studio, ResourceRole.NONE)
    assert send(make.client(vic), parent=studio.pk).status_code == 422
    assert kept() == []
    assert send(make.client(connie)).status_code == 302
    Grant.objects.filter(account=vic).delete()
    assert send(make.client(vic), parent=studio.pk).status_code == 302


def test_of_a_session_that_is_seen(make: Make, vic: Account, nell: Account, studio: Resource) -> None:
    session, _new = open_session(studio, name="v-1", actor=make.actor())
    client = make.client(vic)
    assert (
        f'href="/recordings/new/?session={session.pk}"'
        in client.get(f"/stream-sessions/{session.pk}/").content.decode()
    )
    address = f"/recordings/new/?session={session.pk}"
    file = SimpleUploadedFile("talk.mp4", BODY)
    assert client.post(address, {"title": "x", "file": file, "whole": "on", "parent": session.pk}).status_code == 302
    assert Resource.objects.of_kind(Kind.RECORDING).get().parent == session
    give(vic, session, ResourceRole.NONE)
    file.seek(0)
    assert client.post(address, {"title": "x", "file": file, "whole": "on", "parent": session.pk}).status_code == 422
    assert len(kept()) == 1


def test_a_parent_of_another_kind_is_refused(make: Make, connie: Account, studio: Resource, origin: Resource) -> None:
    client, made = make.client(connie), recording(make, studio)
    session, _new = open_session(studio, name="v-1", actor=make.actor())
    for parent in (origin.pk, made.pk, session.pk, 10**15, "x", f"{studio.pk} OR 1=1"):
        assert send(client, parent=parent).status_code == 422, parent
    for query in (f"session={studio.pk}", "session=../1", f"session={origin.pk}", "session=9999999999999999999"):
        file = SimpleUploadedFile("talk.mp4", BODY)
        sent = {"title": "x", "file": file, "whole": "on", "parent": studio.pk}
        assert client.post(f"/recordings/new/?{query}", sent).status_code == 422, query
    assert kept() == [str(made.pk)]
    for parent in (origin, made):
        for actor in (make.actor(connie), make.actor()):
            with pytest.raises(MayNotCreate):
                create(Resource(kind=Kind.RECORDING, parent=parent, title="x"), Recording(), {}, actor)


def test_the_token_is_still_asked_for(make: Make, connie: Account) -> None:
    client = make.client(connie, enforce_csrf_checks=True)
    assert send(client).status_code == 403
    assert (kept(), Resource.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a/../../b", "x" * 300, "ä\r\nX: y"]
)
def test_the_name_of_a_file_is_no_path(name: str, make: Make, connie: Account) -> None:
    client = make.client(connie)
    answer = send(client, name)
    if answer.status_code == 302:
        made = Resource.objects.get()
        assert "/" not in made.recording.file_name and "\\" not in made.recording.file_name
        down = client.get(f"/recordings/{made.pk}/download/")
        assert "\n" not in down.headers["Content-Disposition"]
        assert kept() == [str(made.pk)]
    else:
        assert (answer.status_code, kept()) == (422, [])
    assert [path.name for path in settings.DATA_DIR.iterdir()] in ([], ["files"])


def test_two_files_and_no_file(make: Make, connie: Account) -> None:
    client = make.client(connie)
    assert client.post("/recordings/new/", {"title": "x", "whole": "on"}).status_code == 422
    assert send(client, content=b"").status_code == 422
    send(client, file=[SimpleUploadedFile("a", b"a"), SimpleUploadedFile("b", b"b")])
    assert len(kept()) == Resource.objects.count() <= 1


def test_an_upload_without_its_end_is_not_kept(make: Make, connie: Account) -> None:
    client = make.client(connie)
    answer = client.post("/recordings/new/", {"title": "x", "file": SimpleUploadedFile("a", b"half")})
    assert answer.status_code == 400 and "broke off" in answer.content.decode()
    assert (kept(), Resource.objects.count()) == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_off_leaves_nothing(live_server: LiveServer, make: Make, connie: Account) -> None:
    key = make.client(connie).cookies[settings.SESSION_COOKIE_NAME].value
    head = (
        "POST /recordings/new/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n"
        f"Cookie: {settings.SESSION_COOKIE_NAME}={key}\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nhalf\r\n'
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    )
    port = int(live_server.url.rpartition(":")[2])
    with socket.create_connection(("localhost", port), timeout=20) as connection:
        connection.sendall(head.encode() + b"z" * 300_000)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass
    assert (kept(), Resource.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("wanted", "status", "first", "last"),
    [
        ("bytes=0-3", 206, 0, 3),
        ("bytes=4-", 206, 4, 9),
        ("bytes=-3", 206, 7, 9),
        ("bytes=-99", 206, 0, 9),
        ("bytes=8-99", 206, 8, 9),
        ("bytes=0-9", 206, 0, 9),
        ("bytes=10-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=5-4", 200, 0, 9),
        ("bytes=0-1,4-5", 200, 0, 9),
        ("bytes=-", 200, 0, 9),
        ("lines=1-2", 200, 0, 9),
        ("bytes=٣-", 200, 0, 9),
        (f"bytes={'9' * 40}-", 200, 0, 9),
    ],
)
def test_ranges(wanted: str, status: int, first: int, last: int, make: Make, vic: Account) -> None:
    made = recording(make, None)
    down = make.client(vic).get(
        f"/recordings/{made.pk}/download/", headers={"Range": wanted.encode().decode("latin-1")}
    )
    assert down.status_code == status
    if status == 416:
        assert down.headers["Content-Range"] == "bytes */10"
        return
    assert down.getvalue() == b"0123456789"[first : last + 1]
    assert down.headers["Content-Length"] == str(last - first + 1)
    assert down.headers.get("Content-Range") == (f"bytes {first}-{last}/10" if status == 206 else None)


def test_a_range_of_another_version_gives_the_whole_and_a_known_one_nothing(make: Make, vic: Account) -> None:
    made, client = recording(make, None), make.client(vic)
    address, etag = f"/recordings/{made.pk}/download/", f'"{made.recording.checksum}"'
    assert client.get(address, headers={"Range": "bytes=0-1", "If-Range": '"old"'}).getvalue() == b"0123456789"
    assert client.get(address, headers={"Range": "bytes=0-1", "If-Range": etag}).getvalue() == b"01"
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    head = client.head(address)
    assert (head.headers["Content-Length"], head.getvalue()) == ("10", b"")


def test_part_of_an_empty_file() -> None:
    assert part("", 0) is None
    assert part("bytes=0-", 0) == (1, 0)


def test_a_file_that_is_gone_from_the_disk_is_said(make: Make, vic: Account) -> None:
    made = recording(make, None)
    path_of(made.pk).unlink()
    answer = make.client(vic).get(f"/recordings/{made.pk}/download/")
    assert answer.status_code == 409 and "not on the server’s disk" in answer.content.decode()


def test_a_file_of_another_size_is_not_handed_out(make: Make, vic: Account) -> None:
    made, client = recording(make, None), make.client(vic)
    path_of(made.pk).write_bytes(b"0123")
    for address in (f"/recordings/{made.pk}/download/", f"/api/v1/recordings/{made.pk}/file"):
        answer = client.get(address)
        assert answer.status_code == 409 and "Restore it from a backup" in answer.content.decode()


def test_download_is_for_those_who_see_it(make: Make, nell: Account, otto: Account) -> None:
    made = recording(make, None)
    address = f"/recordings/{made.pk}/download/"
    assert make.client(nell).get(address).status_code == 404
    give(nell, made, ResourceRole.VIEWER)
    give(otto, made, ResourceRole.NONE)
    assert make.client(nell).get(address).getvalue() == b"0123456789"
    assert make.client(otto).get(address).status_code == 404
    assert Client().get(address).status_code == 302


def test_deleting_asks_for_the_title_and_takes_the_file(
    make: Make, connie: Account, django_capture_on_commit_callbacks: Any
) -> None:
    made, client = recording(make, None), make.client(connie)
    address = f"/recordings/{made.pk}/delete/"
    assert client.post(address, {"title": "grand rounds"}).status_code == 422
    assert kept() == [str(made.pk)]
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(address, {"title": "Grand rounds"}).headers["Location"] == "/recordings/"
    assert (kept(), Resource.objects.count()) == ([], 0)
    assert Entry.objects.get(event="recording.deleted").target_name == "Grand rounds"


@pytest.mark.parametrize(("title", "typed"), [("Grand  rounds", "Grand rounds"), ("Cafe\u0301 talk", "Caf\u00e9 talk")])
def test_the_title_is_typed_as_it_is_read(make: Make, connie: Account, title: str, typed: str) -> None:
    client = make.client(connie)
    send(client, title=title)
    made = Resource.objects.get(title=title)
    assert client.post(f"/recordings/{made.pk}/delete/", {"title": typed.lower()}).status_code == 422
    assert client.post(f"/recordings/{made.pk}/delete/", {"title": typed}).status_code == 302


def test_deleting_the_streamer_takes_the_files_below_it(
    make: Make, ed: Account, studio: Resource, origin: Resource, django_capture_on_commit_callbacks: Any
) -> None:
    made, client, address = recording(make, studio), make.client(ed), f"/streamers/{origin.pk}/delete/"
    question = client.get(address).content.decode()
    assert "1 stream goes with it" in question and "Type “origin1.example.com” to delete all" in question
    for wrong in ({}, {"title": "Grand rounds"}):
        answer = client.post(address, wrong)
        assert answer.status_code == 422 and "1 recording goes with it" in answer.content.decode()
    assert kept() == [str(made.pk)]
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(address, {"title": "origin1.example.com"}).status_code == 302
    assert kept() == []


def test_the_list_and_its_filters(make: Make, vic: Account, studio: Resource) -> None:
    made, client = recording(make, studio), make.client(vic)
    page = client.get("/recordings/?state=ready&q=ROUNDS").content.decode()
    assert f'id="resource-{made.pk}"' in page and "Studio 2, rehearsal" in page and "10 Bytes" in page
    assert "No recording matches" in client.get("/recordings/?state=failed").content.decode()
    assert '<td class="dim">Viewer</td>' in page


def test_what_killed_processes_left_is_swept_after_an_hour(make: Make) -> None:
    made = recording(make, None)
    folder = path_of(0).parent
    (folder / "arriving-dead").write_bytes(b"half a recording")
    (folder / "arriving-alive").write_bytes(b"still growing")
    (folder / str(10**12)).write_bytes(b"of a recording that this database does not know")
    later = timezone.now() + timedelta(hours=2)
    alive = later.timestamp() - 60
    os.utime(folder / "arriving-alive", (alive, alive))
    assert sweep_files(now=timezone.now()) == 0
    assert sweep_files(now=later) == 1
    assert kept() == sorted([str(made.pk), "arriving-alive", str(10**12)])
    entry = Entry.objects.get(event="recording.swept")
    assert (entry.actor_name, entry.details) == ("files", {"removed": 1, "bytes": 16})
    assert sweep_files(now=later) == 0
    assert Entry.objects.filter(event="recording.swept").count() == 1


def test_an_upload_that_is_refused_is_recorded(make: Make, nell: Account, studio: Resource) -> None:
    handler = ToDisk()
    handler.new_file("file", "talk.mp4", "video/mp4", 3)
    handler.receive_data_chunk(b"abc", 0)
    try:
        with pytest.raises(MayNotCreate):
            upload_recording("Talk", handler.file_complete(3), parent=studio, actor=make.actor(nell))
    finally:
        handler.drop()
    entry = Entry.objects.get(event="recording.created")
    assert (entry.outcome, entry.actor_name, entry.details["code"]) == ("denied", "nell", "may_not_create")
