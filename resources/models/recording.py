"""Recordings: what a streamer recorded, or a file that somebody uploaded."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import one_of
from resources.models.resource import Resource


class State(models.TextChoices):
    RECORDING = "recording", _("Recording")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


class Recording(models.Model):
    """What is known of one recording; its title is the resource's, the stream or session it came from its parent.

    ``size`` in bytes; ``checksum`` is the SHA-256 of the file in hexadecimal. ``file_name`` is what the uploader's
    computer called it: only shown, never a path here. ``failure``: why it failed, in the streamer's words.
    """

    resource = models.OneToOneField(Resource, models.CASCADE, primary_key=True, related_name="recording")
    state = models.CharField(_("State"), max_length=10, choices=State.choices, default=State.READY)
    size = models.BigIntegerField(_("Size"), default=0)
    duration = models.DurationField(_("Duration"), null=True)
    checksum = models.CharField(max_length=64, blank=True)
    file_name = models.CharField(_("File"), max_length=255, blank=True)
    failure = models.CharField(_("Failure"), max_length=300, blank=True, editable=False)

    class Meta:
        verbose_name = _("recording")
        verbose_name_plural = _("recordings")
        constraints = [
            one_of("state", State, "recording_state_known"),
            models.CheckConstraint(condition=Q(size__gte=0), name="recording_size_not_negative"),
            models.CheckConstraint(
                condition=~Q(state=State.READY) | ~Q(checksum=""), name="recording_ready_has_a_checksum"
            ),
            models.CheckConstraint(
                condition=Q(state=State.FAILED) | Q(failure=""), name="recording_failure_when_failed"
            ),
        ]

    def __str__(self) -> str:
        return str(self.resource)

    @property
    def length(self) -> str:
        """The duration to the second: "1:02:03"; empty when it is not known."""
        return str(timedelta(seconds=round(self.duration.total_seconds()))) if self.duration is not None else ""
