"""What a stream takes in, in order, and what it is pushed to."""

from typing import Self, TypeVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.models import EncryptedField, one_of
from resources.models.device import Device
from resources.models.stream import Stream

E = TypeVar("E", bound=models.Model)


class InputKind(models.TextChoices):
    PUBLISH = "publish", gettext_lazy("Publish")
    MULTICAST = "multicast", gettext_lazy("Multicast")
    SRT = "srt", "SRT"
    RTSP = "rtsp", "RTSP"
    DEVICE = "device", gettext_lazy("HDMI or SDI device")
    FILE = "file", gettext_lazy("File")


class PushKind(models.TextChoices):
    MULTICAST = "multicast", gettext_lazy("Multicast")
    SRT = "srt", "SRT"
    RTMP = "rtmp", "RTMP"


class EndState(models.TextChoices):
    """What the streamer said last; empty when it said nothing yet."""

    UNKNOWN = "", gettext_lazy("Not reported yet")
    ACTIVE = "active", gettext_lazy("Active")
    WAITING = "waiting", gettext_lazy("Waiting")
    RETRYING = "retrying", gettext_lazy("Retrying")
    ERROR = "error", gettext_lazy("Error")


class EndQuerySet(models.QuerySet[E]):
    def of_stream(self, stream: int) -> Self:
        """In their order."""
        return self.filter(stream=stream).order_by("position", "pk")

    def of_streamer(self, streamer: int) -> Self:
        """Those of all its streams, each stream's in their order."""
        return self.filter(stream__resource__parent=streamer).order_by("stream", "position", "pk")


class End(models.Model):
    """One input or push. Which fields count depends on the kind; the others are empty.

    ``secret`` is the passphrase, the password or the stream key: encrypted, never shown again.
    """

    position = models.PositiveIntegerField(default=0, editable=False)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(null=True)
    program = models.PositiveIntegerField(null=True)
    url = models.CharField(max_length=500, blank=True)
    secret = EncryptedField(blank=True)
    state = models.CharField(max_length=10, choices=EndState.choices, blank=True, editable=False)

    kind: "models.CharField[str, str]"
    stream_id: int

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind_label} {self.where}".strip()

    @property
    def kind_label(self) -> str:
        return str(self.get_kind_display())  # type: ignore[attr-defined]  # of the tables that have the field

    @property
    def where(self) -> str:
        """The address as people read it; without secrets."""
        if not self.host:
            return self.url
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        program = _(", program %(number)d") % {"number": self.program} if self.program else ""
        return f"{host}:{self.port}{program}"


PORTS = Q(port__isnull=True) | Q(port__gte=1, port__lte=65535)
PROGRAMS = Q(program__isnull=True) | Q(program__gte=1, program__lte=65535)


class InputQuerySet(EndQuerySet["Input"]):
    pass


class PushQuerySet(EndQuerySet["Push"]):
    pass


class Input(End):
    """Where a stream comes from. The streamer takes the first that gives a picture. ``path`` lies on the streamer."""

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="inputs", db_index=False)
    kind = models.CharField(max_length=10, choices=InputKind.choices)
    device = models.ForeignKey(Device, models.RESTRICT, null=True, related_name="inputs")
    path = models.CharField(max_length=500, blank=True)
    username = models.CharField(max_length=100, blank=True)

    objects = InputQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("input")
        verbose_name_plural = gettext_lazy("inputs")
        constraints = [
            one_of("kind", InputKind, "input_kind_known"),
            one_of("state", EndState, "input_state_known"),
            models.CheckConstraint(
                condition=Q(kind=InputKind.PUBLISH, host="", url="", path="", device__isnull=True)
                | (Q(kind__in=[InputKind.MULTICAST, InputKind.SRT], port__isnull=False) & ~Q(host=""))
                | (Q(kind=InputKind.RTSP) & ~Q(url=""))
                | Q(kind=InputKind.DEVICE, device__isnull=False)
                | (Q(kind=InputKind.FILE) & ~Q(path="")),
                name="input_has_what_its_kind_needs",
            ),
            models.CheckConstraint(condition=PORTS & PROGRAMS, name="input_numbers_in_range"),
        ]
        indexes = [models.Index(fields=["stream", "position", "id"], name="input_by_stream")]

    @property
    def where(self) -> str:
        return str(self.device) if self.device else self.path or super().where


class Push(End):
    """Where a stream is sent."""

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="pushes", db_index=False)
    kind = models.CharField(max_length=10, choices=PushKind.choices)

    objects = PushQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("push")
        verbose_name_plural = gettext_lazy("pushes")
        constraints = [
            one_of("kind", PushKind, "push_kind_known"),
            one_of("state", EndState, "push_state_known"),
            models.CheckConstraint(
                condition=(Q(kind__in=[PushKind.MULTICAST, PushKind.SRT], port__isnull=False) & ~Q(host=""))
                | (Q(kind=PushKind.RTMP) & ~Q(url="")),
                name="push_has_what_its_kind_needs",
            ),
            models.CheckConstraint(condition=PORTS & PROGRAMS, name="push_numbers_in_range"),
        ]
        indexes = [models.Index(fields=["stream", "position", "id"], name="push_by_stream")]
