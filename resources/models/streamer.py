"""Streamers: the media servers that Agora manages."""

from datetime import datetime, timedelta
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.env import is_host, without_port
from agora.base.models import EncryptedField, one_of
from resources.models.resource import Resource

SILENT = timedelta(minutes=2)  # after so long without a contact the pages say so


class Scheme(models.TextChoices):
    HTTPS = "https", "https"
    HTTP = "http", "http"


class Place(models.TextChoices):
    """What a streamer is for: taking streams in, or handing them to many viewers."""

    ORIGIN = "origin", _("Origin")
    EDGE = "edge", _("Edge")


class Contact(models.TextChoices):
    """When the streamer was last heard of, in a word."""

    NEVER = "never", _("Never connected")
    OK = "ok", _("Connected")
    LOST = "lost", _("No contact")


def validate_hostname(value: str) -> None:
    """Raises ValidationError for what is no host name or address, or has a port."""
    if "/" in value:
        raise ValidationError(_("Leave out “https://” and everything after the name: streamer1.example.com."))
    if not is_host(value) or without_port(value) != value:
        raise ValidationError(_("Type a host name or address without a port: streamer1.example.com."))


class StreamerQuerySet(models.QuerySet["Streamer"]):
    def with_key(self, digest: str) -> Self:
        """The one that has the configuration key with this digest."""
        return self.filter(key_digest=digest).select_related("resource") if digest else self.none()


class Streamer(models.Model):
    """What is known of one media server; its hostname is the resource's name.

    ``key_digest`` is all that is stored of its configuration key, ``key_visible`` are its first letters.
    ``edit_credential``: what the streamer asks of whoever edits it there. From ``contact_at`` on stands what it
    reported: ``cpu`` and ``disk`` in percent, of all cores and of the disk that it records on.
    """

    resource = models.OneToOneField(Resource, models.CASCADE, primary_key=True, related_name="streamer")
    scheme = models.CharField(_("Scheme"), max_length=5, choices=Scheme.choices, default=Scheme.HTTPS)
    api_port = models.PositiveIntegerField(
        _("API port"), default=443, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    place = models.CharField(_("Kind"), max_length=10, choices=Place.choices, default=Place.ORIGIN)
    key_digest = models.CharField(max_length=64, blank=True, editable=False)
    key_visible = models.CharField(max_length=30, blank=True, editable=False)
    key_set_at = models.DateTimeField(null=True, editable=False)
    edit_credential = EncryptedField(_("Edit credential"), blank=True)
    edit_credential_set_at = models.DateTimeField(null=True, editable=False)
    contact_at = models.DateTimeField(null=True, editable=False)
    contact_address = models.GenericIPAddressField(null=True, editable=False)
    reported_at = models.DateTimeField(null=True, editable=False)
    running_streams = models.PositiveIntegerField(null=True, editable=False)
    configured_streams = models.PositiveIntegerField(null=True, editable=False)
    clients = models.PositiveIntegerField(null=True, editable=False)
    cpu = models.FloatField(null=True, editable=False)
    disk = models.FloatField(null=True, editable=False)

    objects = StreamerQuerySet.as_manager()

    class Meta:
        verbose_name = _("streamer")
        verbose_name_plural = _("streamers")
        constraints = [
            one_of("scheme", Scheme, "streamer_scheme_known"),
            one_of("place", Place, "streamer_place_known"),
            models.CheckConstraint(condition=Q(api_port__gte=1, api_port__lte=65535), name="streamer_port_in_range"),
            models.UniqueConstraint(fields=["key_digest"], condition=~Q(key_digest=""), name="streamer_key_unique"),
            models.CheckConstraint(
                condition=Q(key_digest="", key_visible="", key_set_at__isnull=True)
                | (~Q(key_digest="") & ~Q(key_visible="") & Q(key_set_at__isnull=False)),
                name="streamer_key_whole",
            ),
            models.CheckConstraint(
                condition=(Q(cpu__isnull=True) | Q(cpu__gte=0, cpu__lte=100))
                & (Q(disk__isnull=True) | Q(disk__gte=0, disk__lte=100)),
                name="streamer_load_in_percent",
            ),
        ]

    def __str__(self) -> str:
        return str(self.resource)

    @property
    def address(self) -> str:
        """Where its API answers."""
        return f"{self.scheme}://{self.resource.name}:{self.api_port}"

    def contact(self, now: datetime) -> Contact:
        """Was it heard of in the last two minutes?"""
        if self.contact_at is None:
            return Contact.NEVER
        return Contact.OK if now - self.contact_at < SILENT else Contact.LOST
