"""Inputs and pushes of a stream: each kind with its own fields, passphrases that are never sent back, their order."""

import re

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from resources.models import Device, Input, Push, Resource
from resources.roles import ResourceRole
from resources.services.devices import create_device
from resources.services.ends import MOST, add_end
from resources.services.resources import create_stream, create_streamer
from tests.conftest import Make
from tests.resources.conftest import give

PHRASE = "open sesame now"


@pytest.fixture
def camera(make: Make, origin: Resource) -> Device:
    return create_device(origin, {"name": "Camera 1", "card_id": "0"}, actor=make.actor())


def add(client: Client, stream: Resource, side: str, kind: str, **sent: object) -> int:
    return client.post(f"/streams/{stream.pk}/{side}/new/?kind={kind}", sent).status_code


def test_every_kind_with_its_own_fields(make: Make, ed: Account, studio: Resource, camera: Device) -> None:
    client = make.client(ed)
    for kind, sent in {
        "publish": {"secret": "p"},
        "multicast": {"host": "239.1.1.1", "port": 5000, "program": 3},
        "srt": {"host": "cam.example.com", "port": 9000, "secret": PHRASE},
        "rtsp": {"url": "rtsp://cam.example.com:554/main", "username": "u", "secret": "p"},
        "device": {"device": camera.pk},
        "file": {"path": "news/intro.mp4"},
    }.items():
        assert add(client, studio, "inputs", kind, **sent) == 302, kind
    for kind, sent in {
        "multicast": {"host": "FF02::1", "port": 5000},
        "srt": {"host": "[2001:db8::1]", "port": 9000},
        "rtmp": {"url": "rtmps://live.example.com/app", "secret": "stream-key"},
    }.items():
        assert add(client, studio, "pushes", kind, **sent) == 302, kind
    page = client.get(f"/streams/{studio.pk}/inputs/").content.decode()
    for shown in (
        "239.1.1.1:5000, program 3", "cam.example.com:9000", "rtsp://cam.example.com:554/main", "Camera 1",
        "news/intro.mp4", "[ff02::1]:5000", "[2001:db8::1]:9000", "rtmps://live.example.com/app",
    ):  # fmt: skip
        assert shown in page, shown
    assert [one.kind for one in Input.objects.of_stream(studio.pk)] == [
        "publish", "multicast", "srt", "rtsp", "device", "file",
    ]  # fmt: skip
    assert client.get(f"/streams/{studio.pk}/inputs/new/").status_code == 200
    assert client.get(f"/streams/{studio.pk}/pushes/new/?kind=file").status_code == 404


@pytest.mark.parametrize(
    ("side", "kind", "url", "named", "field"),
    [
        ("inputs", "rtsp", "rtsp://cam.example.com/main?user=u&Password=hunter2", "Password", "Password"),
        ("inputs", "rtsp", "rtsp://cam.example.com/user=u&password=hunter2&channel=1.sdp", "password", "Password"),
        ("inputs", "rtsp", "rtsp://cam.example.com/main;rtsp_pwd=hunter2", "rtsp_pwd", "Password"),
        ("inputs", "rtsp", "rtsp://cam.example.com/main?pass%77ord=hunter2", "password", "Password"),
        ("inputs", "rtsp", "rtsp://cam.example.com/main%3Ftoken=hunter2", "token", "Password"),
        ("pushes", "rtmp", "rtmp://live.example.com/app?streamKey=hunter2", "streamKey", "Stream key"),
        ("pushes", "rtmp", "rtmp://live.example.com/app?a=1&key=hunter2", "key", "Stream key"),
    ],
)
def test_a_secret_in_an_address_is_sent_to_its_field(
    make: Make, ed: Account, studio: Resource, side: str, kind: str, url: str, named: str, field: str
) -> None:
    page = make.client(ed).post(f"/streams/{studio.pk}/{side}/new/?kind={kind}", {"url": url})
    assert page.status_code == 422
    sentence = f"Leave “{named}” out of the address, which is not kept secret. Type its value under “{field}”"
    assert sentence in page.content.decode()
    assert not Input.objects.exists() and not Push.objects.exists()
    assert "hunter2" not in str(list(Entry.objects.values()))


@pytest.mark.parametrize("url", ["rtsp://c.example.com/?channel=1&compass=2", "rtsp://c.example.com/u=a&password=&x=1"])
def test_an_address_without_a_secret_may_have_a_query(make: Make, ed: Account, studio: Resource, url: str) -> None:
    assert add(make.client(ed), studio, "inputs", "rtsp", url=url) == 302


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        ("multicast", {"host": "10.0.0.1", "port": 5000}),
        ("multicast", {"host": "cam.example.com", "port": 5000}),
        ("multicast", {"host": "239.1.1.1", "port": 0}),
        ("multicast", {"host": "239.1.1.1", "port": 65536}),
        ("multicast", {"host": "239.1.1.1", "port": 5000, "program": 65536}),
        ("multicast", {"host": "239.1.1.1"}),
        ("srt", {"host": "cam.example.com"}),
        ("srt", {"host": "https://cam.example.com", "port": 9000}),
        ("srt", {"host": "cam.example.com", "port": 9000, "secret": "too short"}),
        ("srt", {"host": "cam.example.com", "port": 9000, "secret": "x" * 80}),
        ("rtsp", {"url": "http://cam.example.com/"}),
        ("rtsp", {"url": "rtsp://user:secret@cam.example.com/"}),
        ("rtsp", {"url": "rtsp://user%3Asecret%40cam.example.com/"}),
        ("rtsp", {"url": "rtsp:///main"}),
        ("rtsp", {"url": "rtsp://cam.example.com:99999/"}),
        ("rtsp", {"url": "rtsp://cam.example.com/a b"}),
        ("rtsp", {"url": "rtsp://[::1/"}),
        ("rtsp", {"url": "javascript:alert(1)"}),
        ("device", {"device": 999_999}),
        ("device", {}),
        ("file", {"path": "../../etc/passwd"}),
        ("file", {"path": "/etc/passwd"}),
        ("file", {"path": "a/../../b"}),
        ("file", {"path": "a\\..\\b"}),
        ("file", {"path": "a//b"}),
        ("file", {"path": "a/./b"}),
        ("file", {"path": "a\x00b"}),
        ("file", {"path": ""}),
    ],
)
def test_what_makes_no_sense_is_refused(
    kind: str, sent: dict[str, object], make: Make, ed: Account, studio: Resource, camera: Device
) -> None:
    assert add(make.client(ed), studio, "inputs", kind, **sent) == 422
    assert not Input.objects.exists()


def test_a_passphrase_is_encrypted_never_sent_back_and_unchanged_when_empty(
    make: Make, ed: Account, studio: Resource
) -> None:
    client = make.client(ed)
    add(client, studio, "inputs", "srt", host="cam.example.com", port=9000, secret=PHRASE)
    row = Input.objects.get()
    address = f"/streams/{studio.pk}/inputs/{row.pk}/"
    assert PHRASE not in client.get(address).content.decode() + client.get(f"/streams/{studio.pk}/").content.decode()
    assert PHRASE not in client.get(f"/streams/{studio.pk}/history/").content.decode()
    with pytest.raises(Input.DoesNotExist):
        Input.objects.get(secret=PHRASE)
    same = {"host": "cam.example.com", "port": 9000, "secret": ""}
    assert client.post(address, same).status_code == 302
    assert not Entry.objects.filter(event="stream.input_changed").exists(), "nothing changed"
    moved = client.post(address, same | {"port": 9001})
    assert moved.status_code == 422 and "goes nowhere else" in moved.content.decode()
    assert PHRASE not in moved.content.decode()
    assert client.post(address, same | {"port": 9001, "secret": "another phrase"}).status_code == 302
    assert Input.objects.get().secret == "another phrase"
    entry = Entry.objects.get(event="stream.input_changed")
    assert (entry.details["changes"], entry.details["passphrase_replaced"]) == ({"port": [9000, 9001]}, True)
    assert client.post(address, same | {"port": 9001, "forget": "on"}).status_code == 302
    assert Input.objects.get().secret == ""


def test_the_order_is_changed_without_a_script(make: Make, ed: Account, studio: Resource) -> None:
    client = make.client(ed)
    for name in ("a", "b", "c"):
        add(client, studio, "inputs", "file", path=name)

    def order() -> list[str]:
        return [one.path for one in Input.objects.of_stream(studio.pk)]

    last = Input.objects.get(path="c")
    page = client.get(f"/streams/{studio.pk}/inputs/").content.decode()
    assert len(re.findall(r'name="up"', page)) == len(re.findall(r'name="down"', page)) == 2
    for expected in (["a", "c", "b"], ["c", "a", "b"], ["c", "a", "b"]):
        answer = client.post(f"/streams/{studio.pk}/inputs/{last.pk}/move/", {"up": "1"})
        assert answer.headers["Location"] == f"/streams/{studio.pk}/inputs/#inputs"
        assert order() == expected
    client.post(f"/streams/{studio.pk}/inputs/{last.pk}/move/", {"down": "1"})
    assert order() == ["a", "c", "b"]
    client.post(f"/streams/{studio.pk}/inputs/{last.pk}/remove/")
    assert order() == ["a", "b"]
    events = Entry.objects.filter(event="stream.input_moved")
    assert (events.count(), events.latest("pk").target_id) == (3, str(studio.pk))
    assert Entry.objects.get(event="stream.input_removed").details["what"] == "File c"


@pytest.mark.parametrize(
    ("granted", "see", "change"),
    [
        (None, 404, 404),
        (ResourceRole.NONE, 404, 404),
        (ResourceRole.VIEWER, 200, 403),
        (ResourceRole.EDITOR, 200, 302),
    ],
)
def test_the_role_on_the_stream_decides(
    granted: ResourceRole | None, see: int, change: int, make: Make, nell: Account, studio: Resource
) -> None:
    row = add_end(studio, Push(kind="rtmp"), {"url": "rtmp://live.example.com/app", "secret": "k"}, actor=make.actor())
    if granted:
        give(nell, studio, granted)
    client, start = make.client(nell), f"/streams/{studio.pk}/pushes/"
    assert client.get(f"/streams/{studio.pk}/inputs/").status_code == see
    assert add(client, studio, "inputs", "publish") == change
    sent = {"url": "rtmp://elsewhere.example.com/app", "secret": "k2"}
    assert client.post(f"{start}{row.pk}/", sent).status_code == change
    assert client.post(f"{start}{row.pk}/move/").status_code == change
    assert client.post(f"{start}{row.pk}/remove/").status_code == change
    assert Push.objects.exists() == (change != 302)


def test_other_streams_ids_and_devices_are_not_there(
    make: Make, ada: Account, ed: Account, origin: Resource, studio: Resource
) -> None:
    other = create_stream(
        "lobby", streamer=create_streamer("edge1.example.com", actor=make.actor()), actor=make.actor()
    )
    theirs = add_end(other, Input(kind="publish"), {}, actor=make.actor())
    client = make.client(ada)
    for path in ("", "move/", "remove/"):
        assert client.post(f"/streams/{studio.pk}/inputs/{theirs.pk}/{path}").status_code == 404
        assert client.post(f"/streams/{other.pk}/pushes/{theirs.pk}/{path}").status_code == 404
        assert client.post(f"/streams/{origin.pk}/inputs/{theirs.pk}/{path}").status_code == 404
    assert other.parent is not None
    device = create_device(other.parent, {"name": "Camera 2", "card_id": "0"}, actor=make.actor())
    assert add(client, studio, "inputs", "device", device=device.pk) == 422
    assert Input.objects.get() == theirs


def test_there_is_a_most(make: Make, ed: Account, studio: Resource) -> None:
    for _ in range(MOST):
        add_end(studio, Push(kind="rtmp"), {"url": "rtmp://live.example.com/app"}, actor=make.actor())
    assert add(make.client(ed), studio, "pushes", "rtmp", url="rtmp://live.example.com/app") == 409


def test_the_database_refuses_what_the_kind_does_not_allow(make: Make, studio: Resource) -> None:
    for model, wrong in ((Input, {"kind": "srt"}), (Input, {"kind": "device"}), (Push, {"kind": "publish"})):
        with pytest.raises(IntegrityError), transaction.atomic():
            model._default_manager.create(stream_id=studio.pk, **wrong)
