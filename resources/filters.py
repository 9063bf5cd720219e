"""The filters of the lists of resources."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from agora.base.filters import ListFilter
from resources.models import Resource
from resources.models.recording import State
from resources.models.streamer import Place
from resources.roles import Kind


class ResourceFilter(ListFilter):
    orders = {"name": "label_key", "created": "created_at"}
    default_order = "name"


class ReachFilter(ListFilter):
    """Of everything that one account reaches, the newest first."""

    orders = {"id": "id"}
    default_order = "-id"

    kind = django_filters.ChoiceFilter(
        label=_("Kind"),
        choices=[(kind.value, kind.label) for kind in (Kind.STREAMER, Kind.STREAM, Kind.RECORDING)],
        empty_label=_("Any kind"),
    )


class StreamerFilter(ResourceFilter):
    place = django_filters.ChoiceFilter(
        label=_("Kind"), field_name="streamer__place", choices=Place.choices, empty_label=_("Any kind")
    )


class RecordingFilter(ResourceFilter):
    state = django_filters.ChoiceFilter(
        label=_("State"), field_name="recording__state", choices=State.choices, empty_label=_("Any state")
    )


class StreamFilter(ResourceFilter):
    """``streamer`` is the id of a streamer, as its card's link names it."""

    streamer = django_filters.NumberFilter(
        label=_("Streamer"), field_name="parent", method="of_streamer", min_value=1, max_value=2**62
    )
    enabled = django_filters.ChoiceFilter(
        label=_("State"),
        field_name="stream__enabled",
        choices=[("true", _("Enabled")), ("false", _("Disabled"))],
        method="in_state",
        empty_label=_("Any state"),
    )

    def of_streamer(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return rows.filter(parent=int(value))

    def in_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(stream__enabled=value == "true")

    def label(self, name: str, value: Any) -> str:
        if name == "streamer":
            found = Resource.objects.of_kind(Kind.STREAMER).filter(pk__in=self.qs.values("parent")[:1]).first()
            return str(found or int(value))
        return super().label(name, value)


FILTERS: dict[Kind, type[ResourceFilter]] = {
    Kind.STREAMER: StreamerFilter,
    Kind.STREAM: StreamFilter,
    Kind.RECORDING: RecordingFilter,
}
