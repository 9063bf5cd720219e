"""What an account can reach and why, on its card."""

from django.test import Client
from django.utils import timezone

from accounts.models import Account
from resources.models import Resource
from resources.roles import ResourceRole
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
