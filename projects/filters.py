"""The filter of the list of projects."""

from typing import Any, ClassVar

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.filters import ListFilter
from agora.base.search import matching
from projects.roles import ProjectRole


class ProjectFilter(ListFilter):
    orders = {"name": "name_key", "created": "created_at"}
    default_order: ClassVar[str] = "name"

    ownership = django_filters.ChoiceFilter(
        label=_("Whose"),
        choices=[("own", _("Own")), ("joined", _("Joined"))],
        method="whose",
        empty_label=_("Own and joined"),
    )
    role = django_filters.ChoiceFilter(
        label=_("Your role"), choices=ProjectRole.choices, method="with_role", empty_label=_("Any role")
    )
    archived = django_filters.ChoiceFilter(
        label=_("Archive"),
        choices=[("yes", _("Archived")), ("all", _("All"))],
        method="in_archive",
        empty_label=_("Not archived"),
    )
    owner = django_filters.CharFilter(label=_("Owner"), method="owned_by", max_length=150)

    def __init__(self, *args: Any, account_id: int, everything: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.account_id = account_id
        if everything:
            self.filters["ownership"].extra["empty_label"] = _("Everybody’s")
        else:  # who sees only their own needs no search for others
            del self.filters["owner"]

    def whose(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == "own":
            return rows.filter(owner=self.account_id)
        return rows.exclude(owner=self.account_id).filter(role__isnull=False)

    def with_role(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(role=value)

    def in_archive(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows if value == "all" else rows.archived()  # type: ignore[attr-defined]

    def owned_by(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(owner__in=matching(Account.objects.all(), value).order_by().values("pk"))

    @property
    def qs(self) -> Any:
        rows = super().qs
        return rows if self.values.get("archived") else rows.current()
