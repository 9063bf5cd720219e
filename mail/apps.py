from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class MailConfig(AppConfig):
    name = "mail"
    verbose_name = _("Mail")

    def ready(self) -> None:
        post_migrate.connect(make_the_row, sender=self)


def make_the_row(using: str, **_kwargs: Any) -> None:
    """The single row of settings with its defaults: after the first migration, and after every flush."""
    from mail.models import MailSettings

    MailSettings.objects.using(using).get_or_create(pk=1)
