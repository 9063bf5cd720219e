"""The filters of the two lists of sessions."""

import re
from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agora.base.filters import ListFilter
from agora.base.models import fold
from agora.base.search import containing, matching
from sessions_admin.models import Cause, Method, Session

SAMPLE = 2_000  # accounts looked at to see how common a text is

PERIODS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
PERIOD_LABELS = [("24h", _("Last 24 hours")), ("7d", _("Last 7 days")), ("30d", _("Last 30 days"))]


CAUSES = [(cause.value, cause.label) for cause in Cause if cause not in (Cause.OPEN, Cause.ENDED)]
CAUSES.append((Cause.ENDED.value, _("Ended by somebody")))


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
        """A session's number as the pages write it, the start of an address, or text over the account's fields."""
        if number := re.fullmatch(r"\s*s-(\d{1,18})\s*", value, re.ASCII | re.IGNORECASE):
            return rows.filter(pk=int(number[1]))
        of_account = self._of_accounts(value)
        if re.fullmatch(r"[0-9a-f]*[.:][0-9a-f.:]*", value, re.IGNORECASE):
            return rows.filter(of_account | Q(address__startswith=value.lower()))
        return rows.filter(of_account)

    def _of_accounts(self, value: str) -> Q:
        """A text that many accounts have is looked for while walking the list, one that few have among the accounts.

        Otherwise either would pass all the million sessions or accounts before the first page is full.
        """
        accounts = Session._meta.get_field("account").related_model._default_manager.order_by("pk")
        sample = accounts.filter(pk__in=accounts.values("pk")[:SAMPLE])
        if containing(sample, value).count() > SAMPLE // 100:
            return Q(account__search_text__contains=fold(value))
        return Q(account__in=matching(accounts.order_by(), value).values("pk"))

    def within(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(**{f"{self.when}__gte": timezone.now() - PERIODS[value]})

    @property
    def text(self) -> str:
        return ""  # found by ``searched``: the text is the account's, not the session's


class ClosedFilter(OpenFilter):
    orders = {"closed": "closed_at"}
    default_order = "-closed"
    when = "closed_at"

    cause = django_filters.ChoiceFilter(label=_("Cause"), choices=CAUSES, empty_label=_("Any cause"))
    period = django_filters.ChoiceFilter(
        label=_("Closed"), choices=PERIOD_LABELS, method="within", empty_label=_("Any time")
    )
