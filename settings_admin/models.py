"""The server's settings: one typed row of what may change while the server runs."""

from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _


def first_hostname() -> str:
    """The public name on a fresh server: from the environment."""
    return str(settings.HOSTNAME)


class ServerSettings(models.Model):
    """The single row. Read it with ``ServerSettings.load()``; there is no cache that could be out of date."""

    hostname = models.CharField(_("Agora Hostname"), max_length=260, default=first_hostname)
    idle_limit = models.DurationField(
        _("Idle limit"), default=timedelta(hours=8), validators=[MinValueValidator(timedelta(minutes=5))]
    )
    absolute_limit = models.DurationField(
        _("Absolute limit"), default=timedelta(days=7), validators=[MinValueValidator(timedelta(minutes=5))]
    )
    tell_impersonated = models.BooleanField(_("Show accounts on their profile who acted as them"), default=True)

    audit_type = "settings"

    class Meta:
        verbose_name = _("server settings")
        verbose_name_plural = _("server settings")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="settings_single_row")]

    def __str__(self) -> str:
        return str(_("Server settings"))

    @classmethod
    def load(cls) -> Self:
        """The row; made with its defaults after every migration, so it is always there."""
        return cls.objects.get(pk=1)


def server(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: the settings, read only by pages that show some of them."""
    return {"server": SimpleLazyObject(ServerSettings.load)}
