"""The filters of the lists of resources."""

from datetime import datetime
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.filters import ListFilter
from resources.models import Resource
from resources.models.device import Hardware
from resources.models.recording import State
from resources.models.resource import ResourceQuerySet
from resources.models.stream import StreamState
from resources.models.stream_session import Direction, Protocol
from resources.models.streamer import SILENT, Contact, Place
from resources.roles import Because, Kind, ResourceRole, grants_matter


class ResourceFilter(ListFilter):
    """``seen``: what the person may see; a filter by what they may not see shows its number, not its name."""

    orders = {"name": "label_key", "created": "created_at"}
    default_order = "name"
    seen: QuerySet[Resource] | None = None

    def named(self, pk: int) -> str:
        """What the resource is called."""
        found = None if self.seen is None else self.seen.filter(pk=pk).first()
        return str(found or pk)


class ReachFilter(ListFilter):
    """Of everything that one account reaches at this moment, the newest first. ``because``: by what it does."""

    account: Account
    at: datetime

    orders = {"id": "id"}
    default_order = "-id"

    kind = django_filters.ChoiceFilter(
        label=_("Kind"),
        choices=Kind.choices,
        empty_label=_("Any kind"),
    )
    role = django_filters.ChoiceFilter(
        label=_("Resource role"),
        choices=[one for one in ResourceRole.choices if one[0] != ResourceRole.NONE],
        method="with_role",
        empty_label=_("Any role"),
    )
    because = django_filters.ChoiceFilter(
        label=_("Reason"),
        choices=[(one.value, one.label) for one in (Because.GRANT, Because.SYSTEM_ROLE, Because.ADMINISTRATOR)],
        method="by_reason",
        empty_label=_("Any reason"),
    )

    def with_role(self, rows: ResourceQuerySet, name: str, value: str) -> ResourceQuerySet:
        return rows.with_exactly(ResourceRole(value), self.account, at=self.at)

    def by_reason(self, rows: ResourceQuerySet, name: str, value: str) -> ResourceQuerySet:
        if not grants_matter(self.account):
            return rows if value == Because.ADMINISTRATOR else rows.none()
        granted = rows.granted_to(self.account, at=self.at)
        if value == Because.SYSTEM_ROLE:
            return rows.exclude(pk__in=granted.values("pk"))
        return granted if value == Because.GRANT else rows.none()


class StreamerFilter(ResourceFilter):
    place = django_filters.ChoiceFilter(
        label=_("Kind"), field_name="streamer__place", choices=Place.choices, empty_label=_("Any kind")
    )
    contact = django_filters.ChoiceFilter(
        label=_("State"), choices=Contact.choices, method="in_contact", empty_label=_("Any state")
    )

    def in_contact(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if value == Contact.NEVER:
            return rows.filter(streamer__contact_at__isnull=True)
        since = timezone.now() - SILENT
        how = "gt" if value == Contact.OK else "lte"
        return rows.filter(**{f"streamer__contact_at__{how}": since})


class SessionFilter(ResourceFilter):
    """``stream`` is the id of a stream, as its card's link names it. Opened is when the resource was created."""

    orders = {"opened": "created_at"}
    default_order = "-opened"

    stream = django_filters.NumberFilter(
        label=_("Stream"), field_name="parent", method="of_stream", min_value=1, max_value=2**62
    )
    state = django_filters.ChoiceFilter(
        label=_("State"),
        choices=[("open", _("Open")), ("ending", _("Ending")), ("closed", _("Closed"))],
        method="in_state",
        empty_label=_("Any state"),
    )
    direction = django_filters.ChoiceFilter(
        label=_("Direction"),
        field_name="stream_session__direction",
        choices=Direction.choices,
        empty_label=_("Any direction"),
    )
    protocol = django_filters.ChoiceFilter(
        label=_("Protocol"),
        field_name="stream_session__protocol",
        choices=Protocol.choices,
        empty_label=_("Any protocol"),
    )

    def of_stream(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return rows.filter(parent=int(value))

    def in_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        rows = rows.filter(stream_session__closed_at__isnull=value != "closed")
        return rows.filter(stream_session__end_asked_at__isnull=False) if value == "ending" else rows

    def label(self, name: str, value: Any) -> str:
        if name == "stream":
            return self.named(int(value))
        return super().label(name, value)


class DeviceFilter(ListFilter):
    orders = {"name": "name_key"}
    default_order = "name"

    hardware = django_filters.ChoiceFilter(
        label=_("Connector"), choices=Hardware.choices, empty_label=_("Any connector")
    )


class RecordingFilter(ResourceFilter):
    """``parent`` is the id of a stream, whose sessions' recordings count as well, of a session or of a streamer."""

    parent = django_filters.NumberFilter(
        label=_("Made from"), field_name="parent", method="made_from", min_value=1, max_value=2**62
    )
    state = django_filters.ChoiceFilter(
        label=_("State"), field_name="recording__state", choices=State.choices, empty_label=_("Any state")
    )

    def made_from(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return rows.below(int(value))  # type: ignore[attr-defined, no-any-return]

    def label(self, name: str, value: Any) -> str:
        return self.named(int(value)) if name == "parent" else super().label(name, value)


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

    reported = django_filters.ChoiceFilter(
        label=_("Reported"),
        field_name="stream__state",
        choices=[choice for choice in StreamState.choices if choice[0]],
        empty_label=_("Anything reported"),
    )

    def of_streamer(self, rows: QuerySet[Any], name: str, value: Any) -> QuerySet[Any]:
        return rows.filter(parent=int(value))

    def in_state(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(stream__enabled=value == "true")

    def label(self, name: str, value: Any) -> str:
        if name == "streamer":
            return self.named(int(value))
        return super().label(name, value)


FILTERS: dict[Kind, type[ResourceFilter]] = {
    Kind.STREAMER: StreamerFilter,
    Kind.STREAM: StreamFilter,
    Kind.SESSION: SessionFilter,
    Kind.RECORDING: RecordingFilter,
}
