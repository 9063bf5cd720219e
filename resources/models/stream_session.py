"""Stream sessions: one use of a stream, as its streamer reports it. Not the sign-in sessions of ``sessions_admin``."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import connections, models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import one_of
from resources.models.resource import NAMES_LENGTH, Resource
from resources.roles import Action


class Direction(models.TextChoices):
    PLAY = "play", _("Play")
    PUBLISH = "publish", _("Publish")


class Protocol(models.TextChoices):
    HLS = "hls", "HLS"
    DASH = "dash", "DASH"
    WEBRTC = "webrtc", "WebRTC"
    SRT = "srt", "SRT"
    RTMP = "rtmp", "RTMP"
    RTSP = "rtsp", "RTSP"
    MPEGTS = "mpegts", "MPEG-TS"
    OTHER = "other", _("Other")


class Cause(models.TextChoices):
    """Why a session ended; empty while it is open."""

    OPEN = "", _("Open")
    LEFT = "left", _("The client left")
    SOURCE = "source_ended", _("The stream ended")
    ERROR = "error", _("Error")
    ENDED = "ended", _("Ended by")
    NOT_ALLOWED = "not_allowed", _("No longer allowed")
    LOST = "lost", _("Not reported any more")


BATCH = 1_000  # rows of one statement
FORGOTTEN = timedelta(days=1)  # what was given up before is not opened again
REPORTED = (Cause.LEFT, Cause.SOURCE, Cause.ERROR)  # what a streamer says by itself
ASKED = (Cause.ENDED, Cause.NOT_ALLOWED)  # what it was asked for


class StreamSessionQuerySet(models.QuerySet["StreamSession"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def open_or_lost(self, now: datetime) -> Self:
        """Also those that were given up in the last day: their streamer may report them again."""
        return self.filter(Q(closed_at__isnull=True) | Q(cause=Cause.LOST, closed_at__gt=now - FORGOTTEN))

    def of_streamer(self, streamer: int) -> Self:
        """Those of all its streams."""
        return self.filter(resource__parent__parent=streamer)

    def whole(self, pk: int) -> "StreamSession":
        """With its resource and its account. Raises DoesNotExist."""
        return self.select_related("resource", "account").get(pk=pk)

    def seen(self, sent: Mapping[int, int], at: datetime) -> None:
        """Seen at this moment, with so many bytes by now, by id. Django's ``bulk_update`` takes ten times as long, in
        building its SQL."""
        pairs, table, connection = list(sent.items()), self.model._meta.db_table, connections[self.db]
        moment = connection.ops.adapt_datetimefield_value(at)
        with connection.cursor() as cursor:
            for start in range(0, len(pairs), BATCH):
                batch = pairs[start : start + BATCH]
                values = ", ".join(["(%s, %s)"] * len(batch))
                cursor.execute(
                    f"UPDATE {table} SET last_seen_at = %s, bytes = v.column2 "  # noqa: S608 - no text of anybody's
                    f"FROM (VALUES {values}) AS v WHERE resource_id = v.column1",
                    [moment, *(number for pair in batch for number in pair)],
                )

    def to_end(self) -> Self:
        """Open ones whose end the streamer was asked for and has not yet reported."""
        return self.open().filter(end_asked_at__isnull=False)

    def unseen(self, now: datetime, limit: timedelta) -> Self:
        return self.open().filter(last_seen_at__lt=now - limit)


class StreamSession(models.Model):
    """Who, from where, how and how much. Opened is when its resource was created, the stream the resource's parent.

    Ending asks the streamer, at its next contact, for what only it can do; ``closed_at`` is when it said that it was
    done. ``account`` is the one that the streamer named, if there is one; ``who`` its name then.
    """

    resource = models.OneToOneField(Resource, models.CASCADE, primary_key=True, related_name="stream_session")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="stream_sessions")
    who = models.CharField(_("User"), max_length=150, blank=True)
    address = models.GenericIPAddressField(_("Address"), null=True)
    protocol = models.CharField(_("Protocol"), max_length=10, choices=Protocol.choices, default=Protocol.OTHER)
    direction = models.CharField(_("Direction"), max_length=10, choices=Direction.choices, default=Direction.PLAY)
    last_seen_at = models.DateTimeField(_("Last seen"))
    bytes = models.BigIntegerField(_("Bytes"), default=0)
    closed_at = models.DateTimeField(null=True)
    cause = models.CharField(max_length=20, choices=Cause.choices, blank=True)
    end_asked_at = models.DateTimeField(null=True)
    end_asked_for = models.CharField(max_length=20, choices=[(one.value, one.label) for one in ASKED], blank=True)
    end_asked_by_name = models.CharField(max_length=NAMES_LENGTH, blank=True)

    objects = StreamSessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        constraints = [
            one_of("direction", Direction, "stream_session_direction_known"),
            one_of("protocol", Protocol, "stream_session_protocol_known"),
            one_of("cause", Cause, "stream_session_cause_known"),
            models.CheckConstraint(condition=Q(bytes__gte=0), name="stream_session_bytes_not_negative"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, cause="") | (Q(closed_at__isnull=False) & ~Q(cause="")),
                name="stream_session_closed_has_a_cause",
            ),
            models.CheckConstraint(
                condition=Q(end_asked_at__isnull=True, end_asked_for="")
                | Q(end_asked_at__isnull=False, end_asked_for__in=ASKED),
                name="stream_session_end_asked_for_a_cause",
            ),
        ]
        indexes = [
            models.Index(fields=["last_seen_at"], name="stream_session_open", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["closed_at"], name="stream_session_closed", condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.resource)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def asks(self) -> Action:
        """What its account must be allowed with the stream."""
        return Action.EDIT if self.direction == Direction.PUBLISH else Action.VIEW

    def may_come_back(self, now: datetime) -> bool:
        """Was it given up for lost so recently that its streamer may report it again?"""
        return self.cause == Cause.LOST and self.closed_at is not None and self.closed_at > now - FORGOTTEN

    @property
    def is_ending(self) -> bool:
        return self.is_open and self.end_asked_at is not None

    @property
    def cause_label(self) -> str:
        """The cause as the pages say it, with the name of who ended it."""
        if self.cause == Cause.ENDED and self.end_asked_by_name:
            return str(_("Ended by %(name)s") % {"name": self.end_asked_by_name})
        return str(self.get_cause_display())
