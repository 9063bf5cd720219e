from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class SettingsConfig(AppConfig):
    name = "settings_admin"
    verbose_name = _("Server settings")

    def ready(self) -> None:
        post_migrate.connect(make_the_row, sender=self)


def make_the_row(using: str, **_kwargs: Any) -> None:
    """The single row with its defaults: after the first migration, and after every flush."""
    from settings_admin.models import ServerSettings

    ServerSettings.objects.using(using).get_or_create(pk=1)
