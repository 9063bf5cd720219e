"""What an account can reach and why, on its card."""

from django.test import Client
from django.utils import timezone

from accounts.models import Account
from resources.models import Resource
from resources.roles import ResourceRole
from resources.services.resources import create_stream
from tests.conftest import Make
from tests.resources.conftest import give, recording


def test_everything_that_is_reached_with_its_reason(
    make: Make, ada: Account, nell: Account, origin: Resource, studio: Resource
) -> None:
    give(nell, studio, ResourceRole.EDITOR)
    give(nell, origin, ResourceRole.VIEWER, ends_at=timezone.now())
    page = make.client(ada).get(f"/accounts/{nell.pk}/resources/").content.decode()
    assert "Studio 2, rehearsal" in page and "origin1" not in page
    assert "nell was given Editor on this resource by root on" in page
    assert "Studio 2" not in make.client(ada).get(f"/accounts/{nell.pk}/resources/?kind=streamer").content.decode()
    assert "Studio 2" in make.client(ada).get(f"/accounts/{nell.pk}/resources/?kind=stream&q=rehears").content.decode()


def test_what_the_system_role_gives_is_listed_too(make: Make, ada: Account, vic: Account, origin: Resource) -> None:
    recording(make, None)
    page = make.client(ada).get(f"/accounts/{vic.pk}/resources/").content.decode()
    assert "origin1.example.com" in page and "Grand rounds" in page
    assert page.count("The system role Viewer gives Viewer here.") == 2


def test_only_administrators_ask(make: Make, sam: Account, vic: Account, nell: Account) -> None:
    for account in (sam, vic):
        assert make.client(account).get(f"/accounts/{nell.pk}/resources/").status_code == 403
    assert Client().get(f"/accounts/{nell.pk}/resources/").status_code == 302


def test_filtered_by_role_and_reason(make: Make, ada: Account, ed: Account, origin: Resource, studio: Resource) -> None:
    give(ed, studio, ResourceRole.VIEWER)
    give(ed, origin, ResourceRole.ADMINISTRATOR)
    made = recording(make, None)
    client = make.client(ada)
    every = {origin, studio, made}
    for query, found in (
        ("role=viewer", {studio}),
        ("role=editor", {made}),
        ("role=administrator", {origin}),
        ("because=grant", {studio, origin}),
        ("because=system_role", {made}),
        ("because=administrator", set()),
        ("because=grant&role=viewer&kind=stream", {studio}),
    ):
        page = client.get(f"/accounts/{ed.pk}/resources/?{query}").content.decode().partition('id="results"')[2]
        assert {one for one in every if f">{one.label}</a>" in page} == found, query
    for query, found in (("role=administrator", every), ("because=grant", set()), ("because=administrator", every)):
        page = client.get(f"/accounts/{ada.pk}/resources/?{query}").content.decode().partition('id="results"')[2]
        assert {one for one in every if f">{one.label}</a>" in page} == found, query


def test_why_about_what_the_account_does_not_reach(
    make: Make, ada: Account, nell: Account, origin: Resource, studio: Resource
) -> None:
    client, address = make.client(ada), f"/accounts/{nell.pk}/resources/"
    card = client.get(address).content.decode()
    assert f'href="{address}"' in card.partition(">Permissions<")[0].rpartition("<a ")[2]
    for name in (str(studio.pk), "studio-2", "STUDIO 2, rehearsal", "rehears"):
        page = client.get(address, {"resource": name, "action": "view"}).content.decode()
        assert "Refused" in page and "The system role None gives None here." in page, name
    give(nell, studio, ResourceRole.EDITOR)
    page = client.get(address, {"resource": "studio-2", "action": "edit"}).content.decode()
    assert "Allowed" in page and "nell was given Editor on this resource by root on" in page
    other = create_stream("studio-22", streamer=origin, actor=make.actor())
    page = client.get(address, {"resource": "studio", "action": "edit"}).content.decode()
    assert "Several are called so" in page and f"&amp;resource={other.pk}#question" in page
    page = client.get(address, {"resource": "nothing", "action": "edit"}).content.decode()
    assert "No resource that you may see is called so." in page
