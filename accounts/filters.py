"""The filter of the list of accounts."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import NEVER, Account
from accounts.roles import Role
from agora.base.filters import ListFilter
from agora.base.pages import Planned, counts_of_all
from agora.base.prepared import Statement

STATES = [("active", _("Active")), ("locked", _("Locked")), ("inactive", _("Inactive"))]

# As the list of those who may see accounts: with their open sessions, by the times that ``still_open`` tells.
everybody = Planned("agora_accounts", Account, Account.objects.all().with_open_sessions, datetime, datetime)


class AccountFilter(ListFilter):
    orders = {
        "username": "username_key",
        "role": "role",
        "last_login": "last_login_key",
        "created": "pk",  # ids follow the time, and have their index anyway
    }
    default_order = "username"

    state = django_filters.ChoiceFilter(label=_("State"), choices=STATES, method="in_state")
    role = django_filters.ChoiceFilter(
        label=_("Role"),
        choices=[*Role.choices, ("superuser", _("Superuser"))],
        method="with_role",
        empty_label=_("Any role"),
    )
    second_factor = django_filters.ChoiceFilter(
        label=_("2FA"),
        choices=[("on", _("2FA on")), ("off", _("2FA off"))],
        method="with_factor",
        empty_label=_("Any 2FA"),
    )
    last_login = django_filters.ChoiceFilter(
        label=_("Last login"),
        choices=[("90", _("Not in 90 days")), ("never", _("Never"))],
        method="seen",
        empty_label=_("Any last login"),
    )

    def in_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return in_state(rows, value)

    def with_role(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(is_superuser=True) if value == "superuser" else rows.filter(role=value)

    def with_factor(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(second_factor=value == "on")

    def seen(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "never":
            return rows.filter(last_login_key=NEVER)
        return rows.filter(last_login_key__lt=timezone.now() - timedelta(days=90))


def in_state(rows: Any, state: str) -> QuerySet[Any]:
    """Active means usable: neither locked nor out of use."""
    chosen: QuerySet[Any] = {"active": rows.usable, "locked": rows.locked, "inactive": rows.inactive}[state]()
    return chosen


@cache
def counting_states() -> Statement:
    """Counts all accounts and those in each state; who may open the list sees them all."""
    rows = Account.objects.all()
    return counts_of_all("agora_count_states", rows, [in_state(rows, state) for state, _label in STATES])
