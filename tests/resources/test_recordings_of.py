"""Recordings found from the stream and the session they were made from, on pages and over the API."""

import json

from accounts.models import Account
from resources.models import Resource
from resources.roles import ResourceRole
from resources.services.resources import create_stream
from resources.views.card import BELOW
from tests.conftest import Make
from tests.resources.conftest import Machine, give, recording


def test_from_the_stream_and_its_sessions(
    make: Make, ed: Account, root: Account, origin: Resource, studio: Resource
) -> None:
    Machine(origin, make.actor(root)).open()
    session = Resource.objects.get(kind="stream_session")
    lobby = create_stream("lobby", streamer=origin, actor=make.actor())
    own, of_session, other = (recording(make, parent) for parent in (studio, session, lobby))
    client = make.client(ed)
    card = client.get(f"/streams/{studio.pk}/").content.decode()
    assert f"/recordings/{own.pk}/" in card and f"/recordings/{of_session.pk}/" in card
    assert f"/recordings/{other.pk}/" not in card and "Show all" not in card
    for parent, found in ((studio, {own, of_session}), (session, {of_session}), (lobby, {other})):
        page = client.get(f"/recordings/?parent={parent.pk}").content.decode()
        assert {one for one in (own, of_session, other) if f'id="resource-{one.pk}"' in page} == found
        assert str(parent) in page.partition('class="chips"')[2]
        told = json.loads(client.get(f"/api/v1/recordings?parent={parent.pk}").content)
        assert {row["id"] for row in told["items"]} == {one.pk for one in found}
    assert client.get("/api/v1/recordings?parent=x").status_code == 422
    assert client.get("/recordings/?parent=x").status_code == 200


def test_many_are_one_link_away_and_hidden_ones_stay_hidden(
    make: Make, ed: Account, nell: Account, studio: Resource
) -> None:
    made = [recording(make, studio) for _number in range(BELOW + 1)]
    card = make.client(ed).get(f"/streams/{studio.pk}/").content.decode()
    assert f'href="/recordings/?parent={studio.pk}"' in card
    give(nell, made[0], ResourceRole.VIEWER)
    page = make.client(nell).get(f"/recordings/?parent={studio.pk}").content.decode()
    assert page.count('<tr id="resource-') == 1 and "Studio 2" not in page
