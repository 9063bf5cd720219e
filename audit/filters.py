"""The filter of the audit log."""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agora.base.filters import ListFilter
from audit.events import EVENTS
from audit.models import Outcome

PERIODS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}


def event_choices() -> list[tuple[str, str]]:
    """All declared events by name."""
    return [(name, f"{name} · {EVENTS[name]}") for name in sorted(EVENTS)]


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
    start = django_filters.IsoDateTimeFilter(label=_("From"), method="searched", widget=moment())
    end = django_filters.IsoDateTimeFilter(label=_("To"), method="searched", widget=moment())
    event = django_filters.MultipleChoiceFilter(label=_("Events"), choices=event_choices, method="named")
    outcome = django_filters.ChoiceFilter(label=_("Outcome"), choices=Outcome.choices, empty_label=_("Any outcome"))
    actor = django_filters.CharFilter(label=_("Actor"), field_name="actor_name", max_length=150)
    session = django_filters.NumberFilter(
        label=_("Session"), field_name="session_id", min_value=1, max_value=2**62, widget=forms.TextInput
    )
    address = django_filters.CharFilter(label=_("Address"), method="from_address", max_length=45)

    def named(self, rows: QuerySet[Any], name: str, value: list[str]) -> QuerySet[Any]:
        return rows.filter(event__in=value) if value else rows

    def from_address(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        try:
            return rows.filter(address=str(ipaddress.ip_address(value)))
        except ValueError:
            return rows.none()

    @property
    def range(self) -> tuple[datetime | None, datetime | None]:
        """From (included) and to (not included); a period counts back from now and wins."""
        values = self.values
        if period := values.get("period"):
            return timezone.now() - PERIODS[period], None
        return values.get("start"), values.get("end")

    @property
    def qs(self) -> QuerySet[Any]:
        return super().qs.between(*self.range)  # type: ignore[no-any-return]

    @property
    def text(self) -> str:
        """The rarest word at hand: an actor or an address is found through the text index, then compared exactly."""
        values = self.values
        return super().text or str(values.get("actor") or values.get("address") or "")

    def label(self, name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
        if name == "event":
            return ", ".join(value)
        return super().label(name, value)
