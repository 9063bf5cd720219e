"""Lists, cards, creating, editing and deleting: right role, wrong role, nobody."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from accounts.roles import Role
from agora.base.errors import Refused
from audit.models import Entry
from resources.models import Grant, Resource
from resources.roles import Kind, ResourceRole
from resources.services.resources import PartNotYours, create_stream, create_streamer, delete_resource
from resources.services.rules import MayNotCreate
from tests.conftest import Make
from tests.resources.conftest import give

V, E, A = ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR


def labels(client: Client, address: str) -> list[str]:
    """The names of the rows."""
    page = client.get(address).content.decode()
    ids = re.findall(r'<tr id="resource-(\d+)"', page)
    return [str(Resource.objects.get(pk=pk)) for pk in ids]


def test_lists_hold_what_one_may_see(make: Make, vic: Account, nell: Account, origin: Resource) -> None:
    edge = create_streamer("edge1.example.com", actor=make.actor())
    assert labels(make.client(vic), "/streamers/") == ["edge1.example.com", "origin1.example.com"]
    assert labels(make.client(nell), "/streamers/") == []
    give(nell, edge, V)
    give(vic, edge, ResourceRole.NONE)
    assert labels(make.client(nell), "/streamers/") == ["edge1.example.com"]
    assert labels(make.client(vic), "/streamers/") == ["origin1.example.com"]
    assert Client().get("/streamers/").status_code == 302


def test_filters_and_order_of_the_url(make: Make, vic: Account, origin: Resource, studio: Resource) -> None:
    create_stream("lobby", streamer=origin, actor=make.actor(), enabled=False)
    client = make.client(vic)
    assert labels(client, "/streams/") == ["lobby", "Studio 2, rehearsal"]
    assert labels(client, "/streams/?order=-name") == ["Studio 2, rehearsal", "lobby"]
    assert labels(client, "/streams/?enabled=false") == ["lobby"]
    assert labels(client, "/streams/?q=REHEARSAL") == ["Studio 2, rehearsal"]
    assert labels(client, f"/streams/?streamer={origin.pk}&q=lob") == ["lobby"]
    assert labels(client, f"/streams/?streamer={studio.pk}") == []
    assert "No stream matches" in client.get("/streams/?q=nothing").content.decode()


def test_rows_name_the_role_and_offer_permissions_to_editors_only(make: Make, nell: Account, origin: Resource) -> None:
    grant = give(nell, origin, V)
    client = make.client(nell)
    assert "Resource Permissions" not in client.get("/streamers/").content.decode()
    assert "Shared with" in client.get("/streamers/").content.decode()
    Grant.objects.filter(pk=grant.pk).update(role=E)
    page = client.get("/streamers/").content.decode()
    assert f'href="/resources/{origin.pk}/permissions/?next=/streamers/"' in page
    assert "nell" in page


def test_a_list_costs_the_same_queries_with_one_and_with_eleven_rows(make: Make, ed: Account, vic: Account) -> None:
    def cost() -> int:
        client.get("/streams/")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/streams/")
        return len(queries)

    client, actor = make.client(ed), make.actor()
    streamer = create_streamer("origin1.example.com", actor=actor)
    give(vic, create_stream("s0", streamer=streamer, actor=actor), V)
    one = cost()
    for number in range(10):
        give(vic, create_stream(f"t{number}", streamer=streamer, actor=actor), V)
    assert cost() == one


@pytest.mark.parametrize(
    ("granted", "see", "edit", "delete", "look", "change"),
    [
        (None, 404, 404, 404, 404, 404),
        (ResourceRole.NONE, 404, 404, 404, 404, 404),
        (V, 200, 403, 403, 403, 403),
        (E, 200, 302, 200, 200, 403),
        (A, 200, 302, 200, 200, 302),
    ],
)
def test_404_where_one_may_not_see_and_403_where_one_may_not_act(
    granted: ResourceRole | None, see: int, edit: int, delete: int, look: int, change: int,
    make: Make, nell: Account, studio: Resource,
) -> None:  # fmt: skip
    if granted:
        give(nell, studio, granted)
    client, card = make.client(nell), f"/streams/{studio.pk}/"
    assert client.get(card).status_code == see
    assert client.get(f"{card}delete/").status_code == delete
    assert client.get(f"{card}history/").status_code == look
    assert client.get(f"/resources/{studio.pk}/permissions/").status_code == look
    sent = {"save": "1", "version": studio.permissions_version}
    assert client.post(f"/resources/{studio.pk}/permissions/", sent).status_code == change
    assert client.post(card, {"name": "studio-3"}).status_code == edit
    assert Resource.objects.get(pk=studio.pk).name == ("studio-3" if edit == 302 else "studio-2")


def test_the_id_of_another_kind_is_not_found(make: Make, ada: Account, origin: Resource, studio: Resource) -> None:
    client = make.client(ada)
    for address in (f"/streams/{origin.pk}/", f"/streamers/{studio.pk}/", f"/streamers/{studio.pk}/delete/"):
        assert client.get(address).status_code == 404
        assert client.post(address, {"name": "x"}).status_code == 404


def test_who_creates_becomes_administrator_of_it(make: Make, vic: Account, origin: Resource) -> None:
    client = make.client(vic)
    answer = client.post("/streams/new/", {"streamer": origin.pk, "name": "lobby", "enabled": "on"})
    lobby = Resource.objects.get(name="lobby")
    assert answer.headers["Location"] == f"/streams/{lobby.pk}/"
    grant = Grant.objects.get(resource=lobby)
    assert (grant.account, grant.role) == (vic, A)
    entry = Entry.objects.get(event="stream.created")
    assert (entry.actor_name, entry.target_id, entry.details["streamer"]) == ("vic", str(lobby.pk), str(origin))


def test_creating_needs_the_role_and_a_parent_that_is_seen(
    make: Make, vic: Account, otto: Account, ed: Account, origin: Resource, studio: Resource
) -> None:
    assert make.client(otto).get("/streams/new/").status_code == 403
    assert make.client(vic).get("/streamers/new/").status_code == 403
    assert make.client(ed).get("/streamers/new/").status_code == 200
    give(vic, origin, ResourceRole.NONE)
    for parent in (origin.pk, studio.pk, 10**9):
        answer = make.client(vic).post("/streams/new/", {"streamer": parent, "name": "lobby"})
        assert answer.status_code in (200, 422)
    for parent in (origin, studio):
        with pytest.raises(MayNotCreate):
            create_stream("lobby", streamer=parent, actor=make.actor(vic))
    assert not Resource.objects.filter(name="lobby").exists()


def test_only_the_hostname_is_needed_and_it_is_unique(make: Make, ed: Account) -> None:
    client = make.client(ed)
    assert client.post("/streamers/new/", {"name": "edge1.example.com"}).status_code == 302
    streamer = Resource.objects.get()
    assert (streamer.streamer.scheme, streamer.streamer.api_port, streamer.streamer.place) == ("https", 443, "origin")
    again = client.post("/streamers/new/", {"name": "edge1.example.com"})
    assert again.status_code == 422
    assert "Another streamer has this hostname." in again.content.decode()
    assert client.post("/streamers/new/", {"name": "edge2.example.com", "scheme": "http"}).status_code == 302
    assert Resource.objects.latest("pk").streamer.api_port == 80


@pytest.mark.parametrize("name", ["", "https://edge1", "edge1:443", "a b", "-x", "x" * 254, "Edge_1/..", "[::1]:80"])
def test_what_is_no_hostname(name: str, make: Make, ed: Account) -> None:
    assert make.client(ed).post("/streamers/new/", {"name": name}).status_code == 422
    assert not Resource.objects.exists()


@pytest.mark.parametrize("name", ["", "../etc", "a/b", ".hidden", "a..b", "a b", "ä", "x" * 101, "-x", "a\\b", "a%2fb"])
def test_what_is_no_system_name(name: str, make: Make, ed: Account, origin: Resource) -> None:
    assert make.client(ed).post("/streams/new/", {"streamer": origin.pk, "name": name}).status_code == 422


def test_system_names_are_unique_per_streamer(make: Make, origin: Resource, studio: Resource) -> None:
    actor = make.actor()
    with pytest.raises(ValidationError, match="Another stream of this streamer"):
        create_stream("STUDIO-2", streamer=origin, actor=actor)
    other = create_streamer("origin2.example.com", actor=actor)
    assert create_stream("studio-2", streamer=other, actor=actor).pk


def test_the_database_refuses_nonsense(origin: Resource) -> None:
    for wrong in (
        {"kind": Kind.STREAM, "name": "x"},
        {"kind": Kind.STREAMER, "name": "x", "parent": origin},
        {"kind": Kind.STREAMER, "name": ""},
        {"kind": "thing", "name": "x"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Resource.objects.create(**wrong)


def test_editing_records_what_differs(make: Make, ed: Account, studio: Resource) -> None:
    sent = {"name": "studio-2", "title": "Studio 2", "recorded": "on", "enabled": "on"}
    make.client(ed).post(f"/streams/{studio.pk}/", sent)
    entry = Entry.objects.get(event="stream.changed")
    assert entry.details["changes"] == {"title": ["Studio 2, rehearsal", "Studio 2"], "recorded": [False, True]}
    history = make.client(ed).get(f"/streams/{studio.pk}/history/").content.decode()
    assert "Studio 2, rehearsal → Studio 2" in history


def test_deleting_says_what_goes_with_it_and_takes_it_along(
    make: Make, ed: Account, origin: Resource, studio: Resource
) -> None:
    client = make.client(ed)
    question = client.get(f"/streamers/{origin.pk}/delete/").content.decode()
    assert "1 stream goes with it" in question and "Studio 2, rehearsal" in question
    assert client.post(f"/streamers/{origin.pk}/delete/").headers["Location"] == "/streamers/"
    assert not Resource.objects.exists()
    assert not Grant.objects.exists()
    entries = {entry.event: entry for entry in Entry.objects.filter(event__endswith=".deleted")}
    assert entries["streamer.deleted"].details["with"] == ["Studio 2, rehearsal"]
    assert entries["stream.deleted"].details["batch"] == entries["streamer.deleted"].details["batch"]


def test_deleting_a_parent_needs_editor_on_each(make: Make, ed: Account, origin: Resource, studio: Resource) -> None:
    give(ed, studio, V)
    assert "can’t be deleted by you" in make.client(ed).get(f"/streamers/{origin.pk}/delete/").content.decode()
    with pytest.raises(PartNotYours):
        delete_resource(origin, actor=make.actor(ed))
    assert Resource.objects.count() == 2
    assert Entry.objects.get(event="streamer.deleted").outcome == "denied"


def test_losing_a_role_counts_at_the_next_request(make: Make, ed: Account, studio: Resource) -> None:
    client = make.client(ed)
    assert client.get(f"/streams/{studio.pk}/delete/").status_code == 200
    Account.objects.filter(pk=ed.pk).update(role=Role.NONE)
    assert client.get(f"/streams/{studio.pk}/delete/").status_code == 404
    grant = give(ed, studio, E)
    assert client.get(f"/streams/{studio.pk}/delete/").status_code == 200
    Grant.objects.filter(pk=grant.pk).update(ends_at=timezone.now())
    assert client.get(f"/streams/{studio.pk}/delete/").status_code == 404


def test_services_ask_the_rule_themselves(make: Make, vic: Account, origin: Resource) -> None:
    with pytest.raises(Refused):
        delete_resource(origin, actor=make.actor(vic))
    assert Resource.objects.filter(pk=origin.pk).exists()
