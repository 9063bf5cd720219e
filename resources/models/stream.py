"""Streams: what a streamer takes in and hands on."""

import re
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import one_of
from resources.models.resource import Resource

# It becomes part of addresses and of file names on the streamer.
SYSTEM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def validate_system_name(value: str) -> None:
    """Raises ValidationError for what is not safe in a path."""
    if not SYSTEM_NAME.fullmatch(value) or ".." in value:
        raise ValidationError(
            _("Use up to 100 letters, digits, “-”, “_” and single “.”, beginning with a letter or digit: studio-2.")
        )


class StreamState(models.TextChoices):
    """What the streamer said last; empty when it said nothing yet."""

    UNKNOWN = "", _("Not reported yet")
    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting for its input")
    STOPPED = "stopped", _("Stopped")
    ERROR = "error", _("Error")


class StreamQuerySet(models.QuerySet["Stream"]):
    def of_streamer(self, streamer: int) -> Self:
        """By their system names."""
        rows = self.filter(resource__parent=streamer).select_related("resource")
        return rows.order_by("resource__name_key", "pk")


class Stream(models.Model):
    """What is known of one stream; its system name is the resource's name, its streamer the resource's parent.

    From ``state`` on stands what the streamer reported, at ``reported_at``: bit rates in bits a second, ``problem`` in
    its own words.
    """

    resource = models.OneToOneField(Resource, models.CASCADE, primary_key=True, related_name="stream")
    enabled = models.BooleanField(_("Enabled"), default=True)
    recorded = models.BooleanField(_("Record"), default=False)

    state = models.CharField(max_length=10, choices=StreamState.choices, blank=True, editable=False)
    reported_at = models.DateTimeField(null=True, editable=False)
    input_bitrate = models.BigIntegerField(null=True, editable=False)
    output_bitrate = models.BigIntegerField(null=True, editable=False)
    clients = models.PositiveIntegerField(null=True, editable=False)
    problem = models.CharField(max_length=300, blank=True, editable=False)

    objects = StreamQuerySet.as_manager()

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        constraints = [
            one_of("state", StreamState, "stream_state_known"),
            models.CheckConstraint(
                condition=Q(state="", reported_at__isnull=True) | (~Q(state="") & Q(reported_at__isnull=False)),
                name="stream_state_has_a_time",
            ),
        ]

    def __str__(self) -> str:
        return str(self.resource)
