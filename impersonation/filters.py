"""The filters of the list to choose from, and of the list of what was."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from agora.base.filters import ListFilter
from sessions_admin.models import ElevationMode


class ChoiceFilter(ListFilter):
    """Accounts to act as."""

    orders = {"username": "username_key", "last_login": "last_login_key"}
    default_order = "username"


class ImpersonationFilter(ListFilter):
    """Impersonations, the newest first."""

    orders = {"started": "started_at"}
    default_order = "-started"

    mode = django_filters.ChoiceFilter(
        label=_("Mode"), choices=[c for c in ElevationMode.choices if c[0]], empty_label=_("Any mode")
    )
    state = django_filters.ChoiceFilter(
        label=_("State"),
        choices=[("running", _("Running")), ("ended", _("Ended"))],
        method="in_state",
        empty_label=_("Running and ended"),
    )

    def in_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(ended_at__isnull=value == "running")
