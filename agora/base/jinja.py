"""The pages' template language: one Jinja2 environment with icons, links and times.

A variable that is missing is an error, not an empty place; everything is escaped unless it was made as markup here.
"""

import re
import unicodedata
import zlib
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import dateformat, timezone, translation
from django.utils.translation import gettext, ngettext, npgettext, pgettext
from jinja2 import Environment, StrictUndefined, pass_context
from jinja2.runtime import Context
from lucide.jinja import lucide
from markupsafe import Markup

from agora.base import access

# Formats of django.utils.dateformat; {clock} is replaced by the clock with or without seconds.
DATES = {"iso": "Y-m-d", "european": "d.m.Y", "american": "n/j/Y"}
CLOCKS = {"iso": "H:i", "european": "H:i", "american": "g:i A"}
HUES = 8
CURSORS = ("after", "before")


@lru_cache(maxsize=1024)
def icon(name: str, cls: str = "") -> Markup:
    """An icon of the lucide set as inline SVG, hidden from screen readers. Raises IconDoesNotExist."""
    svg = lucide(name, size=None, **{"class": f"i {cls}".strip(), "aria-hidden": "true"})
    return Markup(re.sub(r"\s*\n\s*", "", svg))  # noqa: S704 - drawn by the package, nothing of a person's in it


def url(name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a view. Raises NoReverseMatch."""
    return reverse(name, args=args, kwargs=kwargs)


@pass_context
def url_if_allowed(context: Context, name: str, *args: Any, **kwargs: Any) -> str:
    """The address of a view, or "" when this request's person may not call it."""
    return access.url_if_allowed(_request(context), name, *args, **kwargs)


@pass_context
def querystring(context: Context, **changes: Any) -> str:
    """This page's parameters with changes, as ``?a=1&b=2``; None removes one, a list sets several.

    The cursors ``after`` and ``before`` belong to one order and filter of a list: any other change drops them.
    """
    params = _request(context).GET.copy()
    for cursor in CURSORS if changes else ():
        params.pop(cursor, None)
    for name, value in changes.items():
        params.pop(name, None)
        if isinstance(value, (list, tuple)):
            params.setlist(name, [str(one) for one in value])
        elif value is not None:
            params[name] = str(value)
    return f"?{params.urlencode()}"


def _request(context: Context) -> HttpRequest:
    request: HttpRequest | None = context.get("request")
    if request is None:
        raise RuntimeError("This macro needs the page's request. Import it 'with context'.")
    return request


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
def clock(context: Context, value: datetime) -> str:
    """Time of day with seconds, for logs whose rows stand under their day."""
    return dateformat.format(timezone.localtime(value), _clock(_preference(context), seconds=True))


def _clock(chosen: str, seconds: bool) -> str:
    return CLOCKS[chosen].replace("i", "i:s") if seconds else CLOCKS[chosen]


def day(value: datetime | date) -> str:
    """ "Today, Friday 20 November 2026": the heading over a day's rows."""
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
    return Markup('<time class="ago" datetime="{}" title="{}">{}</time>').format(
        value.isoformat(timespec="seconds"), exact(context, value), ago(value)
    )


def ago(value: datetime) -> str:
    """ "12 min ago", "yesterday", "3 months ago", or "in 5 min" for what is to come, in the account's time zone."""
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


@lru_cache(maxsize=4096)
def avatar_hue(text: str) -> int:
    """One of eight colours, always the same one for the same text."""
    return zlib.crc32(str(text).encode("utf-8", "replace")) % HUES + 1


@lru_cache(maxsize=4096)
def initials(text: str) -> str:
    """One or two capital letters for a name or a username: "Miriam Keller" → MK, "a.nwosu" → AN."""
    name = unicodedata.normalize("NFC", str(text)).split("@")[0]
    words = re.findall(r"[^\W_]+", name)
    return "".join(word[0] for word in dict.fromkeys([words[0], words[-1]])).upper()[:2] if words else "?"


def text_direction() -> str:
    """ "rtl" for languages written from right to left, else "ltr"; for ``<html dir>``."""
    return "rtl" if translation.get_language_bidi() else "ltr"


def environment(**options: Any) -> Environment:
    """For Django's Jinja2 backend (TEMPLATES, OPTIONS, environment)."""
    env = Environment(  # noqa: S701 - the backend passes autoescape=True; the next line makes sure of it
        **{**options, "autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True},
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext, ngettext, newstyle=True, pgettext=pgettext, npgettext=npgettext
    )
    env.globals.update(
        icon=icon,
        language=translation.get_language,
        now=timezone.now,
        querystring=querystring,
        static=static,
        text_direction=text_direction,
        time_zone=timezone.get_current_timezone_name,
        url=url,
        url_if_allowed=url_if_allowed,
    )
    env.filters.update(
        avatar_hue=avatar_hue,
        clock=clock,
        day=day,
        exact=exact,
        groupby_day=groupby_day,
        initials=initials,
        reltime=reltime,
    )
    return env
