from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SsoConfig(AppConfig):
    name = "sso"
    verbose_name = _("Single Sign-On")

    def ready(self) -> None:
        """The sign-in page and signing out ask us, without knowing us."""
        from accounts.services import ways
        from sso.services import identities, leaving, providers

        ways.know_passwords(identities.has_directory)
        ways.let_in(identities.has_way)
        ways.ask_whether_it_stands(identities.still_stands)
        ways.offer(providers.buttons)
        ways.ask_when_leaving(leaving.where_to)
