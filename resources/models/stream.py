"""Streams: what a streamer takes in and hands on."""

import re

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from resources.models.resource import Resource

# It becomes part of addresses and of file names on the streamer.
SYSTEM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def validate_system_name(value: str) -> None:
    """Raises ValidationError for what is not safe in a path."""
    if not SYSTEM_NAME.fullmatch(value) or ".." in value:
        raise ValidationError(
            _("Use up to 100 letters, digits, “-”, “_” and single “.”, beginning with a letter or digit: studio-2.")
        )


class Stream(models.Model):
    """What is known of one stream; its system name is the resource's name, its streamer the resource's parent."""

    resource = models.OneToOneField(Resource, models.CASCADE, primary_key=True, related_name="stream")
    enabled = models.BooleanField(_("Enabled"), default=True)
    recorded = models.BooleanField(_("Record"), default=False)

    class Meta:
        verbose_name = _("stream")
        verbose_name_plural = _("streams")

    def __str__(self) -> str:
        return str(self.resource)
