"""Times as people read them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from agora.base.jinja import environment
from agora.base.times import ago, day, groupby_day

NOW = datetime(2026, 11, 20, 13, 42, 7, tzinfo=UTC)


def drawn(filter_: str, value: datetime | None, date_format: str = "iso") -> str:
    request: Any = SimpleNamespace(user=SimpleNamespace(date_format=date_format))
    return environment().from_string("{{ value|" + filter_ + " }}").render(request=request, value=value)


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=12), "12 min ago"),
        (timedelta(hours=2), "2 h ago"),
        (timedelta(hours=13), "13 h ago"),
        (timedelta(hours=14), "yesterday"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=59), "59 days ago"),
        (timedelta(days=92), "3 months ago"),
        (timedelta(days=430), "14 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(minutes=-5, seconds=-1), "in 5 min"),
        (timedelta(hours=-3), "in 3 h"),
        (timedelta(days=-1), "tomorrow"),
        (timedelta(days=-3), "in 3 days"),
    ],
)
def test_how_long_ago(passed: timedelta, words: str) -> None:
    with time_machine.travel(NOW, tick=False):
        assert ago(NOW - passed) == words


def test_last_evening_is_hours_ago_in_the_night_and_yesterday_in_the_morning() -> None:
    evening = datetime(2026, 11, 19, 23, 0, tzinfo=UTC)
    with time_machine.travel(datetime(2026, 11, 20, 2, 0, tzinfo=UTC), tick=False):
        assert ago(evening) == "3 h ago"
    with time_machine.travel(datetime(2026, 11, 20, 8, 0, tzinfo=UTC), tick=False):
        assert ago(evening) == "yesterday"


def test_yesterday_follows_the_accounts_time_zone() -> None:
    with time_machine.travel(NOW, tick=False), timezone.override(ZoneInfo("Pacific/Auckland")):
        assert ago(NOW - timedelta(hours=8)) == "yesterday"
        assert day(NOW) == "Today, Saturday 21 November 2026"


def test_reltime_carries_the_exact_time() -> None:
    with time_machine.travel(NOW, tick=False):
        assert drawn("reltime", NOW - timedelta(minutes=12)) == (
            '<time class="ago" datetime="2026-11-20T13:30:07+00:00" title="2026-11-20 13:30">12 min ago</time>'
        )


def test_no_time_is_never() -> None:
    assert drawn("reltime", None) == '<span class="faint">Never</span>'
    assert drawn("exact", None) == "Never"


@pytest.mark.parametrize(
    ("date_format", "short", "long"),
    [
        ("iso", "2026-11-20 13:42", "2026-11-20 13:42:07"),
        ("european", "20.11.2026 13:42", "20.11.2026 13:42:07"),
        ("american", "11/20/2026 1:42 PM", "11/20/2026 1:42:07 PM"),
    ],
)
def test_exact_times_follow_the_accounts_date_format(date_format: str, short: str, long: str) -> None:
    assert drawn("exact", NOW, date_format) == short
    assert drawn("exact(seconds=true)", NOW, date_format) == long


def test_exact_times_of_nobody_are_iso() -> None:
    assert environment().from_string("{{ value|exact }}").render(value=NOW) == "2026-11-20 13:42"


def test_entries_stand_under_their_local_day() -> None:
    late, early = (SimpleNamespace(at=datetime(2026, 11, 20, hour, tzinfo=UTC)) for hour in (23, 1))
    with timezone.override(ZoneInfo("Europe/Zurich")):
        assert [(str(one), found) for one, found in groupby_day([late, early])] == [
            ("2026-11-21", [late]),
            ("2026-11-20", [early]),
        ]
