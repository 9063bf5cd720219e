"""The filter of the outbox."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from agora.base.filters import ListFilter
from mail.models import State


class OutboxFilter(ListFilter):
    orders = {"created": "created_at"}
    default_order = "-created"

    state = django_filters.ChoiceFilter(label=_("State"), choices=State.choices, empty_label=_("Any state"))

    def searched(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The start of the recipient's address."""
        return rows.filter(recipient__istartswith=value)

    @property
    def text(self) -> str:
        return ""  # found by ``searched``
