"""Devices: the capture cards of streamers, which streams take pictures from."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.models import Searchable, fold, one_of
from resources.models.resource import KEY_LENGTH, Resource
from resources.roles import Kind


class Hardware(models.TextChoices):
    HDMI = "hdmi", "HDMI"
    SDI = "sdi", "SDI"


class DeviceQuerySet(models.QuerySet["Device"]):
    def visible_to(self, account: Account, *, at: datetime) -> Self:
        """Those of the streamers that the account sees at this moment."""
        streamers = Resource.objects.visible_to(account, at=at, kind=Kind.STREAMER)
        return self.filter(streamer__in=streamers.values("pk"))

    def of_streamer(self, streamer: int) -> Self:
        return self.filter(streamer=streamer).order_by("name_key", "pk")


class Device(Searchable):
    """One input of a capture card. ``card_id`` is how the streamer knows the board or port; ``raw``: unpacked frames.

    Who may do what with it follows from its streamer.
    """

    streamer = models.ForeignKey(Resource, models.CASCADE, related_name="devices", db_index=False)
    name = models.CharField(_("Name"), max_length=100)
    name_key = models.CharField(max_length=KEY_LENGTH, editable=False)
    hardware = models.CharField(_("Connector"), max_length=4, choices=Hardware.choices, default=Hardware.HDMI)
    card_id = models.CharField(_("Card id"), max_length=100)
    vendor = models.CharField(_("Vendor"), max_length=100, blank=True)
    raw = models.BooleanField(_("Raw"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    search_fields = ("name", "card_id", "vendor")
    objects = DeviceQuerySet.as_manager()
    streamer_id: int

    class Meta:
        verbose_name = _("device")
        verbose_name_plural = _("devices")
        constraints = [
            models.UniqueConstraint(fields=["streamer", "name_key"], name="device_name_unique"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(card_id=""), name="device_named"),
            one_of("hardware", Hardware, "device_hardware_known"),
        ]
        indexes = [models.Index(fields=["name_key", "id"], name="device_by_name")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Any = None, **kwargs: Any) -> None:
        self.name_key = fold(self.name)[:KEY_LENGTH]
        if update_fields is not None:
            update_fields = {*update_fields, "modified_at", "name_key"}
        super().save(*args, update_fields=update_fields, **kwargs)
