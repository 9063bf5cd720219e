"""The streamer's own API: its key, its configuration, its heartbeat, sessions and recordings."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from api_keys.services.keys import create_key
from audit.models import Entry
from resources.models import Grant, Input, Push, Resource, Streamer, StreamSession
from resources.roles import Kind, ResourceRole
from resources.services.devices import create_device
from resources.services.ends import add_end
from resources.services.resources import create_stream, delete_resource
from resources.services.stream_sessions import end_session, give_up_lost, purge_sessions
from resources.services.streamer_keys import make_key, set_edit_credential
from tests.conftest import Make
from tests.resources.conftest import LOAD, Machine, give

BODY = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR = tmp_path


class TestKey:
    def test_it_is_stored_as_a_digest_and_the_one_before_is_dead(
        self, make: Make, ed: Account, origin: Resource, machine: Machine
    ) -> None:
        assert machine.call("GET", "configuration").status_code == 200
        secret = make_key(origin, actor=make.actor(ed))
        row = Streamer.objects.get(pk=origin.pk)
        assert secret.startswith("agora_streamer_") and secret not in str(vars(row))
        assert secret.startswith(row.key_visible) and len(row.key_visible) < 30
        answer = machine.call("GET", "configuration")
        assert (answer.status_code, answer.json()["code"]) == (401, "unknown_configuration_key")
        assert secret not in str(list(Entry.objects.values()))

    def test_it_opens_nothing_else(self, make: Make, machine: Machine) -> None:
        for address in ("/api/v1/accounts", "/api/v1/me", "/api/v1/me/keys"):
            answer = machine.client.get(address)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), address
        assert machine.client.get("/streamers/").status_code == 302

    def test_no_account_may_call_it_whatever_its_role(self, make: Make, root: Account) -> None:
        _key, secret = create_key(root, "Script", actor=make.actor(root))
        by_key = Client().get("/api/v1/streamer/configuration", headers={"Authorization": f"Bearer {secret}"})
        assert by_key.status_code == 403
        assert make.client(root).get("/api/v1/streamer/configuration").status_code == 403
        nobody = Client().get("/api/v1/streamer/configuration")
        assert nobody.status_code == 401 and "key of a streamer" in nobody.json()["detail"]

    def test_a_cookie_that_comes_along_counts_for_nothing(self, make: Make, root: Account, machine: Machine) -> None:
        machine.client.force_login(root)
        assert machine.client.get("/api/v1/accounts").status_code == 403
        machine.beat()

    def test_guessing_is_slowed_down_and_recorded(self, origin: Resource) -> None:
        client = Client(headers={"Authorization": "Bearer agora_streamer_" + "0" * 40})
        codes = [client.get("/api/v1/streamer/configuration").status_code for _ in range(30)]
        assert codes[0] == 401 and codes[-1] == 429
        assert Entry.objects.filter(event="streamer.key_refused", outcome="denied").exists()


class TestConfiguration:
    def test_all_that_the_streamer_needs_with_its_secrets(
        self, make: Make, root: Account, origin: Resource, studio: Resource, machine: Machine
    ) -> None:
        actor = make.actor(root)
        set_edit_credential(origin, "editor:s3cret", actor=actor)
        card = create_device(origin, {"name": "Camera 1", "card_id": "0", "hardware": "sdi"}, actor=actor)
        srt = {"host": "cam.example.com", "port": 9000, "secret": "open sesame now"}
        add_end(studio, Input(kind="srt"), srt, actor=actor)
        add_end(studio, Input(kind="device"), {"device": card}, actor=actor)
        add_end(studio, Push(kind="multicast"), {"host": "239.1.1.1", "port": 5000, "program": 2}, actor=actor)
        told = machine.told("GET", "configuration")
        assert (told["hostname"], told["edit_credential"]) == ("origin1.example.com", "editor:s3cret")
        [stream] = told["streams"]
        assert (stream["name"], stream["enabled"], stream["record"]) == ("studio-2", True, False)
        assert [one["kind"] for one in stream["inputs"]] == ["srt", "device"]
        assert stream["inputs"][0]["passphrase"] == "open sesame now"
        assert stream["inputs"][1]["device"] == told["devices"][0]["id"] == card.pk
        assert (stream["pushes"][0]["host"], stream["pushes"][0]["program"]) == ("239.1.1.1", 2)
        stored = str(list(Input.objects.values())) + str(list(Entry.objects.values()))
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM resources_input UNION SELECT edit_credential FROM resources_streamer")
            stored += str(cursor.fetchall())
        assert "s3cret" not in stored and "sesame" not in str(list(Entry.objects.values()))

    def test_an_etag_that_is_known_gets_no_body(
        self, make: Make, root: Account, studio: Resource, machine: Machine
    ) -> None:
        first = machine.call("GET", "configuration")
        again = machine.call("GET", "configuration", **{"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert machine.beat()["configuration"] == first["ETag"]
        create_stream("lobby", streamer=Resource.objects.get(name="origin1.example.com"), actor=make.actor(root))
        assert machine.call("GET", "configuration", **{"If-None-Match": first["ETag"]}).status_code == 200
        assert machine.beat()["configuration"] != first["ETag"]

    def test_streams_of_others_are_not_in_it(self, studio: Resource, elsewhere: Machine) -> None:
        assert elsewhere.told("GET", "configuration")["streams"] == []

    def test_it_costs_the_same_queries_with_one_and_with_eleven_streams(
        self, make: Make, origin: Resource, studio: Resource, machine: Machine
    ) -> None:
        def cost() -> int:
            with CaptureQueriesContext(connection) as queries:
                machine.told("GET", "configuration")
            return len(queries)

        machine.told("GET", "configuration")
        one = cost()
        for number in range(10):
            create_stream(f"s{number}", streamer=origin, actor=make.actor())
        assert cost() == one


class TestHeartbeat:
    def test_load_streams_inputs_and_pushes(
        self, make: Make, origin: Resource, studio: Resource, machine: Machine
    ) -> None:
        one = add_end(studio, Input(kind="publish"), {}, actor=make.actor())
        push = add_end(studio, Push(kind="rtmp"), {"url": "rtmp://live.example.com/app"}, actor=make.actor())
        stream = {"name": "studio-2", "state": "running", "input_bitrate": 4_000_000, "clients": 7}
        ends = {"inputs": [{"id": one.pk, "state": "active"}], "pushes": [{"id": push.pk, "state": "retrying"}]}
        machine.beat(streams=[stream | ends, {"name": "no-such", "state": "error"}])
        row = Streamer.objects.get(pk=origin.pk)
        assert {name: getattr(row, name) for name in LOAD} == LOAD
        assert row.contact(timezone.now()) == "ok"
        fresh = Resource.objects.with_facts().get(pk=studio.pk).stream
        assert (fresh.state, fresh.input_bitrate, fresh.clients) == ("running", 4_000_000, 7)
        assert (Input.objects.get().state, Push.objects.get().state) == ("active", "retrying")

    def test_what_another_streamer_says_of_them_counts_for_nothing(
        self, make: Make, studio: Resource, machine: Machine, elsewhere: Machine
    ) -> None:
        one = add_end(studio, Input(kind="publish"), {}, actor=make.actor())
        session = machine.open()["id"]
        told = elsewhere.beat(
            streams=[{"name": "studio-2", "state": "error", "inputs": [{"id": one.pk, "state": "error"}]}],
            sessions=[{"id": session, "bytes": 9}],
        )
        assert told["unknown"] == [session]
        assert (Input.objects.get().state, StreamSession.objects.get().bytes) == ("", 0)
        assert Resource.objects.with_facts().get(pk=studio.pk).stream.state == ""

    def test_two_minutes_without_a_contact_are_no_contact(self, origin: Resource, machine: Machine) -> None:
        assert Streamer.objects.get().contact(timezone.now()) == "never"
        machine.beat()
        row, now = Streamer.objects.get(), timezone.now()
        assert row.contact(now + timedelta(seconds=110)) == "ok"
        assert row.contact(now + timedelta(minutes=2, seconds=1)) == "lost"

    @pytest.mark.parametrize(
        "wrong",
        [
            {"cpu": 101}, {"cpu": -1}, {"cpu": "NaN"}, {"clients": -1}, {"clients": 2**31}, {"running_streams": None},
            {"streams": [{"name": "studio-2", "state": "dancing"}]}, {"sessions": [{"id": 0}]},
            {"sessions": [{"id": 1, "bytes": -1}]}, {"sessions": [{"id": 2**70}]},
            {"streams": [{"name": "studio-2", "state": "error", "problem": "a\x00b"}]},
        ],
    )  # fmt: skip
    def test_figures_that_make_no_sense_are_refused(
        self, wrong: dict[str, object], studio: Resource, machine: Machine
    ) -> None:
        answer = machine.call("POST", "heartbeat", LOAD | wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")

    def test_it_costs_the_same_queries_with_one_and_with_eleven_sessions(
        self, studio: Resource, vic: Account, machine: Machine
    ) -> None:
        def cost(ids: list[int]) -> int:
            with CaptureQueriesContext(connection) as queries:
                machine.beat(sessions=[{"id": pk} for pk in ids])
            return len(queries)

        ids = [machine.open("v-0", user="vic")["id"]]
        machine.beat()
        one = cost(ids)
        ids += [machine.open(f"v-{number}", user="vic")["id"] for number in range(1, 11)]
        assert cost(ids) == one


class TestSessions:
    def test_opened_seen_and_closed(self, studio: Resource, vic: Account, machine: Machine) -> None:
        made = machine.call(
            "POST", "sessions",
            {"stream": "studio-2", "id": "v-1", "user": "VIC", "address": "192.0.2.9", "protocol": "hls"},
        )  # fmt: skip
        assert made.status_code == 201 and made.json()["allowed"] is True
        pk = made.json()["id"]
        resource = Resource.objects.with_facts().get(pk=pk)
        session = resource.stream_session
        assert (resource.kind, resource.parent, resource.title) == (Kind.SESSION, studio, "vic · studio-2")
        assert (session.account, session.who, session.address) == (vic, "vic", "192.0.2.9")
        assert Grant.objects.get(resource=pk).role == ResourceRole.ADMINISTRATOR, "who creates it administers it"
        again = machine.call("POST", "sessions", {"stream": "studio-2", "id": "v-1", "user": "vic"})
        assert (again.status_code, again.json()["id"]) == (200, pk)
        machine.beat(sessions=[{"id": pk, "bytes": 5_000}])
        closed = machine.told("POST", f"sessions/{pk}/close", {"bytes": 7_000, "cause": "left"})
        assert closed["cause"] == "left"
        session.refresh_from_db()
        assert (session.bytes, session.is_open) == (7_000, False)
        assert machine.told("POST", f"sessions/{pk}/close", {"cause": "error"})["cause"] == "left", "the first counts"
        assert machine.beat(sessions=[{"id": pk}])["unknown"] == [pk]
        events = Entry.objects.of_target("stream_session", pk).order_by("id").values_list("event", "actor_name")
        who = "streamer origin1.example.com"
        assert list(events) == [("stream_session.opened", who), ("stream_session.closed", who)]

    def test_its_user_gets_no_role_on_it_without_the_right_to_make_one(
        self, studio: Resource, nell: Account, otto: Account, machine: Machine
    ) -> None:
        give(nell, studio, ResourceRole.VIEWER)
        assert machine.open("a", user="nell")["allowed"] is True
        assert machine.open("b", user="otto")["allowed"] is True
        assert machine.open("c", user="nobody-of-ours")["allowed"] is None
        assert not Grant.objects.filter(resource__kind=Kind.SESSION).exists()

    def test_who_may_not_see_the_stream_is_to_be_ended(self, studio: Resource, nell: Account, machine: Machine) -> None:
        told = machine.open(user="nell")
        assert told["allowed"] is False and "gives None" in told["reason"]
        assert machine.beat(sessions=[{"id": told["id"]}])["end"] == [told["id"]]
        assert machine.told("POST", f"sessions/{told['id']}/close")["cause"] == "not_allowed"
        assert machine.beat()["end"] == []

    def test_a_right_that_is_lost_ends_it_at_the_next_heartbeat(
        self, studio: Resource, vic: Account, connie: Account, machine: Machine
    ) -> None:
        first, second = machine.open("a", user="vic")["id"], machine.open("b", user="connie")["id"]
        assert machine.beat()["end"] == []
        give(vic, studio, ResourceRole.NONE)
        assert machine.beat()["end"] == [first]
        Account.objects.filter(pk=connie.pk).update(is_active=False)
        assert machine.beat()["end"] == [first, second]
        entry = Entry.objects.filter(event="stream_session.end_asked").latest("pk")
        assert (entry.actor_name, entry.details["cause"]) == ("sessions", "not_allowed")
        assert "inactive" in entry.details["why"]

    def test_ending_asks_the_streamer_and_closes_when_it_says_so(
        self, make: Make, studio: Resource, ed: Account, machine: Machine
    ) -> None:
        pk = machine.open()["id"]
        resource = Resource.objects.get(pk=pk)
        assert end_session(resource, actor=make.actor(ed)).is_ending
        assert end_session(resource, actor=make.actor(ed)).is_ending
        assert Entry.objects.filter(event="stream_session.end_asked").count() == 1
        assert machine.beat(sessions=[{"id": pk}])["end"] == [pk]
        machine.told("POST", f"sessions/{pk}/close", {"cause": "left"})
        session = StreamSession.objects.get()
        assert (session.cause, session.cause_label) == ("ended", "Ended by ed")

    def test_what_is_not_reported_is_given_up_and_comes_back_when_it_is(
        self, studio: Resource, machine: Machine
    ) -> None:
        pk, now = machine.open()["id"], timezone.now()
        assert give_up_lost(now=now + timedelta(minutes=9)) == 0
        assert give_up_lost(now=now + timedelta(minutes=11)) == 1
        assert StreamSession.objects.get().cause == "lost"
        assert machine.beat(sessions=[{"id": pk, "bytes": 3}])["unknown"] == []
        assert StreamSession.objects.get().is_open
        give_up_lost(now=now + timedelta(minutes=22))
        assert machine.open()["id"] == pk
        assert StreamSession.objects.get().is_open

    def test_a_heartbeat_says_when_it_was_seen_and_its_bytes_never_shrink(
        self, studio: Resource, machine: Machine
    ) -> None:
        pk, later = machine.open()["id"], timezone.now() + timedelta(minutes=9)
        for sent, kept in ((300, 300), (200, 300), (301, 301)):
            later += timedelta(seconds=30)
            with time_machine.travel(later, tick=False):
                machine.beat(sessions=[{"id": pk, "bytes": sent}])
            session = StreamSession.objects.get()
            assert (session.last_seen_at, session.bytes) == (later, kept)
        assert give_up_lost(now=later + timedelta(minutes=9)) == 0
        assert give_up_lost(now=later + timedelta(minutes=11)) == 1

    def test_publishing_needs_editor_at_the_beginning_and_at_every_heartbeat(
        self, studio: Resource, vic: Account, ed: Account, machine: Machine
    ) -> None:
        assert machine.open("a", user="vic", direction="publish")["allowed"] is False
        assert machine.open("b", user="ed", direction="play")["allowed"] is True
        told = machine.open("c", user="ed", direction="publish")
        assert told["allowed"] is True
        machine.told("POST", f"sessions/{StreamSession.objects.get(resource__name='a').pk}/close")
        give(ed, studio, ResourceRole.VIEWER)
        assert machine.beat()["end"] == [told["id"]], "playing goes on"

    def test_an_id_is_that_of_one_user_only(
        self, studio: Resource, vic: Account, nell: Account, machine: Machine
    ) -> None:
        first = {"stream": "studio-2", "id": "v-1", "user": "vic"}
        assert machine.open(user="vic")["allowed"] is True
        for other in ({"user": "nell"}, {"user": ""}, {"user": "unknown"}, {"direction": "publish"}):
            answer = machine.call("POST", "sessions", first | other)
            assert (answer.status_code, answer.json()["code"]) == (409, "id_used"), other
        assert machine.open(user="VIC")["allowed"] is True
        assert machine.open("v-2", user="nell")["allowed"] is False

    def test_a_session_that_is_over_is_never_told_again(self, studio: Resource, vic: Account, machine: Machine) -> None:
        pk = machine.open(user="vic")["id"]
        machine.told("POST", f"sessions/{pk}/close")
        again = machine.call("POST", "sessions", {"stream": "studio-2", "id": "v-1", "user": "vic"})
        assert (again.status_code, again.json()["code"]) == (409, "id_used")
        assert machine.open("v-2", user="vic")["closed_at"] is None

    def test_a_lost_one_comes_back_for_a_day_only(self, studio: Resource, machine: Machine) -> None:
        with time_machine.travel("2026-11-21T12:00:00Z", tick=False) as clock:
            pk = machine.open()["id"]
            give_up_lost(now=timezone.now() + timedelta(minutes=11))
            clock.shift(timedelta(hours=25))
            assert machine.beat(sessions=[{"id": pk}])["unknown"] == [pk]
            assert machine.call("POST", "sessions", {"stream": "studio-2", "id": "v-1"}).status_code == 409

    def test_old_ones_are_removed_but_not_what_a_recording_came_from(self, studio: Resource, machine: Machine) -> None:
        first, second, third = (machine.open(name)["id"] for name in "abc")
        for pk in (first, second):
            machine.told("POST", f"sessions/{pk}/close")
        machine.told("POST", "recordings", {"stream": "studio-2", "session": second, "id": "r"})
        assert purge_sessions(now=timezone.now() + timedelta(days=364)) == 0
        assert purge_sessions(now=timezone.now() + timedelta(days=366)) == 1
        assert sorted(Resource.objects.of_kind(Kind.SESSION).values_list("pk", flat=True)) == [second, third]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"id": ""}, {"id": "../x"}, {"id": "UPPER"}, {"id": "a" * 101}, {"stream": ""}, {"address": "nowhere"},
            {"direction": "sideways"}, {"protocol": "carrier pigeon"}, {"user": "a\x00b"}, {"user": "u" * 151},
            {"address": 5}, {"stream": "a\x00b"}, {"user": "cod\u202eexe"},
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, wrong: dict[str, object], studio: Resource, machine: Machine) -> None:
        answer = machine.call("POST", "sessions", {"stream": "studio-2", "id": "v-1"} | wrong)
        assert answer.status_code == 422
        assert not StreamSession.objects.exists()

    def test_other_streamers_sessions_and_other_kinds_ids_are_not_there(
        self, make: Make, origin: Resource, studio: Resource, machine: Machine, elsewhere: Machine
    ) -> None:
        pk = machine.open()["id"]
        stolen = elsewhere.call("POST", "sessions", {"stream": "studio-2", "id": "v-2"})
        assert stolen.status_code == 404
        for other, caller in ((pk, elsewhere), (studio.pk, machine), (origin.pk, machine), (10**15, machine)):
            assert caller.call("POST", f"sessions/{other}/close", {}).status_code == 404
        assert StreamSession.objects.get().is_open


def test_deleting_the_streamer_refuses_its_key(make: Make, origin: Resource, machine: Machine) -> None:
    delete_resource(origin, actor=make.actor())
    assert machine.call("GET", "configuration").status_code == 401


def test_a_contact_is_written_down_every_ten_seconds_at_most(origin: Resource, machine: Machine) -> None:
    with time_machine.travel("2026-11-21T12:00:00Z", tick=False) as clock:
        machine.told("GET", "configuration")
        first = Streamer.objects.get().contact_at
        clock.shift(5)
        machine.told("GET", "configuration")
        assert Streamer.objects.get().contact_at == first
        clock.shift(6)
        machine.told("GET", "configuration")
        assert Streamer.objects.get().contact_at == first + timedelta(seconds=11)
