"""The log's pages: filter, expand, turn the pages."""

import base64
import html
import re
import zoneinfo
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.http import HttpResponse, QueryDict
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.services import locks
from agora.base.actor import Actor
from audit.filters import AuditFilter
from audit.models import Entry, Outcome
from audit.services import record
from tests.conftest import Make

pytestmark = pytest.mark.django_db


def write(event: str, name: str, *, ago: timedelta = timedelta(0), outcome: Outcome = Outcome.SUCCESS) -> Entry:
    actor = Actor(name=name, at=timezone.now() - ago)
    return record(event, actor=actor, outcome=outcome, target_name=f"target of {name}")


def shown(client: Client, query: str) -> list[str]:
    """The actors on the page, in its order."""
    return [Entry.objects.get(pk=pk).actor_name for pk in entries(client.get(f"/audit/?{query}"))]


def entries(answer: HttpResponse) -> list[int]:
    """The ids of the entries on a page."""
    return [int(pk) for pk in re.findall(r'<tr id="entry-(\d+)"', answer.content.decode())]


def cursor(answer: HttpResponse, name: str) -> str:
    """The address of the page that a link leads to; empty without one."""
    found = re.search(rf'rel="{name}" href="([^"]+)"', answer.content.decode())
    return html.unescape(found[1]) if found else ""


@pytest.fixture
def log(sam: Account, make: Make) -> Client:
    write("account.locked", "old-one", ago=timedelta(days=40))
    write("session.opened", "week-one", ago=timedelta(days=3), outcome=Outcome.FAILED)
    write("account.created", "new-one", outcome=Outcome.DENIED)
    return make.client(sam)


@pytest.mark.parametrize(
    ("query", "actors"),
    [
        ("", ["new-one", "week-one", "old-one"]),
        ("period=24h", ["new-one"]),
        ("period=7d", ["new-one", "week-one"]),
        ("event=account.locked&event=session.opened", ["week-one", "old-one"]),
        ("outcome=failed", ["week-one"]),
        ("actor=old-one", ["old-one"]),
        ("actor=OLD", []),
        ("q=WEEK", ["week-one"]),
        ("q=of+new", ["new-one"]),
        ("address=192.0.2.99", []),
        ("session=77", []),
    ],
)
def test_the_filter_of_the_url(log: Client, query: str, actors: list[str]) -> None:
    assert shown(log, query) == actors


def test_a_date_range_is_read_in_the_readers_time_zone(log: Client, sam: Account) -> None:
    sam.time_zone = "Pacific/Auckland"
    sam.save()
    entry = Entry.objects.get(actor_name="week-one")
    local = entry.at.astimezone(zoneinfo.ZoneInfo("Pacific/Auckland"))
    start, end = (f"{local + shift:%Y-%m-%dT%H:%M}" for shift in (timedelta(0), timedelta(minutes=1)))
    assert shown(log, f"start={start}&end={end}") == ["week-one"]


@pytest.mark.parametrize(
    "query",
    ["start=yesterday", "event=nope.never", "outcome=maybe", "session=x", "session=99999999999999999999", "q=%00"],
)
def test_a_filter_that_makes_no_sense_is_named_and_shows_all(log: Client, query: str) -> None:
    page = log.get(f"/audit/?{query}")
    assert page.status_code == 200
    assert AuditFilter(QueryDict(query), queryset=Entry.objects.all()).complaints[0] in html.unescape(
        page.content.decode()
    )
    assert len(entries(page)) == 3


def test_chips_name_each_filter_and_lead_to_the_list_without_it(log: Client) -> None:
    filters = AuditFilter(QueryDict("outcome=failed&q=week"), queryset=Entry.objects.all())
    assert filters.chips() == [("Search: week", "?outcome=failed"), ("Outcome: Failed", "?q=week")]


def test_older_and_newer_pages_hold_every_entry_once(sam: Account, make: Make) -> None:
    for number in range(120):
        write("account.created", f"n{number:03}", ago=timedelta(seconds=number // 3))
    client, seen, older = make.client(sam), [], "?"
    while older:
        page = client.get(f"/audit/{older}")
        seen += entries(page)
        older = cursor(page, "next")
    assert len(seen) == len(set(seen)) == 120
    assert entries(client.get(f"/audit/{cursor(page, 'prev')}")) == seen[50:100]


def test_an_entry_opens_as_a_page_and_as_a_part_of_the_list(make: Make, sam: Account, vic: Account) -> None:
    locks.lock(vic, reason="<b>why</b>", actor=make.actor(sam))
    client, entry = make.client(sam), Entry.objects.get(event="account.locked")
    page = client.get(f"/audit/{entry.pk}/").content.decode()
    part = client.get(f"/audit/{entry.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" in page
    assert "<html" not in part
    assert "&lt;b&gt;why&lt;/b&gt;" in page
    assert "&lt;b&gt;why&lt;/b&gt;" in part
    assert f'href="/accounts/{vic.pk}/"' in page


def test_a_list_costs_the_same_queries_with_1_and_with_11_rows(
    make: Make, sam: Account, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client = make.client(sam)
    for number in (1, 10):
        for row in range(number):
            write("account.created", f"n{row}")
        with django_assert_max_num_queries(3):  # type: ignore[attr-defined]
            client.get("/audit/")


@pytest.mark.parametrize("address", ["/audit/?outcome=denied", "/sessions/?q=nell", "/sessions/?tab=closed"])
def test_past_the_end_of_a_list_is_said_and_not_that_nothing_matches(log: Client, address: str) -> None:
    past = base64.urlsafe_b64encode(b'["2000-01-01T00:00:00Z","1"]').decode().rstrip("=")
    page = log.get(f"{address}&after={past}").content.decode()
    assert "This page is past the end of the list." in page
    assert f'href="?{address.split("?")[1]}">To the start of the list' in page
    assert "matches" not in page
