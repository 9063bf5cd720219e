"""Times as people read them: relative, exact, by day; in the account's time zone and date format."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.utils import dateformat, timezone
from django.utils.translation import gettext, ngettext
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

# Formats of django.utils.dateformat, by the account's choice.
DATES = {"iso": "Y-m-d", "european": "d.m.Y", "american": "n/j/Y"}
CLOCKS = {"iso": "H:i", "european": "H:i", "american": "g:i A"}


def _preference(context: Context) -> str:
    user = getattr(context.get("request"), "user", None)
    chosen: str = getattr(user, "date_format", "iso")
    return chosen


@pass_context
def exact(context: Context, value: datetime | None, seconds: bool = False) -> str:
    """Date and time in the account's time zone and date format; "Never" for None."""
    if value is None:
        return gettext("Never")
    chosen = _preference(context)
    return dateformat.format(timezone.localtime(value), f"{DATES[chosen]} {_clock(chosen, seconds)}")


@pass_context
def clock(context: Context, value: datetime, seconds: bool = True) -> str:
    """Time of day, for logs whose rows stand under their day, and for what ends today."""
    return dateformat.format(timezone.localtime(value), _clock(_preference(context), seconds=seconds))


def _clock(chosen: str, seconds: bool) -> str:
    return CLOCKS[chosen].replace("i", "i:s") if seconds else CLOCKS[chosen]


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
    days = groupby(entries, key=lambda entry: timezone.localtime(entry.at).date())
    return [(one, list(found)) for one, found in days]


@pass_context
def reltime(context: Context, value: datetime | None) -> Markup:
    """How long ago, as a ``<time>`` that carries the exact time; "Never" for None."""
    if value is None:
        return Markup('<span class="faint">{}</span>').format(gettext("Never"))
    facts = value.isoformat(timespec="seconds"), exact(context, value), ago(value)
    return Markup('<time class="ago" datetime="%s" title="%s">%s</time>') % facts  # twice as fast as format()


def ago(value: datetime) -> str:
    """How long ago in words, such as "12 min ago" or "yesterday"; "in 5 min" for what is to come."""
    now = timezone.now()
    passed = now - value
    past = passed >= timedelta(0)
    days = abs((timezone.localtime(now).date() - timezone.localtime(value).date()).days)
    minutes = int(abs(passed).total_seconds() // 60)
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return (gettext("%(n)d min ago") if past else gettext("in %(n)d min")) % {"n": minutes}
    # Last evening is "5 h ago" in the night and "yesterday" in the morning.
    if days == 0 or minutes < 6 * 60:
        return (gettext("%(n)d h ago") if past else gettext("in %(n)d h")) % {"n": minutes // 60}
    if days == 1:
        return gettext("yesterday") if past else gettext("tomorrow")
    if days < 60:
        text = (
            ngettext("%(n)d day ago", "%(n)d days ago", days)
            if past
            else ngettext("in %(n)d day", "in %(n)d days", days)
        )
        return text % {"n": days}
    months = round(days / 30.44)
    if months < 24:
        text = (
            ngettext("%(n)d month ago", "%(n)d months ago", months)
            if past
            else ngettext("in %(n)d month", "in %(n)d months", months)
        )
        return text % {"n": months}
    years = round(days / 365.25)
    text = (
        ngettext("%(n)d year ago", "%(n)d years ago", years)
        if past
        else ngettext("in %(n)d year", "in %(n)d years", years)
    )
    return text % {"n": years}
