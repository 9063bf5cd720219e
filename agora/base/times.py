"""Times as people read them: relative, exact, by day; in the account's time zone and date format."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.utils import dateformat, timezone
from django.utils.translation import get_language, gettext, ngettext
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

# Formats of strftime(3), by the account's choice; a list has two hundred of them.
DATES = {"iso": "%Y-%m-%d", "european": "%d.%m.%Y", "american": "%-m/%-d/%Y"}
CLOCKS = {"iso": "%H:%M", "european": "%H:%M", "american": "%-I:%M %p"}


@pass_context
def exact(context: Context, value: datetime | None, seconds: bool = False) -> str:
    """Date and time in the account's time zone and date format; "Never" for None."""
    if value is None:
        return gettext("Never")
    reader = _reader(context)
    return value.astimezone(reader.zone).strftime(f"{DATES[reader.chosen]} {_clock(reader.chosen, seconds)}")


@pass_context
def clock(context: Context, value: datetime, seconds: bool = True) -> str:
    """Time of day, for logs whose rows stand under their day, and for what ends today."""
    reader = _reader(context)
    return value.astimezone(reader.zone).strftime(_clock(reader.chosen, seconds))


def _clock(chosen: str, seconds: bool) -> str:
    return CLOCKS[chosen].replace("%M", "%M:%S") if seconds else CLOCKS[chosen]


def day(value: datetime | date) -> str:
    """The heading over a day's rows: "Today, Friday 20 November 2026"."""
    local = timezone.localtime(value).date() if isinstance(value, datetime) else value
    name = dateformat.format(local, "l j F Y")
    days = (timezone.localdate() - local).days
    if days == 0:
        return gettext("Today, %(day)s") % {"day": name}
    if days == 1:
        return gettext("Yesterday, %(day)s") % {"day": name}
    return name


def groupby_day(entries: Iterable[Any]) -> list[tuple[date, list[Any]]]:
    """Entries with ``at``, in their order, under the local day of each."""
    zone = timezone.get_current_timezone()
    days = groupby(entries, key=lambda entry: entry.at.astimezone(zone).date())
    return [(one, list(found)) for one, found in days]


UNITS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1))


def in_units(value: timedelta) -> tuple[int, timedelta]:
    """How many of the largest unit (day, hour, minute) that divides it; parts of a minute are left out."""
    unit = next((unit for unit in UNITS if value >= unit and not value % unit), UNITS[-1])
    return value // unit, unit


def length(value: timedelta) -> str:
    """A length of time in words: "8 hours", "90 minutes"."""
    n, unit = in_units(value)
    words = {
        UNITS[0]: ngettext("%(n)d day", "%(n)d days", n),
        UNITS[1]: ngettext("%(n)d hour", "%(n)d hours", n),
        UNITS[2]: ngettext("%(n)d minute", "%(n)d minutes", n),
    }
    return words[unit] % {"n": n}


class Reader:
    """What one page's reader wants of times; asked once, for a list has a hundred of them."""

    def __init__(self, request: Any) -> None:
        self.chosen: str = getattr(getattr(request, "user", None), "date_format", "iso")
        self.zone = timezone.get_current_timezone()
        self.format = f"{DATES[self.chosen]} {CLOCKS[self.chosen]}"
        self.now, self.language = timezone.now().astimezone(self.zone), get_language()
        self.never = Markup('<span class="faint">{}</span>').format(gettext("Never"))


def _reader(context: Context) -> Reader:
    """Kept with the request, as long as that is answered."""
    request = context.get("request")
    kept: Reader | None = getattr(request, "reader_of_times", None)
    if kept is None:
        kept = Reader(request)
        if request is not None:
            request.reader_of_times = kept
    return kept


@pass_context
def reltime(context: Context, value: datetime | None) -> Markup:
    """How long ago, as a ``<time>`` that carries the exact time; "Never" for None."""
    reader = _reader(context)
    if value is None:
        return reader.never
    local = value.astimezone(reader.zone)
    iso, shown = value.isoformat(timespec="seconds"), local.strftime(reader.format)
    words = escape(_ago(local, reader.now, reader.language))
    return Markup(f'<time class="ago" datetime="{iso}" title="{shown}">{words}</time>')  # noqa: S704 - escaped above


def ago(value: datetime) -> str:
    """How long ago in words, such as "12 min ago" or "yesterday"; "in 5 min" for what is to come."""
    zone = timezone.get_current_timezone()
    return _ago(value.astimezone(zone), timezone.now().astimezone(zone), get_language())


def _ago(value: datetime, now: datetime, language: str | None) -> str:
    passed = (now - value).total_seconds()
    minutes = int(abs(passed) // 60)
    days = abs((now.date() - value.date()).days)
    # Last evening is "5 h ago" in the night and "yesterday" in the morning.
    if days == 0 or minutes < 6 * 60:
        return _words(language, "minutes", minutes, passed >= 0)
    return _words(language, "days", days, passed >= 0)


@lru_cache(maxsize=4096)
def _words(language: str | None, unit: str, number: int, past: bool) -> str:
    """The words, kept by language: rows share them, and the catalogues are slow to ask."""
    if unit == "minutes":
        return _minutes_ago(number, past)
    if number == 1:
        return gettext("yesterday") if past else gettext("tomorrow")
    months, years = round(number / 30.44), round(number / 365.25)
    if number < 60:
        text = _either(
            past,
            ngettext("%(n)d day ago", "%(n)d days ago", number),
            ngettext("in %(n)d day", "in %(n)d days", number),
        )
        return text % {"n": number}
    if months < 24:
        text = _either(
            past,
            ngettext("%(n)d month ago", "%(n)d months ago", months),
            ngettext("in %(n)d month", "in %(n)d months", months),
        )
        return text % {"n": months}
    text = _either(
        past, ngettext("%(n)d year ago", "%(n)d years ago", years), ngettext("in %(n)d year", "in %(n)d years", years)
    )
    return text % {"n": years}


def _minutes_ago(minutes: int, past: bool) -> str:
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return _either(past, gettext("%(n)d min ago"), gettext("in %(n)d min")) % {"n": minutes}
    return _either(past, gettext("%(n)d h ago"), gettext("in %(n)d h")) % {"n": minutes // 60}


def _either(past: bool, ago: str, to_come: str) -> str:
    return ago if past else to_come
