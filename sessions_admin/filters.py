"""The filters of the two lists of sessions."""

from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agora.base.filters import ListFilter
from agora.base.models import fold
from sessions_admin.models import Cause, Method

PERIODS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
PERIOD_LABELS = [("24h", _("Last 24 hours")), ("7d", _("Last 7 days")), ("30d", _("Last 30 days"))]


class OpenFilter(ListFilter):
    orders = {"opened": "opened_at", "seen": "last_seen_at"}
    default_order = "-opened"
    when = "opened_at"

    method = django_filters.ChoiceFilter(
        label=_("Method"), choices=[c for c in Method.choices if c[0]], empty_label=_("Any method")
    )
    period = django_filters.ChoiceFilter(
        label=_("Opened"), choices=PERIOD_LABELS, method="within", empty_label=_("Any time")
    )

    def searched(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Text over the account's searched fields, and the start of an address."""
        return rows.filter(Q(account__search_text__contains=fold(value)) | Q(address__istartswith=value))

    def within(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.when}__gte": timezone.now() - PERIODS[value]})

    @property
    def text(self) -> str:
        return ""  # found by ``searched``: the text is the account's, not the session's


class ClosedFilter(OpenFilter):
    orders = {"closed": "closed_at"}
    default_order = "-closed"
    when = "closed_at"

    cause = django_filters.ChoiceFilter(
        label=_("Cause"), choices=[c for c in Cause.choices if c[0]], empty_label=_("Any cause")
    )
    period = django_filters.ChoiceFilter(
        label=_("Closed"), choices=PERIOD_LABELS, method="within", empty_label=_("Any time")
    )
