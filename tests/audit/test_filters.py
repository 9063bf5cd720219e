"""What stands in the URL of the log: read kindly, and where it makes no sense, said so."""

import html
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from agora.base.actor import Actor, Origin
from audit.events import EVENTS
from audit.models import Entry, Outcome
from audit.services import record
from sessions_admin.models import Session
from tests.conftest import Make

pytestmark = pytest.mark.django_db
LIST, BARS, EXPORT = "/audit/", "/audit/histogram/", "/audit/export/"


@pytest.fixture
def client(make: Make, sam: Account) -> Client:
    return make.client(sam)


def names(client: Client, **query: object) -> list[str]:
    """The targets on the page of the log, as it is drawn."""
    page = client.get(LIST, query).content.decode()
    return [entry.target_name for entry in Entry.objects.order_by("-at", "-id") if f'id="entry-{entry.pk}"' in page]


def write(name: str, *, address: str = "192.0.2.7", session: int | None = None, **fields: object) -> Entry:
    actor = Actor(name="system", origin=Origin(address=address), session_id=session)
    return record("account.created", actor=actor, target_name=name, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["77", "s-77", " S-77 "])
def test_a_session_is_found_by_its_number_as_the_pages_write_it(client: Client, text: str) -> None:
    write("in it", session=77)
    write("in another", session=7)
    assert names(client, session=text) == ["in it"]


@pytest.mark.parametrize("text", ["2001:db8::1", "2001:DB8:0:0::1", "2001:0db8:0000::0001"])
def test_an_address_is_found_however_it_is_spelled(client: Client, text: str) -> None:
    write("from there", address="2001:db8::1")
    write("from elsewhere", address="2001:db8::2")
    assert names(client, address=text) == ["from there"]


def test_a_part_of_an_address_is_for_the_search(client: Client) -> None:
    write("from there", address="10.20.30.40")
    write("from elsewhere")
    assert "whole IPv4 or IPv6 address" in client.get(LIST, {"address": "10.20"}).content.decode()
    assert names(client, q="10.20.") == ["from there"]


def test_an_actor_is_found_whatever_the_case_and_never_by_a_part(client: Client, make: Make, sam: Account) -> None:
    record("account.created", actor=make.actor(sam), target_name="by sam")
    record("account.created", actor=make.actor(make.account("samuel")), target_name="by samuel")
    assert names(client, actor="SAM") == ["by sam"]


def test_a_period_and_a_range_both_count(client: Client) -> None:
    now = timezone.now()
    for hours in (30, 3, 1):
        record("account.created", actor=Actor(at=now - timedelta(hours=hours)), target_name=f"{hours} h")
    end = f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M}"
    assert names(client, period="24h", end=end) == ["3 h"]


def test_the_outcome_of_several_events(client: Client) -> None:
    write("good")
    write("bad", outcome=Outcome.DENIED)
    assert names(client, outcome="denied", event=["account.created", "account.locked"]) == ["bad"]


def test_every_event_can_be_ticked_under_its_noun(client: Client) -> None:
    page = html.unescape(client.get(LIST, {"event": ["account.locked", "session.opened"]}).content.decode())
    groups = {part.partition('"')[0]: part for part in page.split('role="group" aria-label="')}
    for name in EVENTS:
        assert f'name="event" value="{name}"' in groups[name.partition(".")[0]]
    assert page.count(" checked>") == 2
    assert "Events: account.locked, session.opened" in page


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "UTC"])
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"start": "0001-01-01T00:00"}, "From: Choose a time between the years 1970 and 2999."),
        ({"end": "9999-12-31T23:59"}, "To: Choose a time between the years 1970 and 2999."),
        ({"start": "2026-13-45T99:99"}, "From: Enter a valid date/time."),
        ({"start": "2026-11-20T12:00", "end": "2026-11-20T12:00"}, "From is not before To"),
        ({"event": "nope.never"}, "nope.never is not one of the available choices"),
        ({"outcome": "maybe"}, "maybe is not one of the available choices"),
        ({"session": "s-x"}, "Session: Enter the number of a session, such as s-123."),
        ({"session": "9" * 40}, "Session: Ensure this value is less than or equal to"),
        ({"address": "999.1.1.1"}, "Address: Enter a whole IPv4 or IPv6 address."),
        ({"actor": "x" * 151}, "Actor: Ensure this value has at most 150 characters"),
        ({"q": "x" * 10_000}, "Search: Ensure this value has at most 200 characters"),
        ({"q": "a\0b"}, "Search: Null characters are not allowed."),
    ],
)
def test_what_makes_no_sense_is_said_on_every_page_of_the_log(
    client: Client, sam: Account, zone: str, query: dict[str, str], sentence: str
) -> None:
    sam.time_zone = zone
    sam.save()
    shown = client.get(LIST, query)
    assert shown.status_code == 200
    assert sentence in html.unescape(shown.content.decode())
    assert client.get(BARS, query).status_code == 200
    assert client.get(BARS, query, headers={"HX-Request": "true"}).status_code == 200


def test_a_filter_that_makes_no_sense_is_not_exported_as_everything(client: Client) -> None:
    write("not asked for")
    answer = client.post(f"{EXPORT}?outcome=maybe", {"format": "csv"})
    assert answer.status_code == 400
    assert "maybe is not one of the available choices" in html.unescape(answer.content.decode())
    assert not Entry.objects.filter(event="audit.exported").exists()


@pytest.mark.parametrize("cursor", ["x", "W10", "%00", "WyIyMDI2LTExLTIxIiwiYSJd", "W251bGwsIG51bGxd"])
@pytest.mark.parametrize("side", ["after", "before"])
def test_a_damaged_page_link_is_a_sentence(client: Client, side: str, cursor: str) -> None:
    answer = client.get(f"{LIST}?{side}={cursor}")
    assert answer.status_code == 400
    assert "This page link is damaged." in answer.content.decode()


@pytest.mark.parametrize("bounds", [("1970-01-01T00:00", "2999-12-31T23:59"), ("2999-01-01T00:00", "")])
def test_the_widest_range_is_drawn(client: Client, bounds: tuple[str, str]) -> None:
    write("now")
    query = {"start": bounds[0], "end": bounds[1]}
    assert client.get(LIST, query).status_code == 200
    assert client.get(BARS, query, headers={"HX-Request": "true"}).status_code == 200


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "edcba"),
        ({"end": "2026-11-03T12:00"}, "ba"),  # not included
        ({"start": "2026-11-03T12:00"}, "edc"),
        ({"start": "2026-11-02T12:00", "end": "2026-11-04T12:00"}, "cb"),
        ({"period": "24h"}, "ed"),
        ({"period": "24h", "end": "2026-11-05T12:00"}, "d"),
        ({"end": "2026-11-04T12:00", "outcome": "denied"}, "a"),
        ({"start": "2026-11-04T12:00", "end": "2026-11-02T12:00"}, ""),
        ({"end": "1970-01-01T00:00"}, ""),
        ({"start": "2999-12-31T23:59"}, ""),
    ],
)
def test_a_time_alone_and_with_other_filters(client: Client, query: dict[str, str], found: str) -> None:
    for day, name in enumerate("abcde", start=1):
        with time_machine.travel(datetime(2026, 11, day, 12, tzinfo=UTC), tick=False):
            write(name, outcome=Outcome.DENIED if name == "a" else Outcome.SUCCESS)
    with time_machine.travel(datetime(2026, 11, 5, 12, tzinfo=UTC), tick=False):
        Session.objects.update(opened_at=timezone.now(), last_seen_at=timezone.now())
        seen = [name for name in names(client, **query) if len(name) == 1]
    assert "".join(seen) == found
