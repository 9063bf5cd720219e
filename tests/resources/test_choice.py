"""Choosing the streamer of a new stream and the stream of an upload, where there are few and where there are many."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account
from resources.forms.choice import LISTED
from resources.models import Resource, Stream
from resources.roles import ResourceRole
from tests.conftest import Make
from tests.resources.conftest import give


@pytest.fixture
def many(origin: Resource, studio: Resource) -> list[Resource]:
    """More streams than a list offers, the last two with one title."""
    rows = [Resource(kind="stream", parent=origin, name=f"room-{n:03}", title=f"Room {n:03}") for n in range(LISTED)]
    rows += [Resource(kind="stream", parent=origin, name=f"twin-{n}", title="Twin") for n in range(2)]
    for row in rows:
        row.save()
    Stream.objects.bulk_create(Stream(resource=row) for row in rows)
    return rows


def upload(client: object, parent: object, query: str = "") -> object:
    sent = {"title": "Talk", "parent": parent, "file": SimpleUploadedFile("talk.mp4", b"0123"), "whole": "on"}
    return client.post(f"/recordings/new/{query}", sent)  # type: ignore[attr-defined]


def test_few_are_listed(make: Make, connie: Account, vic: Account, studio: Resource) -> None:
    page = make.client(connie).get("/recordings/new/").content.decode()
    assert "<select" in page and "Studio 2, rehearsal</option>" in page
    assert "Nothing here: the file alone" in page and "---" not in page.partition("<select")[2]


def test_many_are_named(make: Make, connie: Account, nell: Account, many: list[Resource]) -> None:
    client = make.client(connie)
    page = client.get("/recordings/new/").content.decode()
    assert "Room 001" not in page and "too many to list" in page
    for number, name in enumerate(("room-007", "ROOM 007", str(many[7].pk)), 1):
        assert upload(client, name).status_code == 302  # type: ignore[attr-defined]
        assert many[7].children.count() == number
    for name, sentence in (
        ("Twin", f"Several are called so. Type the id of one: {many[-2].pk}, {many[-1].pk}."),
        ("room", "Nothing that you may see is called so."),
        ("room-007\x00", "Nothing that you may see is called so."),
        ("9" * 30, "Nothing that you may see is called so."),
    ):
        answer = upload(client, name)
        assert answer.status_code == 422 and sentence in answer.content.decode()  # type: ignore[attr-defined]
    give(connie, many[8], ResourceRole.NONE)
    assert upload(client, "room-008").status_code == 422  # type: ignore[attr-defined]


def test_the_one_that_the_link_names_is_chosen_from_a_list(make: Make, connie: Account, many: list[Resource]) -> None:
    client, last = make.client(connie), many[-1]
    page = client.get(f"/recordings/new/?stream={last.pk}").content.decode()
    assert f'<option value="{last.pk}" selected>Twin</option>' in page
    assert page.count("<option") == LISTED + 2
    assert upload(client, last.pk, f"?stream={last.pk}").status_code == 302  # type: ignore[attr-defined]


def test_streamers_as_well(make: Make, ed: Account, origin: Resource) -> None:
    client, address = make.client(ed), "/streams/new/"
    sent = {"name": "lobby", "title": "", "enabled": "on"}
    assert "<select" in client.get(address).content.decode()
    for number in range(LISTED):
        Resource(kind="streamer", name=f"edge{number:03}.example.com").save()
    assert "<select" not in client.get(address).content.decode()
    assert client.post(address, sent | {"streamer": "Origin1.example.com"}).status_code == 302
    assert Resource.objects.get(name="lobby").parent == origin
    assert client.post(address, sent | {"streamer": ""}).status_code == 422
