"""Streamers: the media servers that Agora manages."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.env import is_host, without_port
from agora.base.models import one_of
from resources.models.resource import Resource


class Scheme(models.TextChoices):
    HTTPS = "https", "https"
    HTTP = "http", "http"


class Place(models.TextChoices):
    """What a streamer is for: taking streams in, or handing them to many viewers."""

    ORIGIN = "origin", _("Origin")
    EDGE = "edge", _("Edge")


def validate_hostname(value: str) -> None:
    """Raises ValidationError for what is no host name or address, or has a port."""
    if "/" in value:
        raise ValidationError(_("Leave out “https://” and everything after the name: streamer1.example.com."))
    if not is_host(value) or without_port(value) != value:
        raise ValidationError(_("Type a host name or address without a port: streamer1.example.com."))


class Streamer(models.Model):
    """What is known of one media server; its hostname is the resource's name."""

    resource = models.OneToOneField(Resource, models.CASCADE, primary_key=True, related_name="streamer")
    scheme = models.CharField(_("Scheme"), max_length=5, choices=Scheme.choices, default=Scheme.HTTPS)
    api_port = models.PositiveIntegerField(
        _("API port"), default=443, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    place = models.CharField(_("Kind"), max_length=10, choices=Place.choices, default=Place.ORIGIN)

    class Meta:
        verbose_name = _("streamer")
        verbose_name_plural = _("streamers")
        constraints = [
            one_of("scheme", Scheme, "streamer_scheme_known"),
            one_of("place", Place, "streamer_place_known"),
            models.CheckConstraint(condition=Q(api_port__gte=1, api_port__lte=65535), name="streamer_port_in_range"),
        ]

    def __str__(self) -> str:
        return str(self.resource)

    @property
    def address(self) -> str:
        """Where its API answers."""
        return f"{self.scheme}://{self.resource.name}:{self.api_port}"
