"""Resources over the API: lists, one, changing, deleting, uploads."""

import hashlib
import json
import socket
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from api_keys.services.keys import create_key
from audit.models import Entry
from resources.files import path_of
from resources.models import Grant, Input, Push, Resource
from resources.roles import Kind, ResourceRole
from resources.services.devices import create_device
from resources.services.ends import add_end
from resources.services.resources import create_stream
from tests.conftest import Make
from tests.resources.conftest import Machine, give, recording

N, V, E, A = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR
API = "/api/v1"


def send(client: Client, method: str, address: str, body: object = None, **headers: str) -> HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    text = "" if body is None else json.dumps(body)
    response: HttpResponse = client.generic(
        method, f"{API}{address}", text, content_type="application/json", headers=named
    )
    return response


def told(response: HttpResponse) -> Any:
    return json.loads(response.content)


def upload(client: Client, query: str, content: bytes, **extra: Any) -> HttpResponse:
    response: HttpResponse = client.generic(
        "POST", f"{API}/recordings?{query}", content, content_type="application/octet-stream", **extra
    )
    return response


@pytest.mark.parametrize("hidden", ["%00", "%0D%0A", "%E2%80%AE"])
def test_a_file_name_that_hides_something_is_refused(
    make: Make, connie: Account, studio: Resource, hidden: str
) -> None:
    answer = upload(make.client(connie), f"title=Talk&parent={studio.pk}&file_name=a{hidden}b.mp4", b"x")
    assert (answer.status_code, json.loads(answer.content)["errors"][0]["field"]) == (422, "file_name")


def test_lists_hold_what_one_may_see_with_ones_role(
    make: Make, vic: Account, nell: Account, origin: Resource, studio: Resource
) -> None:
    grant = give(nell, studio, E)
    items = told(send(make.client(nell), "GET", "/streams"))["items"]
    assert [(one["id"], one["name"], one["title"], one["streamer"], one["your_role"]) for one in items] == [
        (studio.pk, "studio-2", "Studio 2, rehearsal", origin.pk, "editor")
    ]
    assert told(send(make.client(nell), "GET", "/streamers"))["items"] == []
    give(vic, origin, N)
    assert told(send(make.client(vic), "GET", "/streamers"))["items"] == []
    Grant.objects.filter(pk=grant.pk).update(ends_at=grant.granted_at)
    assert told(send(make.client(nell), "GET", "/streams"))["items"] == []


def test_filters_order_and_cursors(make: Make, vic: Account, origin: Resource) -> None:
    for name in ("a1", "b2", "c3"):
        create_stream(name, streamer=origin, enabled=name != "b2", actor=make.actor())
    recording(make, None)
    client = make.client(vic)

    def names(query: str) -> list[str]:
        return [one["name"] for one in told(send(client, "GET", f"/streams?{query}"))["items"]]

    assert names("order=-name&limit=2") == ["c3", "b2"]
    assert names("enabled=false") == ["b2"]
    assert names(f"streamer={origin.pk}&q=C3") == ["c3"]
    assert names(f"streamer={origin.pk + 99}") == []
    first = told(send(client, "GET", "/streams?limit=2"))
    assert names(f"limit=2&after={first['next']}") == ["c3"]
    assert [one["state"] for one in told(send(client, "GET", "/recordings?state=ready"))["items"]] == ["ready"]
    assert [one["place"] for one in told(send(client, "GET", "/streamers?place=origin"))["items"]] == ["origin"]
    for wrong in ("order=size", "enabled=maybe", "streamer=x", "streamer=0", "limit=201", "after=x"):
        assert send(client, "GET", f"/streams?{wrong}").status_code in (400, 422), wrong


def test_a_child_is_made_from_a_parent_that_is_seen(
    make: Make, vic: Account, otto: Account, origin: Resource, studio: Resource
) -> None:
    client = make.client(vic)
    made = send(client, "POST", "/streams", {"streamer": origin.pk, "name": "lobby"}, Idempotency_Key="a")
    assert made.status_code == 201, made.content
    assert made["Location"] == f"{API}/streams/{told(made)['id']}"
    assert told(made)["your_role"] == "administrator"
    again = send(client, "POST", "/streams", {"streamer": origin.pk, "name": "lobby"}, Idempotency_Key="a")
    assert told(again) == told(made)
    taken = send(client, "POST", "/streams", {"streamer": origin.pk, "name": "LOBBY"})
    assert (taken.status_code, told(taken)["errors"][0]["field"]) == (422, "name")
    give(vic, origin, N)
    for parent in (origin.pk, studio.pk, 10**9):
        answer = send(client, "POST", "/streams", {"streamer": parent, "name": "attic"})
        assert (answer.status_code, told(answer)["errors"][0]["field"]) == (422, "streamer")
    assert send(make.client(otto), "POST", "/streams", {"streamer": origin.pk, "name": "attic"}).status_code == 403
    assert not Resource.objects.filter(name="attic").exists()


def test_what_is_wrong_with_a_hostname_stands_under_its_name(make: Make, ed: Account, origin: Resource) -> None:
    client = make.client(ed)
    other = told(send(client, "POST", "/streamers", {"hostname": "edge1.example.com"}))["id"]
    for wrong in ("https://edge1/", origin.name):
        for method, address in (("POST", "/streamers"), ("PATCH", f"/streamers/{other}")):
            answer = send(client, method, address, {"hostname": wrong})
            found = [one["field"] for one in told(answer)["errors"]]
            assert (answer.status_code, found) == (422, ["hostname"]), (method, wrong)


def test_a_streamer_by_its_hostname_alone(make: Make, ed: Account, vic: Account) -> None:
    made = send(make.client(ed), "POST", "/streamers", {"hostname": "edge1.example.com", "scheme": "http"})
    assert (told(made)["hostname"], told(made)["api_port"], told(made)["place"]) == ("edge1.example.com", 80, "origin")
    again = send(make.client(ed), "POST", "/streamers", {"hostname": "edge1.example.com"})
    assert (again.status_code, told(again)["detail"]) == (422, "Another streamer has this hostname.")
    assert send(make.client(ed), "POST", "/streamers", {"hostname": "https://edge2/"}).status_code == 422
    assert send(make.client(vic), "POST", "/streamers", {"hostname": "edge2.example.com"}).status_code == 403


def test_changing_on_an_old_state_is_refused(make: Make, ed: Account, root: Account, studio: Resource) -> None:
    client, address = make.client(ed), f"/streams/{studio.pk}"
    first = send(client, "GET", address)
    assert send(client, "GET", address, If_None_Match=first["ETag"]).status_code == 304
    changed = send(client, "PATCH", address, {"title": "Studio 2", "recorded": True}, If_Match=first["ETag"])
    assert changed.status_code == 200, changed.content
    assert (told(changed)["title"], told(changed)["recorded"], told(changed)["name"]) == ("Studio 2", True, "studio-2")
    assert Entry.objects.get(event="stream.changed").details["changes"].keys() == {"title", "recorded"}
    for method, body in (("PATCH", {"title": "Mine"}), ("DELETE", None)):
        stale = send(client, method, address, body, If_Match=first["ETag"])
        assert (stale.status_code, told(stale)["code"]) == (412, "changed_since")
    assert send(client, "PATCH", address, {"name": "../etc"}).status_code == 422
    assert send(client, "DELETE", address, If_Match=changed["ETag"]).status_code == 204
    assert not Resource.objects.filter(pk=studio.pk).exists()


def test_404_where_one_may_not_see_and_403_where_one_may_not_act(make: Make, nell: Account, studio: Resource) -> None:
    client, address = make.client(nell), f"/streams/{studio.pk}"
    assert {send(client, method, address, {}).status_code for method in ("GET", "PATCH", "DELETE")} == {404}
    give(nell, studio, V)
    assert send(client, "GET", address).status_code == 200
    for method, body in (("PATCH", {"title": "x"}), ("PATCH", {"name": ".."}), ("DELETE", None)):
        answer = send(client, method, address, body)
        assert (answer.status_code, told(answer)["code"]) == (403, "may_not")
    assert Entry.objects.filter(event="stream.changed", outcome="denied").count() == 1
    assert Entry.objects.filter(event="stream.deleted", outcome="denied").count() == 1


def test_the_id_of_another_kind_is_not_found(make: Make, ada: Account, origin: Resource, studio: Resource) -> None:
    client = make.client(ada)
    for address in (f"/streams/{origin.pk}", f"/streamers/{studio.pk}", f"/recordings/{studio.pk}"):
        for method in ("GET", "PATCH", "DELETE"):
            field = "hostname" if "streamers" in address else "title"
            body = {field: "x"} if method == "PATCH" else None
            assert send(client, method, address, body).status_code == 404
    assert Resource.objects.count() == 2


def test_deleting_a_parent_needs_editor_on_each(make: Make, ed: Account, origin: Resource, studio: Resource) -> None:
    give(ed, studio, V)
    answer = send(make.client(ed), "DELETE", f"/streamers/{origin.pk}")
    assert (answer.status_code, told(answer)["code"]) == (403, "part_not_yours")
    Grant.objects.filter(account=ed).delete()
    assert send(make.client(ed), "DELETE", f"/streamers/{origin.pk}").status_code == 204
    assert not Resource.objects.exists()


def test_an_upload_is_the_body_and_comes_down_again(make: Make, vic: Account, studio: Resource) -> None:
    content = b"moving pictures " * 40_000
    client = make.client(vic)
    made = upload(client, f"title=Grand%20rounds&parent={studio.pk}&file_name=../../talk.mp4", content)
    assert made.status_code == 201, made.content
    told_of = told(made)
    assert (told_of["size"], told_of["file_name"], told_of["parent"]) == (len(content), "talk.mp4", studio.pk)
    assert told_of["checksum"] == hashlib.sha256(content).hexdigest()
    address = f"{API}/recordings/{told_of['id']}/file"
    assert b"".join(client.get(address).streaming_content) == content
    part = client.get(address, headers={"Range": "bytes=7-14"})
    assert (part.status_code, b"".join(part.streaming_content)) == (206, content[7:15])
    assert client.get(address, headers={"If-None-Match": f'"{told_of["checksum"]}"'}).status_code == 304
    assert client.get(address, headers={"Range": "bytes=9999999-"}).status_code == 416
    assert client.get(address, headers={"Range": "Bytes=7-14"}).status_code == 206
    head = client.head(address, headers={"Range": "bytes=7-14"})
    assert (head.status_code, head["Content-Length"]) == (200, str(len(content)))
    for known in ("*", f'"other", W/"{told_of["checksum"]}"'):
        assert client.get(address, headers={"If-None-Match": known}).status_code == 304
    assert send(client, "DELETE", f"/recordings/{told_of['id']}").status_code == 204


@pytest.mark.parametrize("query", ["", "title=", "title=x&parent=0", "title=x&parent=999999", "title=x"])
def test_an_upload_that_is_refused_keeps_nothing(query: str, make: Make, vic: Account, origin: Resource) -> None:
    assert upload(make.client(vic), query, b"0123").status_code == 422
    assert upload(make.client(vic), f"title=x&parent={origin.pk}", b"0123").status_code == 422
    folder = path_of(0).parent
    assert not Resource.objects.of_kind(Kind.RECORDING).exists()
    assert not folder.exists() or not list(folder.glob("arriving-*"))


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_breaks_off_keeps_nothing(live_server: LiveServer, make: Make, ed: Account) -> None:
    _key, secret = create_key(ed, "Script", actor=make.actor(ed))
    head = (
        f"POST {API}/recordings?title=half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n"
        f"Authorization: Bearer {secret}\r\nContent-Type: video/mp4\r\n\r\n"
    )
    answer = b""
    with socket.create_connection(("localhost", int(live_server.url.rpartition(":")[2])), timeout=20) as connection:
        connection.sendall(head.encode() + b"z" * 300_000)
        connection.shutdown(socket.SHUT_WR)
        while piece := connection.recv(65_536):
            answer += piece
    assert b" 400 " in answer and b'"broken_off"' in answer
    assert not Resource.objects.exists()
    assert not list(path_of(0).parent.glob("arriving-*"))


def test_an_upload_without_a_body_is_told_so(make: Make, ed: Account) -> None:
    assert upload(make.client(ed), "title=x", b"").status_code == 411
    empty = upload(make.client(ed), "title=x", b"", CONTENT_LENGTH="0")
    assert (empty.status_code, told(empty)["errors"][0]["code"]) == (422, "empty")
    assert not Resource.objects.exists()


def test_a_key_that_may_only_read_asks_but_changes_nothing(make: Make, ed: Account, studio: Resource) -> None:
    _key, secret = create_key(ed, "Player", read_only=True, actor=make.actor(ed))
    by_key = {"Authorization": f"Bearer {secret}"}
    asked = send(Client(), "POST", "/check", {"questions": [{"resource": studio.pk, "action": "edit"}]}, **by_key)
    assert told(asked)["answers"][0]["allowed"] is True
    refused = send(Client(), "PATCH", f"/streams/{studio.pk}", {"title": "x"}, **by_key)
    assert (refused.status_code, told(refused)["code"]) == (403, "read_only_key")


def test_stream_sessions_are_listed_and_ended(
    make: Make, ed: Account, vic: Account, studio: Resource, machine: Machine
) -> None:
    told_of = machine.open("v-1", user="vic", address="192.0.2.9", protocol="hls")
    address = f"/stream-sessions/{told_of['id']}"
    items = told(send(make.client(vic), "GET", f"/stream-sessions?stream={studio.pk}&state=open"))["items"]
    assert [(one["id"], one["who"], one["address"], one["state"]) for one in items] == [
        (told_of["id"], "vic", "192.0.2.9", "open")
    ]
    assert items[0]["your_role"] == "administrator", "who opened it"
    otto = make.account("otto", role="observer")
    assert send(make.client(otto), "POST", f"{address}/end").status_code == 403
    ending = told(send(make.client(ed), "POST", f"{address}/end"))
    assert (ending["state"], ending["end_asked_by"], ending["closed_at"]) == ("ending", "ed", None)
    assert machine.beat()["end"] == [told_of["id"]]
    machine.told("POST", f"sessions/{told_of['id']}/close", {"cause": "left", "bytes": 7})
    closed = told(send(make.client(ed), "GET", address))
    assert (closed["state"], closed["cause"], closed["bytes"]) == ("closed", "ended", 7)
    again = send(make.client(ed), "POST", f"{address}/end")
    assert (again.status_code, told(again)["code"]) == (409, "already_closed")
    assert told(send(make.client(ed), "PATCH", address, {"title": "Rounds"}))["title"] == "Rounds"
    assert send(make.client(ed), "DELETE", address).status_code == 204


def test_what_a_streamer_reports_stands_apart_from_what_it_is(
    make: Make, vic: Account, nell: Account, origin: Resource, studio: Resource, machine: Machine
) -> None:
    client, address = make.client(vic), f"/streamers/{origin.pk}"
    tag = send(client, "GET", address)["ETag"]
    assert told(send(client, "GET", f"{address}/state"))["contact"] == "never"
    machine.beat()
    state = told(send(client, "GET", f"{address}/state"))
    assert (state["contact"], state["clients"], state["cpu"]) == ("ok", 3, 12.5)
    assert send(client, "GET", address)["ETag"] == tag
    assert told(send(client, "GET", f"/streams/{studio.pk}/state"))["state"] == ""
    device = create_device(origin, {"name": "Camera 1", "card_id": "0"}, actor=make.actor())
    add_end(studio, Input(kind="device"), {"device": device}, actor=make.actor())
    add_end(
        studio, Push(kind="srt"), {"host": "192.0.2.1", "port": 9000, "secret": "correct horse"}, actor=make.actor()
    )
    assert [one["name"] for one in told(send(client, "GET", f"{address}/devices"))["items"]] == ["Camera 1"]
    ends = send(client, "GET", f"/streams/{studio.pk}/ends")
    assert [(one["kind"], one["where"]) for one in told(ends)["inputs"]] == [("device", "Camera 1")]
    assert [(one["where"], one["has_passphrase"]) for one in told(ends)["pushes"]] == [("192.0.2.1:9000", True)]
    assert b"correct horse" not in ends.content
    for hidden in (
        f"{address}/state",
        f"{address}/devices",
        f"/streams/{studio.pk}/ends",
        f"/streams/{studio.pk}/state",
    ):
        assert send(make.client(nell), "GET", hidden).status_code == 404
