"""Recordings over the streamer's own API: begun, handed over, done; nothing is kept that did not arrive whole."""

import base64
import hashlib
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from audit.models import Entry
from resources.files import path_of
from resources.models import Recording, Resource, Stream, Streamer
from resources.services.recordings import give_up_lost
from resources.services.resources import create_stream
from tests.conftest import Make
from tests.resources.conftest import Machine

BODY = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


class TestRecordings:
    def start(self, machine: Machine, **more: object) -> Any:
        return machine.told("POST", "recordings", {"stream": "studio-2", "id": "r-1"} | more)

    def test_begun_handed_over_and_done(self, make: Make, vic: Account, studio: Resource, machine: Machine) -> None:
        made = self.start(machine, title="Grand rounds")
        assert (made["state"], self.start(machine)["id"]) == ("recording", made["id"])
        assert make.client(vic).get(f"/recordings/{made['id']}/download/").status_code == 409
        early = machine.call("POST", f"recordings/{made['id']}/done", {"state": "ready"})
        assert (early.status_code, early.json()["code"]) == (409, "file_not_here")
        digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
        sent = machine.told("PUT", f"recordings/{made['id']}/file", BODY, **{"Content-Digest": f"sha-256=:{digest}:"})
        assert (sent["size"], sent["checksum"], sent["state"]) == (
            len(BODY), hashlib.sha256(BODY).hexdigest(), "recording",
        )  # fmt: skip
        assert machine.told("POST", f"recordings/{made['id']}/done", {"state": "ready", "duration": 61.5})["state"] == (
            "ready"
        )
        file = Resource.objects.with_facts().get(pk=made["id"]).recording
        assert (file.duration, file.file_name) == (timedelta(seconds=61.5), "r-1")
        card = make.client(vic).get(f"/recordings/{made['id']}/").content.decode()
        assert "0:01:02" in card and f'<a href="/streams/{studio.pk}/">' in card
        assert make.client(vic).get(f"/recordings/{made['id']}/download/").getvalue() == BODY
        events = Entry.objects.of_target("recording", made["id"]).order_by("id").values_list("event", flat=True)
        wanted = ["recording.created", "recording.finished", "recording.uploaded", "recording.finished"]  # denied first
        assert list(events) == wanted
        late = machine.call("PUT", f"recordings/{made['id']}/file", BODY)
        assert (late.status_code, late.json()["code"]) == (409, "already_done")

    def test_said_again_after_a_lost_answer_it_stays_so(self, studio: Resource, machine: Machine) -> None:
        ready, failed = self.start(machine)["id"], self.start(machine, id="r-2")["id"]
        machine.told("PUT", f"recordings/{ready}/file", BODY)
        for _time in range(2):
            told = machine.told("POST", f"recordings/{ready}/done", {"state": "ready", "duration": 2})
            assert (told["state"], told["size"]) == ("ready", len(BODY))
            assert machine.told("POST", f"recordings/{failed}/done", {"state": "failed"})["state"] == "failed"
        assert Entry.objects.filter(event__in=["recording.finished", "recording.failed"]).count() == 2
        turned = machine.call("POST", f"recordings/{ready}/done", {"state": "failed"})
        assert (turned.status_code, turned.json()["code"]) == (409, "already_done")

    def test_of_a_session(self, studio: Resource, machine: Machine) -> None:
        session = machine.open()["id"]
        made = self.start(machine, session=session)
        assert Resource.objects.get(pk=made["id"]).parent_id == session
        machine.told("PUT", f"recordings/{made['id']}/file", b"x")

    def test_failed_with_its_reason(
        self, studio: Resource, machine: Machine, django_capture_on_commit_callbacks: Any
    ) -> None:
        made = self.start(machine)
        machine.told("PUT", f"recordings/{made['id']}/file", BODY)
        with django_capture_on_commit_callbacks(execute=True):
            machine.told("POST", f"recordings/{made['id']}/done", {"state": "failed", "reason": "Disk error"})
        file = Resource.objects.with_facts().get(pk=made["id"]).recording
        assert (file.state, file.failure, file.size) == ("failed", "Disk error", 0)
        assert not path_of(made["id"]).exists()

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}, 422),
            ({"Content-Digest": "sha-256=:AAAA:"}, 400),
            ({"Content-Length": "7"}, 200),
            ({"Content-Length": ""}, 411),
            ({"Content-Length": "many"}, 411),
            ({"Content-Range": "bytes 3-9/10"}, 400),
            ({"Content-Encoding": "gzip"}, 415),
            ({"Content-Encoding": "identity"}, 200),
        ],
    )
    def test_only_what_arrived_whole_is_kept(
        self, headers: dict[str, str], status: int, studio: Resource, machine: Machine
    ) -> None:
        made = self.start(machine)
        answer = machine.call("PUT", f"recordings/{made['id']}/file", BODY[:7], **headers)
        assert answer.status_code == status
        kept = [path.name for path in path_of(0).parent.glob("*")]
        assert kept == ([str(made["id"])] if status == 200 else [])

    def test_an_empty_file_is_none(self, studio: Resource, machine: Machine) -> None:
        made = self.start(machine)
        answer = machine.call("PUT", f"recordings/{made['id']}/file", b"", **{"Content-Length": "0"})
        assert (answer.status_code, "it is empty" in answer.json()["detail"]) == (422, True)
        assert machine.call("POST", f"recordings/{made['id']}/done", {"state": "ready"}).status_code == 409
        assert not list(path_of(0).parent.glob("*"))

    def test_of_what_is_done_no_byte_is_read(self, studio: Resource, machine: Machine) -> None:
        made = self.start(machine)
        machine.told("POST", f"recordings/{made['id']}/done", {"state": "failed", "reason": "Disk error"})
        wrong = {"Content-Digest": "sha-256=:" + "A" * 43 + "=:"}
        answer = machine.call("PUT", f"recordings/{made['id']}/file", BODY, **wrong)
        assert (answer.status_code, answer.json()["code"]) == (409, "already_done")

    @pytest.mark.parametrize("wrong", [{"stream": "a\x00b"}, {"title": "cod\u202eexe"}])
    def test_names_that_hide_something_are_refused(
        self, wrong: dict[str, object], studio: Resource, machine: Machine
    ) -> None:
        answer = machine.call("POST", "recordings", {"stream": "studio-2", "id": "r-1"} | wrong)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, next(iter(wrong)))

    def test_a_title_is_what_can_be_read_of_it(self, studio: Resource, machine: Machine) -> None:
        assert self.start(machine, title="  Grand rounds ")["title"] == "Grand rounds"
        assert self.start(machine, id="r-2", title="   ")["title"].startswith("Studio 2, rehearsal 20")

    def test_what_hides_in_a_reason_is_shown(self, studio: Resource, machine: Machine) -> None:
        made = self.start(machine)
        machine.told("POST", f"recordings/{made['id']}/done", {"state": "failed", "reason": "full\u202edisk"})
        assert Recording.objects.get().failure == "full\ufffddisk"
        machine.beat(streams=[{"name": "studio-2", "state": "error", "problem": "no\u200bsignal"}])
        assert Stream.objects.get().problem == "no\ufffdsignal"

    def test_parents_and_ids_of_others_are_not_there(
        self, make: Make, origin: Resource, studio: Resource, machine: Machine, elsewhere: Machine
    ) -> None:
        mine = self.start(machine)["id"]
        session = machine.open()["id"]
        lobby = create_stream("lobby", streamer=origin, actor=make.actor())
        for body, caller in (
            ({"stream": "studio-2", "id": "x"}, elsewhere),
            ({"stream": "lobby", "session": session, "id": "x"}, machine),
            ({"stream": "studio-2", "session": lobby.pk, "id": "x"}, machine),
            ({"stream": "studio-2", "session": mine, "id": "x"}, machine),
            ({"stream": "origin1.example.com", "id": "x"}, machine),
        ):
            assert caller.call("POST", "recordings", body).status_code == 404, body
        for pk, caller in ((mine, elsewhere), (session, machine), (studio.pk, machine), (10**15, machine)):
            assert caller.call("PUT", f"recordings/{pk}/file", b"x").status_code == 404
            assert caller.call("POST", f"recordings/{pk}/done", {"state": "failed"}).status_code == 404
        assert not list(path_of(0).parent.glob("*")) if path_of(0).parent.exists() else True


def test_what_goes_on_without_contact_is_not_called_recording(
    make: Make, vic: Account, studio: Resource, machine: Machine
) -> None:
    session = machine.open()["id"]
    first = machine.told("POST", "recordings", {"stream": "studio-2", "id": "r-1"})["id"]
    second = machine.told("POST", "recordings", {"stream": "studio-2", "session": session, "id": "r-2"})["id"]
    done = machine.told("POST", "recordings", {"stream": "studio-2", "id": "r-3"})["id"]
    machine.told("POST", f"recordings/{done}/done", {"state": "failed"})
    client = make.client(vic)
    pages = ("/recordings/", f"/streams/{studio.pk}/", f"/recordings/{first}/", f"/recordings/{second}/")
    for page in pages:
        assert "No contact" not in client.get(page).content.decode(), page
    Streamer.objects.update(contact_at=timezone.now() - timedelta(minutes=3))
    for page in pages:
        assert "No contact" in client.get(page).content.decode(), page
    assert client.get("/recordings/").content.decode().count("No contact") == 2
    assert "No contact" not in client.get(f"/recordings/{done}/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_off_leaves_nothing(
    live_server: LiveServer, studio: Resource, machine: Machine
) -> None:
    pk = machine.told("POST", "recordings", {"stream": "studio-2", "id": "r-1"})["id"]
    head = (
        f"PUT /api/v1/streamer/recordings/{pk}/file HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n"
        f"Authorization: {machine.client.defaults['HTTP_AUTHORIZATION']}\r\nConnection: close\r\n\r\n"
    )
    port = int(live_server.url.rpartition(":")[2])
    with socket.create_connection(("localhost", port), timeout=20) as line:
        line.sendall(head.encode() + b"z" * 300_000)
        line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(65_536), b""))
    assert b"400 Bad Request" in answer and b"broken_off" in answer
    assert list(path_of(0).parent.iterdir()) == []
    assert Resource.objects.with_facts().get(pk=pk).recording.state == "recording"


def test_a_recording_that_nobody_will_finish_fails_after_a_day(studio: Resource, machine: Machine) -> None:
    of_stream = machine.told("POST", "recordings", {"stream": "studio-2", "id": "r-1"})["id"]
    session = machine.told("POST", "sessions", {"stream": "studio-2", "id": "s-1", "protocol": "srt"})["id"]
    of_session = machine.told("POST", "recordings", {"stream": "studio-2", "session": session, "id": "r-2"})["id"]
    last = Streamer.objects.get(resource__name="origin1.example.com").contact_at
    assert last is not None
    assert give_up_lost(now=last + timedelta(hours=23)) == 0
    assert give_up_lost(now=last + timedelta(hours=25)) == 2
    for pk in (of_stream, of_session):
        recording = Recording.objects.get(pk=pk)
        assert (recording.state, recording.failure) == ("failed", "Its streamer was not heard of for a day.")
        entry = Entry.objects.get(event="recording.failed", target_id=str(pk))
        assert entry.channel == "system"
    assert give_up_lost(now=last + timedelta(hours=26)) == 0
