"""Names of what somebody may not see: they stand on no page, not even beside what they may see."""

from django.test import Client

from accounts.models import Account
from resources.models import Input, Resource
from resources.roles import ResourceRole
from resources.services.devices import create_device
from resources.services.ends import add_end
from resources.services.resources import create_stream
from tests.conftest import Make
from tests.resources.conftest import give, recording

N, V, E = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_the_parent_beside_what_was_shared(make: Make, nell: Account, studio: Resource, origin: Resource) -> None:
    made = recording(make, studio)
    give(nell, made, V)
    client = make.client(nell)
    addresses = ["/recordings/", f"/recordings/{made.pk}/", f"/resources/{made.pk}/why/"]
    assert all("Studio 2" not in text(client, address) for address in addresses)
    assert "Stream that you may not see" in text(client, f"/recordings/{made.pk}/")
    give(nell, studio, V)
    assert all("Studio 2" in text(client, address) for address in addresses[:2])
    for address in ("/streams/", f"/streams/{studio.pk}/", f"/streams/?streamer={origin.pk}"):
        assert "Studio 2" in text(client, address) and "origin1.example.com" not in text(client, address)
    give(nell, origin, V)
    for address in ("/streams/", f"/streams/{studio.pk}/", f"/streams/?streamer={origin.pk}"):
        assert "origin1.example.com" in text(client, address)


def test_what_lies_below_what_is_deleted(make: Make, nell: Account, studio: Resource, origin: Resource) -> None:
    lobby = create_stream("lobby", streamer=origin, actor=make.actor())
    give(nell, origin, E)
    give(nell, lobby, V)
    page = text(make.client(nell), f"/streamers/{origin.pk}/delete/")
    assert "lobby" in page and "Studio 2" not in page and "1 that you may not see" in page


def test_devices_of_a_streamer_that_is_not_seen(make: Make, nell: Account, studio: Resource, origin: Resource) -> None:
    values = {"hardware": "hdmi", "vendor": "", "raw": False}
    used, other = (
        create_device(origin, {"name": name, "card_id": name, **values}, actor=make.actor())
        for name in ("Front camera", "Back camera")
    )
    give(nell, studio, E)
    client, address = make.client(nell), f"/streams/{studio.pk}/inputs/new/?kind=device"
    page = text(client, address)
    assert "camera" not in page and "You may not see the streamer" in page
    assert client.post(address, {"device": other.pk}).status_code == 422
    add_end(studio, Input(kind="device", stream_id=studio.pk), {"device": used}, actor=make.actor())
    [end] = Input.objects.all()
    page = text(client, f"/streams/{studio.pk}/inputs/{end.pk}/")
    assert "Front camera" in page and "Back camera" not in page
    assert client.post(f"/streams/{studio.pk}/inputs/{end.pk}/", {"device": used.pk}).status_code == 302
    give(nell, origin, V)
    assert "Back camera" in text(client, address)
