"""The filter of the audit log."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField

from agora.base.filters import ListFilter
from agora.base.pages import Planned, PlannedRows
from agora.base.search import containing
from audit.events import EVENTS
from audit.models import Entry, EntryQuerySet, Outcome

PERIODS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}


YEARS = range(1970, 3000)

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)  # around all that is recorded

whole_log = Planned("agora_log", Entry, Entry.objects.all)
log_between = Planned("agora_log_between", Entry, Entry.objects.all().between, datetime, datetime)


def event_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """All declared events, under the noun that each begins with."""
    return _choices(get_language(), len(EVENTS))


@lru_cache(maxsize=64)
def _choices(language: str | None, declared: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Kept by language: every page of the log offers them all."""
    names = groupby(sorted(EVENTS), key=lambda name: name.partition(".")[0])
    return [(noun, [(name, f"{name} · {EVENTS[name]}") for name in found]) for noun, found in names]


class MomentField(IsoDateTimeField):  # type: ignore[misc]  # django-filter has no types
    """A time in the reader's time zone, within what every database and calendar can hold."""

    def clean(self, value: Any) -> datetime | None:
        found: datetime | None = super().clean(value)
        if found and found.year not in YEARS:
            raise forms.ValidationError(_("Choose a time between the years 1970 and 2999."))
        return found


class MomentFilter(django_filters.IsoDateTimeFilter):  # type: ignore[misc]
    field_class = MomentField


class SessionField(forms.IntegerField):
    """A session's number, also as the pages write it: s-123."""

    widget = forms.TextInput
    prefix = "s-"
    default_error_messages = {"invalid": _("Enter the number of a session, such as s-123.")}

    def to_python(self, value: Any) -> int | None:
        return super().to_python(str(value or "").strip().lower().removeprefix(self.prefix))


class SessionFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = SessionField


class ElevationField(SessionField):
    """The number of an impersonation or admin mode, also as the pages write it: e-123."""

    prefix = "e-"
    default_error_messages = {"invalid": _("Enter the number of an impersonation or admin mode, such as e-123.")}


class ElevationFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = ElevationField


class AddressField(forms.GenericIPAddressField):
    """One address, in the spelling in which entries hold it."""

    default_error_messages = {"invalid": _("Enter a whole IPv4 or IPv6 address. The search finds parts of one.")}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(unpack_ipv4=True, **kwargs)


class AddressFilter(django_filters.Filter):  # type: ignore[misc]
    field_class = AddressField


def moment(**attrs: str) -> forms.DateTimeInput:
    return forms.DateTimeInput(attrs={"type": "datetime-local", **attrs}, format="%Y-%m-%dT%H:%M")


class AuditFilter(ListFilter):
    """Everything about the log's list stands in the URL; times are read in the reader's time zone."""

    orders = {"at": "at"}
    default_order = "-at"

    period = django_filters.ChoiceFilter(
        label=_("Period"),
        choices=[
            ("1h", _("Last hour")),
            ("24h", _("Last 24 hours")),
            ("7d", _("Last 7 days")),
            ("30d", _("Last 30 days")),
        ],
        method="searched",
        empty_label=_("Any time"),
    )
    start = MomentFilter(label=_("From"), method="searched", widget=moment())
    end = MomentFilter(label=_("To"), method="searched", widget=moment())
    event = django_filters.MultipleChoiceFilter(label=_("Events"), choices=event_choices, method="named")
    outcome = django_filters.ChoiceFilter(label=_("Outcome"), choices=Outcome.choices, empty_label=_("Any outcome"))
    actor = django_filters.CharFilter(label=_("Actor"), method="searched", max_length=150)
    session = SessionFilter(label=_("Session"), field_name="session_id", min_value=1, max_value=2**62)
    elevation = ElevationFilter(
        label=_("Impersonation or admin mode"), field_name="elevation_id", min_value=1, max_value=2**62
    )
    address = AddressFilter(label=_("Address"), method="searched", max_length=45)

    def named(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        return rows.filter(event__in=value) if value else rows

    @property
    def range(self) -> tuple[datetime | None, datetime | None]:
        """From (included) and to (not included); a period counts back from now and narrows the two further."""
        values = self.values
        start, end = values.get("start"), values.get("end")
        if period := values.get("period"):
            since = timezone.now() - PERIODS[period]
            start = max(since, start) if start else since
        return start, end

    @property
    def complaints(self) -> list[str]:
        start, end = self.values.get("start"), self.values.get("end")
        if start and end and start >= end:
            return [*super().complaints, gettext("From is not before To, so no entry can match. Change one of them.")]
        return super().complaints

    @property
    def qs(self) -> EntryQuerySet:
        """What indexes answer, before the texts and ``exact``."""
        return super().qs.between(*self.range)  # type: ignore[no-any-return]

    def planned(self) -> PlannedRows[Any] | None:
        """Also where a time alone was chosen, by which people go back in the log."""
        chosen = self.chosen.keys()
        if chosen and chosen <= {"period", "start", "end"} and isinstance(self.queryset, PlannedRows):
            start, end = self.range
            return log_between(start or EARLIEST, end or LATEST)
        return super().planned()

    @property
    def texts(self) -> list[str]:
        """An actor and an address are found by the text index, too."""
        values = self.values
        return [*super().texts, *(str(values[name]) for name in ("actor", "address") if values.get(name))]

    @property
    def exact(self) -> Q:
        values = self.values
        actor = Q(actor_name__iexact=values["actor"]) if values.get("actor") else Q()
        return actor & Q(address=values["address"]) if values.get("address") else actor

    @property
    def found(self) -> QuerySet[Any]:
        """Every row that the filter shows, in no order and at no bounded cost: for exports."""
        return containing(self.qs, self.texts).filter(self.exact)

    def label(self, name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
        if name == "event":
            return ", ".join(value)
        if name == "session":
            return f"s-{value}"
        if name == "elevation":
            return f"e-{value}"
        return super().label(name, value)
