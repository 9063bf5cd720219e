"""Two people who have the same card open: neither undoes the other without knowing."""

import re

from django.test import Client

from accounts.models import Account
from audit.models import Entry
from resources.forms import StreamerForm, StreamForm
from resources.forms.seen import in_words
from resources.models import Resource, Streamer
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
