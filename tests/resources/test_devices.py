"""Devices of streamers: who sees and changes them follows from the streamer."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from resources.models import Device, Input, Resource
from resources.roles import ResourceRole
from resources.services.devices import create_device
from resources.services.ends import add_end
from resources.services.resources import create_streamer, delete_resource
from tests.conftest import Make
from tests.resources.conftest import give

SENT = {"name": "Camera 1", "hardware": "sdi", "card_id": "decklink:0", "vendor": "Blackmagic", "raw": "on"}


@pytest.fixture
def camera(make: Make, origin: Resource) -> Device:
    return create_device(origin, {"name": "Camera 1", "card_id": "0"}, actor=make.actor())


def test_added_on_the_tab_of_the_streamer(make: Make, ed: Account, origin: Resource) -> None:
    client = make.client(ed)
    answer = client.post(f"/streamers/{origin.pk}/devices/new/", SENT)
    assert answer.headers["Location"] == f"/streamers/{origin.pk}/devices/"
    device = Device.objects.get()
    assert (device.name, device.hardware, device.card_id, device.vendor, device.raw, device.streamer) == (
        "Camera 1", "sdi", "decklink:0", "Blackmagic", True, origin,
    )  # fmt: skip
    page = client.get(f"/streamers/{origin.pk}/devices/").content.decode()
    assert "Camera 1" in page and "decklink:0" in page and "SDI · Blackmagic" in page
    entry = Entry.objects.get(event="device.created")
    assert (entry.target_type, entry.target_id, entry.details["what"]) == ("streamer", str(origin.pk), "Camera 1")


def test_they_stand_in_the_history_of_their_streamer(make: Make, ed: Account, origin: Resource, camera: Device) -> None:
    client = make.client(ed)
    assert "1 device goes with it" in client.get(f"/streamers/{origin.pk}/delete/").content.decode()
    assert client.post(f"/devices/{camera.pk}/", SENT).status_code == 302
    assert client.post(f"/devices/{camera.pk}/delete/").status_code == 302
    history = client.get(f"/streamers/{origin.pk}/history/").content.decode()
    for words in ("Device created", "Device changed", "Device deleted", "<div>Camera 1</div>", "decklink:0"):
        assert words in history
    assert "goes with it" not in client.get(f"/streamers/{origin.pk}/delete/").content.decode()


def test_the_list_holds_those_of_streamers_that_one_sees(
    make: Make, vic: Account, nell: Account, origin: Resource, camera: Device
) -> None:
    other = create_streamer("edge1.example.com", actor=make.actor())
    create_device(other, {"name": "Camera 2", "card_id": "0", "hardware": "sdi"}, actor=make.actor())
    page = make.client(vic).get("/devices/").content.decode()
    assert "Camera 1" in page and "Camera 2" in page
    assert "Camera 1" not in make.client(vic).get("/devices/?hardware=sdi").content.decode()
    assert "No device matches" in make.client(vic).get("/devices/?q=nothing").content.decode()
    assert "No devices" in make.client(nell).get("/devices/").content.decode()
    give(nell, origin, ResourceRole.VIEWER)
    page = make.client(nell).get("/devices/").content.decode()
    assert "Camera 1" in page and "Camera 2" not in page
    assert Client().get("/devices/").status_code == 302


@pytest.mark.parametrize(
    ("granted", "see", "change"),
    [
        (None, 404, 404),
        (ResourceRole.NONE, 404, 404),
        (ResourceRole.VIEWER, 200, 403),
        (ResourceRole.EDITOR, 200, 302),
        (ResourceRole.ADMINISTRATOR, 200, 302),
    ],
)
def test_the_role_on_the_streamer_decides(
    granted: ResourceRole | None, see: int, change: int, make: Make, nell: Account, origin: Resource, camera: Device
) -> None:
    if granted:
        give(nell, origin, granted)
    client = make.client(nell)
    assert client.get(f"/devices/{camera.pk}/").status_code == see
    assert client.get(f"/streamers/{origin.pk}/devices/").status_code == see
    assert client.post(f"/streamers/{origin.pk}/devices/new/", SENT | {"name": "Other"}).status_code == change
    assert client.post(f"/devices/{camera.pk}/", SENT).status_code == change
    assert client.post(f"/devices/{camera.pk}/delete/").status_code == change
    assert Device.objects.filter(pk=camera.pk).exists() == (change != 302)


def test_the_name_is_unique_at_its_streamer_and_nothing_is_missing(
    make: Make, ed: Account, origin: Resource, camera: Device
) -> None:
    client = make.client(ed)
    taken = client.post(f"/streamers/{origin.pk}/devices/new/", SENT | {"name": "CAMERA 1"})
    assert taken.status_code == 422 and "Another device of this streamer" in taken.content.decode()
    for wrong in ({"name": ""}, {"card_id": ""}, {"hardware": "vga"}, {"name": "a\u202eb"}, {"vendor": "x" * 101}):
        sent = SENT | {"name": "Camera 2"} | wrong
        assert client.post(f"/streamers/{origin.pk}/devices/new/", sent).status_code == 422
    other = create_streamer("edge1.example.com", actor=make.actor())
    assert client.post(f"/streamers/{other.pk}/devices/new/", SENT).status_code == 302
    with pytest.raises(IntegrityError, match="device_name"), transaction.atomic():
        Device.objects.filter(pk=camera.pk).update(name="")


def test_other_kinds_ids_are_no_streamer(make: Make, ada: Account, studio: Resource, camera: Device) -> None:
    client = make.client(ada)
    assert client.get(f"/streamers/{studio.pk}/devices/").status_code == 404
    assert client.post(f"/streamers/{studio.pk}/devices/new/", SENT).status_code == 404
    assert client.get("/devices/999999/").status_code == 404


def test_one_in_use_is_not_deleted_but_goes_with_its_streamer(
    make: Make, ed: Account, origin: Resource, studio: Resource, camera: Device
) -> None:
    add_end(studio, Input(kind="device"), {"device": camera}, actor=make.actor())
    answer = make.client(ed).post(f"/devices/{camera.pk}/delete/")
    assert answer.status_code == 409 and "takes its picture from this device" in answer.content.decode()
    delete_resource(origin, actor=make.actor(ed))
    assert (Device.objects.count(), Input.objects.count()) == (0, 0)
