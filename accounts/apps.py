from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        # Under the name of Django's own receiver, which is connected later and so is not: opening a session has written
        # the time, in the statement that looks whether the account is still as it was.
        user_logged_in.connect(_written_already, dispatch_uid="update_last_login")


def _written_already(**_signal: object) -> None:
    """In the place of ``update_last_login``."""
