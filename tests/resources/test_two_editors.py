"""Two people who have the same card open: neither undoes the other without knowing."""

import re

from django.test import Client

from accounts.forms.seen import in_words
from accounts.models import Account
from audit.models import Entry
from resources.forms import StreamerForm, StreamForm
from resources.models import Input, Resource, Streamer
from resources.services.devices import create_device
from resources.services.ends import add_end
from tests.conftest import Make


def fields(page: str) -> dict[str, str]:
    """What the form would send: its fields and what they showed."""
    form = page.partition("data-dirty")[2].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and not ('type="checkbox"' in tag and " checked" not in tag):
            found[name[1]] = value[1] if value else "on" if 'type="checkbox"' in tag else ""
    for name_, options in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"\s+selected', options)
        found[name_] = chosen[1] if chosen else ""
    return found


def opened(client: Client, address: str) -> dict[str, str]:
    return fields(client.get(address).content.decode())


def test_each_saves_what_they_changed(make: Make, ed: Account, ada: Account, studio: Resource) -> None:
    address = f"/streams/{studio.pk}/"
    mine, theirs = make.client(ed), make.client(ada)
    first, second = opened(mine, address), opened(theirs, address)
    assert theirs.post(address, second | {"title": "Aula", "recorded": "on"}).status_code == 302
    first.pop("enabled")
    assert mine.post(address, first).status_code == 302
    studio = Resource.objects.select_related("stream").get(pk=studio.pk)
    assert (studio.title, studio.stream.recorded, studio.stream.enabled) == ("Aula", True, False)
    last = Entry.objects.filter(event="stream.changed", outcome="success").latest("pk")
    assert set(last.details["changes"]) == {"enabled"}


def test_the_second_of_the_same_field_is_told_and_may_insist(
    make: Make, ed: Account, ada: Account, origin: Resource
) -> None:
    address = f"/streamers/{origin.pk}/"
    mine, theirs = make.client(ed), make.client(ada)
    first, second = opened(mine, address), opened(theirs, address)
    assert theirs.post(address, second | {"api_port": "8443", "place": "edge"}).status_code == 302
    answer = mine.post(address, first | {"api_port": "9443"})
    assert answer.status_code == 409 and "changed this to “8443”" in answer.content.decode()
    assert Streamer.objects.get().api_port == 8443
    again = fields(answer.content.decode())
    assert again["api_port"] == "9443"
    assert mine.post(address, again).status_code == 302
    row = Streamer.objects.get()
    assert (row.api_port, row.place) == (9443, "edge")


def test_a_device_too(make: Make, ed: Account, ada: Account, origin: Resource) -> None:
    made = create_device(origin, {"name": "Camera", "card_id": "1", "vendor": ""}, actor=make.actor())
    address, mine, theirs = f"/devices/{made.pk}/", make.client(ed), make.client(ada)
    first, second = opened(mine, address), opened(theirs, address)
    assert theirs.post(address, second | {"vendor": "Acme", "card_id": "2"}).status_code == 302
    assert mine.post(address, first | {"name": "Camera 1"}).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.vendor, made.card_id) == ("Camera 1", "Acme", "2")
    answer = mine.post(address, first | {"card_id": "3"})
    assert answer.status_code == 409 and "changed this to “2”" in answer.content.decode()
    assert mine.post(address, fields(answer.content.decode())).status_code == 302
    made.refresh_from_db()
    assert made.card_id == "3"


def rtsp(make: Make, stream: Resource) -> Input:
    values = {"url": "rtsp://a.example.com/", "username": "viewer", "secret": "first password"}
    made = add_end(stream, Input(kind="rtsp"), values, actor=make.actor())
    assert isinstance(made, Input)
    return made


def test_an_input_too(make: Make, ed: Account, ada: Account, studio: Resource) -> None:
    made = add_end(studio, Input(kind="multicast"), {"host": "239.1.1.1", "port": 5000}, actor=make.actor())
    address, mine, theirs = f"/streams/{studio.pk}/inputs/{made.pk}/", make.client(ed), make.client(ada)
    first, second = opened(mine, address), opened(theirs, address)
    assert theirs.post(address, second | {"port": "6000", "program": "7"}).status_code == 302
    assert mine.post(address, first | {"host": "239.1.1.2"}).status_code == 302
    row = Input.objects.get()
    assert (row.host, row.port, row.program) == ("239.1.1.2", 6000, 7)
    answer = mine.post(address, first | {"program": "3"})
    assert answer.status_code == 409 and "changed this to “7”" in answer.content.decode()


def test_a_password_goes_to_no_address_that_its_owner_did_not_see(
    make: Make, ed: Account, ada: Account, studio: Resource
) -> None:
    made = rtsp(make, studio)
    address, mine, theirs = f"/streams/{studio.pk}/inputs/{made.pk}/", make.client(ed), make.client(ada)
    first, second = opened(mine, address), opened(theirs, address)
    elsewhere = {"url": "rtsp://b.example.com/", "secret": "second password"}
    assert theirs.post(address, second | elsewhere).status_code == 302
    answer = mine.post(address, first | {"secret": "third password"})
    assert answer.status_code == 409 and "rtsp://b.example.com/" in answer.content.decode()
    row = Input.objects.get()
    assert (row.url, str(row.secret)) == ("rtsp://b.example.com/", "second password")
    lie = first | {"url": "rtsp://c.example.com/", "initial-url": "rtsp://c.example.com/"}
    assert mine.post(address, lie).status_code == 302
    assert Input.objects.get().url == "rtsp://b.example.com/", "the stored one would go there"


def test_a_form_shows_no_secret_beside_its_fields(make: Make, ed: Account, studio: Resource) -> None:
    made = rtsp(make, studio)
    page = make.client(ed).get(f"/streams/{studio.pk}/inputs/{made.pk}/").content.decode()
    assert 'name="initial-url"' in page and "initial-secret" not in page and "first password" not in page


def test_an_input_from_a_device_is_left_as_it_was(make: Make, ed: Account, studio: Resource, origin: Resource) -> None:
    cameras = [create_device(origin, {"name": name, "card_id": name}, actor=make.actor()) for name in "ab"]
    made = add_end(studio, Input(kind="device"), {"device": cameras[0]}, actor=make.actor())
    address, client = f"/streams/{studio.pk}/inputs/{made.pk}/", make.client(ed)
    first = opened(client, address)
    Input.objects.update(device=cameras[1])
    assert client.post(address, first).status_code == 302
    assert Input.objects.get().device == cameras[1]


def test_what_was_seen_may_be_missing_or_nonsense(make: Make, ed: Account, origin: Resource) -> None:
    address, client = f"/streamers/{origin.pk}/", make.client(ed)
    sent = {
        "name": "origin2.example.com",
        "api_port": "444",
        "initial-api_port": "x" * 9_000,
        "initial-enabled": "\x00",
    }
    assert client.post(address, sent).status_code == 302
    assert Streamer.objects.get().api_port == 444


def test_what_they_chose_is_told_as_people_read_it() -> None:
    form = StreamForm()
    assert [in_words(form.fields["enabled"], one) for one in (True, False)] == ["on", "off"]
    assert in_words(StreamerForm().fields["place"], "edge") == "Edge"
