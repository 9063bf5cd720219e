"""The page Sessions, ending one, and what the cards show of what streamers report."""

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry
from resources.models import Grant, Resource, Streamer, StreamSession
from resources.models.stream_session import Cause
from resources.roles import Kind, ResourceRole
from resources.services.resources import create_stream
from resources.services.stream_sessions import close_session, end_session, open_session
from tests.conftest import Make
from tests.resources.conftest import Machine, give


@pytest.fixture
def session(make: Make, studio: Resource) -> Resource:
    made, _new = open_session(studio, name="v-1", address="192.0.2.9", protocol="srt", actor=make.actor())
    return made


def text(client: Client, address: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"<[^>]+>|\s+", " ", client.get(address).content.decode())


def test_the_list_and_its_filters(make: Make, vic: Account, nell: Account, studio: Resource, session: Resource) -> None:
    closed, _new = open_session(studio, who="vic", direction="publish", actor=make.actor())
    StreamSession.objects.filter(pk=closed.pk).update(closed_at=timezone.now(), cause="left")
    client = make.client(vic)

    def rows(query: str = "") -> list[int]:
        page = client.get(f"/stream-sessions/{query}").content.decode()
        return [int(pk) for pk in re.findall(r'<tr id="resource-(\d+)"', page)]

    assert rows() == [closed.pk, session.pk], "the newest first"
    assert rows("?state=open") == rows("?protocol=srt") == rows("?q=192.0.2") == [session.pk]
    assert rows("?state=closed") == rows("?direction=publish") == rows("?q=VIC") == [closed.pk]
    assert rows("?state=ending") == rows("?stream=999999") == []
    assert rows(f"?stream={studio.pk}&order=opened") == [session.pk, closed.pk]
    assert "192.0.2.9" in text(client, "/stream-sessions/") and "The client left" in text(client, "/stream-sessions/")
    assert "No sessions for you" in text(make.client(nell), "/stream-sessions/")
    assert Client().get("/stream-sessions/").status_code == 302


@pytest.mark.parametrize(
    ("granted", "see", "end"),
    [
        (None, 404, 404),
        (ResourceRole.NONE, 404, 404),
        (ResourceRole.VIEWER, 200, 403),
        (ResourceRole.EDITOR, 200, 302),
        (ResourceRole.ADMINISTRATOR, 200, 302),
    ],
)
def test_its_editors_end_it(
    granted: ResourceRole | None, see: int, end: int, make: Make, nell: Account, session: Resource
) -> None:
    if granted:
        give(nell, session, granted)
    client, card = make.client(nell), f"/stream-sessions/{session.pk}/"
    assert client.get(card).status_code == see
    assert (f"{card}end/" in client.get("/stream-sessions/").content.decode()) == (end == 302)
    assert client.post(f"{card}end/").status_code == end
    assert StreamSession.objects.get().is_ending == (end == 302)
    if end == 302:
        assert "Asked for by nell" in text(client, card)
        assert Entry.objects.get(event="stream_session.end_asked").actor_name == "nell"


def test_one_that_has_ended_is_not_ended_again(make: Make, ed: Account, session: Resource) -> None:
    StreamSession.objects.update(closed_at=timezone.now(), cause="left")
    client = make.client(ed)
    assert client.post(f"/stream-sessions/{session.pk}/end/").status_code == 409
    assert "has already ended" in text(client, f"/stream-sessions/{session.pk}/end/")


def test_where_it_leads_back_is_on_this_server(make: Make, ed: Account, session: Resource) -> None:
    address = f"/stream-sessions/{session.pk}/end/"
    evil = make.client(ed).post(address, {"next": "//evil.example/"})
    assert evil.headers["Location"] == f"/stream-sessions/{session.pk}/"


def test_the_id_of_another_kind_is_not_found(make: Make, ada: Account, studio: Resource, session: Resource) -> None:
    client = make.client(ada)
    assert client.post(f"/stream-sessions/{studio.pk}/end/").status_code == 404
    assert client.get(f"/streams/{session.pk}/").status_code == 404
    assert client.get(f"/recordings/{session.pk}/download/").status_code == 404


def test_a_person_makes_one_of_a_stream_that_is_seen(make: Make, vic: Account, otto: Account, studio: Resource) -> None:
    mine, new = open_session(studio, actor=make.actor(vic))
    assert new and Grant.objects.get(resource=mine).role == ResourceRole.ADMINISTRATOR
    assert mine.stream_session.account == vic
    give(vic, studio, ResourceRole.NONE)
    for who in (vic, otto):
        with pytest.raises(Exception, match="does not allow creating"):
            open_session(studio, actor=make.actor(who))
    denied = Entry.objects.filter(event="stream_session.opened", outcome="denied")
    assert sorted(denied.values_list("actor_name", flat=True)) == ["otto", "vic"]


def test_deleting_the_stream_takes_its_sessions(make: Make, ed: Account, studio: Resource, session: Resource) -> None:
    page = text(make.client(ed), f"/streams/{studio.pk}/delete/")
    assert "1 session goes with it" in page
    assert make.client(ed).post(f"/streams/{studio.pk}/delete/").status_code == 302
    assert not Resource.objects.of_kind(Kind.SESSION).exists()


def test_the_cards_show_what_was_reported_and_when_nobody_was_heard(
    make: Make, vic: Account, origin: Resource, studio: Resource, machine: Machine
) -> None:
    client = make.client(vic)
    assert "Never connected" in text(client, "/streamers/")
    assert "Not reported yet" in text(client, f"/streams/{studio.pk}/")
    stream = {"name": "studio-2", "state": "error", "problem": "no <b>signal</b>", "input_bitrate": 6_200_000}
    machine.beat(streams=[stream])
    page = text(client, f"/streamers/{origin.pk}/")
    assert "Connected" in page and "1 of 2" in page and "12 %" in page and "40 %" in page
    page = text(client, f"/streams/{studio.pk}/")
    assert "Error" in page and "6.2 Mbit/s" in page and "&lt;b&gt;signal" in page
    assert "1 of 2 streams" in text(client, "/streamers/")
    assert "edge" not in text(client, "/streamers/?contact=ok") and "origin1" in text(client, "/streamers/?contact=ok")
    Streamer.objects.update(contact_at=timezone.now() - timedelta(minutes=3))
    assert "No contact" in text(client, f"/streamers/{origin.pk}/")
    assert "No contact" in text(client, f"/streams/{studio.pk}/") and "No contact" in text(client, "/streams/")
    assert "No streamer matches" in text(client, "/streamers/?contact=ok")
    assert "origin1" in text(client, "/streamers/?contact=lost")
    assert "No streamer matches" in text(client, "/streamers/?contact=never")


def test_a_disabled_stream_says_so(make: Make, vic: Account, origin: Resource, machine: Machine) -> None:
    create_stream("lobby", streamer=origin, actor=make.actor(), enabled=False)
    machine.beat(streams=[{"name": "lobby", "state": "running"}])
    assert "Disabled" in text(make.client(vic), "/streams/?reported=running")


class TestKeyAndCredential:
    def test_the_key_is_shown_once_with_the_line_to_paste(self, make: Make, ed: Account, origin: Resource) -> None:
        client, address = make.client(ed), f"/streamers/{origin.pk}/key/"
        assert "Make a key" in text(client, address)
        page = client.post(address).content.decode()
        [secret] = set(re.findall(r"agora_streamer_\w{40}", page))
        pull = "http://localhost:8000/api/v1/streamer/configuration"
        line = f'curl --fail-with-body -sS -H "Authorization: Bearer {secret}" "{pull}"'
        assert html.escape(line).replace("&quot;", "&#34;") in page.partition('id="line"')[2]
        assert f'data-copy="{html.escape(line).replace("&quot;", "&#34;")}"' in page
        found = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/streamer/configuration")
        assert found.status_code == 200
        for later in (f"/streamers/{origin.pk}/", f"/streamers/{origin.pk}/history/", address):
            assert secret not in client.get(later).content.decode()
        assert secret[:21] in client.get(f"/streamers/{origin.pk}/").content.decode()

    def test_a_page_loaded_again_kills_no_key(self, make: Make, ed: Account, origin: Resource) -> None:
        client, address = make.client(ed), f"/streamers/{origin.pk}/key/"
        for _round in range(2):
            asked = dict(re.findall(r'name="(seen)" value="([^"]*)"', client.get(address).content.decode()))
            assert set(asked) == {"seen"}
            [secret] = set(re.findall(r"agora_streamer_\w{40}", client.post(address, asked).content.decode()))
            again = client.post(address, asked)
            assert again.status_code == 409 and "that one is still good" in again.content.decode()
            found = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/streamer/configuration")
            assert found.status_code == 200

    def test_the_credential_is_written_and_never_read(self, make: Make, ed: Account, origin: Resource) -> None:
        client, card = make.client(ed), f"/streamers/{origin.pk}/"
        assert client.post(f"{card}credential/", {"credential": ""}).status_code == 422
        assert client.post(f"{card}credential/", {"credential": "user:s3cret"}).status_code == 302
        assert Streamer.objects.get().edit_credential == "user:s3cret"
        for page in (card, f"{card}credential/", f"{card}history/"):
            assert "s3cret" not in client.get(page).content.decode()
        assert "s3cret" not in str(list(Entry.objects.values()))
        assert client.post(f"{card}credential/remove/").status_code == 302
        row = Streamer.objects.get()
        assert (row.edit_credential, row.edit_credential_set_at) == ("", None)
        events = Entry.objects.filter(event__startswith="streamer.credential").order_by("pk")
        assert [one.event for one in events] == ["streamer.credential_set", "streamer.credential_removed"]

    def test_they_are_for_editors_as_themselves(
        self, make: Make, vic: Account, nell: Account, studio: Resource, origin: Resource
    ) -> None:
        for path in ("key/", "credential/", "credential/remove/"):
            assert make.client(vic).post(f"/streamers/{origin.pk}/{path}").status_code == 403
            assert make.client(nell).post(f"/streamers/{origin.pk}/{path}").status_code == 404
            assert make.client(vic).post(f"/streamers/{studio.pk}/{path}").status_code == 404
        assert Streamer.objects.get().key_digest == ""


def test_a_key_that_waits_two_minutes_is_out_of_contact_on_the_page(
    make: Make, vic: Account, origin: Resource, machine: Machine
) -> None:
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False) as clock:
        client = make.client(vic)
        machine.beat()
        clock.shift(119)
        assert "Connected" in text(client, f"/streamers/{origin.pk}/").replace("Connected Applications", "")
        clock.shift(2)
        assert "No contact" in text(client, f"/streamers/{origin.pk}/")


def test_asking_to_delete_a_stream_costs_the_same_with_one_and_with_eleven_sessions(
    make: Make, ed: Account, studio: Resource, session: Resource
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/streams/{studio.pk}/delete/")
        return len(queries)

    client = make.client(ed)
    client.get(f"/streams/{studio.pk}/delete/")
    one = cost()
    for number in range(10):
        open_session(studio, name=f"w-{number}", actor=make.actor())
    assert cost() == one
    give(ed, session, ResourceRole.VIEWER)
    page = text(client, f"/streams/{studio.pk}/delete/")
    assert "can’t be deleted by you" in page and "Session 192.0.2.9" in page
    assert client.post(f"/streams/{studio.pk}/delete/").status_code == 403
    Grant.objects.filter(resource=session).delete()
    assert client.post(f"/streams/{studio.pk}/delete/").status_code == 302
    entry = Entry.objects.get(event="stream.deleted", outcome="success")
    assert entry.details["below"] == {"stream_session": 11}
    assert not Entry.objects.filter(event="stream_session.deleted").exists()


def test_an_open_session_is_ended_before_it_is_deleted(make: Make, ed: Account, session: Resource) -> None:
    client, address = make.client(ed), f"/stream-sessions/{session.pk}/delete/"
    answer = client.post(address)
    assert answer.status_code == 409 and "End it first" in answer.text
    end_session(session, actor=make.actor(ed))
    assert client.post(address).status_code == 409, "asked for, not yet closed"
    close_session(session, Cause.LEFT, sent=0, actor=make.actor())
    assert client.post(address).status_code == 302
