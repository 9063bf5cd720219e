"""The bars over the log: what the filter shows, at a bounded cost, and honest about it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from agora.base.actor import Actor
from audit import histogram as module
from audit.filters import AuditFilter
from audit.histogram import Histogram, histogram
from audit.models import Entry, Outcome
from audit.services import record
from tests.conftest import Make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def write(ago: timedelta, name: str = "ada", outcome: Outcome = Outcome.SUCCESS) -> Entry:
    return record("account.created", actor=Actor(name=name, at=NOW - ago), outcome=outcome)


def drawn(query: str, now: datetime = NOW) -> Histogram:
    return histogram(AuditFilter(QueryDict(query), queryset=Entry.objects.all()), now=now)


def test_each_entry_is_counted_once_in_the_bar_of_its_time() -> None:
    for hours in (0, 1, 23, 25):
        write(timedelta(hours=hours))
    write(timedelta(hours=1), outcome=Outcome.FAILED)
    write(timedelta(hours=1), outcome=Outcome.DENIED)
    counted = drawn("start=2026-11-19T12:00&end=2026-11-20T13:00")
    assert (counted.total, counted.failed, counted.complete, len(counted.bars)) == (5, 2, True, 48)
    assert [(bar.total, bar.failed) for bar in counted.bars if bar.total] == [(1, 0), (3, 2), (1, 0)]
    assert counted.bars[-1].total == 1


def test_the_filter_counts_as_in_the_list() -> None:
    write(timedelta(hours=1), "ada")
    write(timedelta(hours=1), "adam")
    write(timedelta(hours=1), "ed", Outcome.DENIED)
    assert drawn("actor=ADA").total == 1
    assert drawn("q=ada").total == 2
    assert drawn("outcome=denied").failed == 1
    assert drawn("session=7").total == 0


def test_of_a_long_log_the_newest_entries_are_counted_and_that_is_said(
    make: Make, sam: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    for minutes in range(15):
        write(timedelta(minutes=minutes))
    counted = drawn("")
    assert (counted.total, counted.complete) == (10, False)
    assert counted.bars[0].start == NOW - timedelta(minutes=9)
    page = make.client(sam).get("/audit/histogram/").content.decode()
    assert "Only the newest" in page


def test_a_rare_text_is_counted_in_the_whole_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    for minutes in range(15):
        write(timedelta(minutes=minutes))
    write(timedelta(days=9), "zgraggen")
    write(timedelta(days=10), "zgraggen", Outcome.FAILED)
    for query in ("q=zgra", "actor=zgraggen", "actor=zgraggen&q=created"):
        counted = drawn(query)
        assert (counted.total, counted.failed, counted.complete) == (2, 1, True), query
        assert counted.bars[0].start == NOW - timedelta(days=10)


def test_an_empty_log_and_a_range_to_come_have_no_bars(make: Make, sam: Account) -> None:
    client = make.client(sam)
    for query in ("", "?start=2998-01-01T00:00", "?end=1970-01-02T00:00"):
        page = client.get(f"/audit/histogram/{query}")
        assert page.status_code == 200
        assert "There are no entries." in page.content.decode()


def test_the_bars_are_drawn_with_failures_stacked(make: Make, sam: Account) -> None:
    record("account.created", actor=Actor(at=timezone.now() - timedelta(days=2)))
    record("account.created", actor=Actor(at=timezone.now() - timedelta(days=3)), outcome=Outcome.FAILED)
    client: Client = make.client(sam)
    page = client.get("/audit/histogram/?period=7d", headers={"HX-Request": "true"}).content.decode()
    assert (page.count('<rect class="n"'), page.count('<rect class="f"')) == (1, 1)
    assert "<html" not in page and "style=" not in page
    assert "1 event, 0 failed or denied" in page and "1 event, 1 failed or denied" in page
    assert "<b>2</b> events" in page
    page = client.get("/audit/histogram/?period=7d&outcome=failed").content.decode()
    assert "<b>1</b> event<" in page
