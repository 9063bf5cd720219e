"""One entry in full: what it tells, and where it leads while that still exists."""

import html

import pytest
from django.test import Client

from accounts.models import Account
from agora.base.actor import Actor
from audit.models import Entry
from audit.services import record
from sessions_admin.models import Session
from tests.conftest import Make

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def shown(client: Client, entry: Entry) -> str:
    answer = client.get(f"/audit/{entry.pk}/", headers=HTMX)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_leads_to_actor_target_and_session(make: Make, ada: Account, sam: Account, vic: Account) -> None:
    make.client(ada).post(f"/accounts/{vic.pk}/lock/")
    session = Session.objects.get(account=ada)
    page = shown(make.client(sam), Entry.objects.get(event="account.locked"))
    for address in (f"/accounts/{vic.pk}/", f"/accounts/{ada.pk}/", f"/sessions/{session.pk}/"):
        assert f'href="{address}"' in page
    assert f'href="/audit/?session={session.pk}"' in page
    assert 'href="/audit/?actor=ada"' in page


def test_it_leads_nowhere_once_they_are_gone(make: Make, ada: Account, sam: Account, vic: Account) -> None:
    make.client(ada).post(f"/accounts/{vic.pk}/lock/")
    session = Session.objects.get(account=ada)
    entry = Entry.objects.get(event="account.locked")
    ada_pk, vic_pk = ada.pk, vic.pk
    client = make.client(sam)
    assert f"/sessions/{session.pk}/" in client.get("/audit/").content.decode()
    ada.delete()
    vic.delete()
    page = shown(client, entry)
    for address in (f"/accounts/{vic_pk}/", f"/accounts/{ada_pk}/", f"/sessions/{session.pk}/"):
        assert f'href="{address}"' not in page
    assert "ada" in page and "vic" in page and f"s-{session.pk}" in page
    assert f"/sessions/{session.pk}/" not in client.get("/audit/").content.decode()
    assert client.get("/audit/", {"actor": "ada"}).content.decode().count('id="entry-') == 1


def test_a_name_with_signs_of_a_url_leads_to_its_own_entries(make: Make, sam: Account) -> None:
    entry = record("account.created", actor=Actor(name="R&D #1 +a"), target_name="by them")
    record("account.created", actor=Actor(name="R"), target_name="by another")
    client = make.client(sam)
    page = html.unescape(shown(client, entry))
    address = page.partition('href="/audit/?actor=')[2].partition('"')[0]
    listed = client.get(f"/audit/?actor={address}").content.decode()
    assert "by them" in listed and "by another" not in listed


def test_it_says_when_to_the_millisecond_in_the_readers_time_zone(make: Make, sam: Account) -> None:
    sam.time_zone = "Asia/Kathmandu"
    sam.save()
    entry = record("account.created", actor=Actor.system())
    assert "+05:45" in shown(make.client(sam), entry)


@pytest.mark.parametrize(
    "details",
    [
        {"changes": None},
        {"changes": ["a", "b", "c"]},
        {"changes": {"name": "no pair", "other": [1, 2]}},
        {"changes": {"name": [1, 2, 3]}},
        {"reason": {"deep": [1, {"er": None}]}, "flag": True, "nothing": None, "text": "</td><script>"},
    ],
)
def test_details_of_any_shape_are_shown(make: Make, sam: Account, details: dict[str, object]) -> None:
    entry = record("account.created", actor=Actor.system(), **details)
    page = shown(make.client(sam), entry)
    assert "<script>" not in page
    assert all(name in page for name in details)


def test_an_event_that_no_app_declares_any_more_is_shown_by_its_name(make: Make, sam: Account) -> None:
    entry = Entry.objects.create(at=Actor.system().at, event="gone.happened", outcome="success")
    client = make.client(sam)
    assert "gone.happened" in shown(client, entry)
    assert "gone.happened" in client.get("/audit/").content.decode()


def test_an_entry_that_nobody_wrote_is_not_found(make: Make, sam: Account) -> None:
    client = make.client(sam)
    for pk in (0, 4711, 10**30):
        assert client.get(f"/audit/{pk}/").status_code == 404
