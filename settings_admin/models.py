"""The server's settings: one typed row of what may change while the server runs."""

from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from agora.base.env import is_host
from agora.base.prepared import NUMBER, Prepared

SHORTEST, LONGEST = timedelta(minutes=5), timedelta(days=365)
LIMITS = [
    MinValueValidator(SHORTEST, _("Choose at least 5 minutes.")),
    MaxValueValidator(LONGEST, _("Choose at most 365 days.")),
]


class DownloadSize(models.IntegerChoices):
    """The largest package of one download, in GB."""

    ONE = 1, _("1 GB")
    FIVE = 5, _("5 GB")
    TEN = 10, _("10 GB")
    TWENTY = 20, _("20 GB")


def first_hostname() -> str:
    """The public name on a fresh server: from the environment."""
    return str(settings.HOSTNAME)


def validate_hostname(value: str) -> None:
    """Raises ValidationError for what is not ``host`` or ``host:port``."""
    if "/" in value:
        raise ValidationError(_("Leave out “https://” and everything after the name: agora.example.com."))
    if not is_host(value):
        raise ValidationError(
            _("This is no host name. Type a name or an address, with a port if needed: agora.example.com:8443.")
        )


def addresses(text: str) -> list[str]:
    """The comma-separated addresses."""
    return [one for one in (part.strip() for part in text.split(",")) if one]


def validate_addresses(text: str) -> None:
    """Raises ValidationError that names each part that is no e-mail address."""
    errors = []
    for one in addresses(text):
        try:
            validate_email(one)
        except ValidationError:
            errors.append(_("“%(address)s” is not an e-mail address. Correct or remove it.") % {"address": one[:100]})
    if errors:
        raise ValidationError(errors)


class ServerSettings(models.Model):
    """The single row. Read it with ``ServerSettings.load()``; there is no cache that could be out of date.

    ``version`` counts the changes: who saves says which one they started from.
    """

    hostname = models.CharField(
        _("Agora Hostname"), max_length=260, default=first_hostname, validators=[validate_hostname]
    )
    allow_registration = models.BooleanField(_("Allow registration"), default=False)
    two_factor_required = models.BooleanField(_("Two-Factor Authentication"), default=False)
    allow_api_keys = models.BooleanField(_("Allow API Key Login"), default=True)
    send_error_mails = models.BooleanField(_("Send error logs to admin users"), default=True)
    error_recipients = models.CharField(
        _("Error log recipients"), max_length=2000, blank=True, validators=[validate_addresses]
    )
    allow_feedback = models.BooleanField(_("Allow user feedback"), default=True)
    zip_stream = models.BooleanField(_("Zip-Stream Download"), default=False)
    max_download_gb = models.PositiveSmallIntegerField(
        _("Max download size (in GB)"), choices=DownloadSize.choices, default=DownloadSize.FIVE
    )
    idle_limit = models.DurationField(_("Idle limit"), default=timedelta(hours=8), validators=LIMITS)
    absolute_limit = models.DurationField(_("Absolute limit"), default=timedelta(days=7), validators=LIMITS)
    everyone_creates_projects = models.BooleanField(_("Accounts without a role may create projects"), default=False)
    tell_impersonated = models.BooleanField(_("Show accounts on their profile who acted as them"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    audit_type = "settings"

    class Meta:
        verbose_name = _("server settings")
        verbose_name_plural = _("server settings")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="settings_single_row"),
            models.CheckConstraint(
                condition=Q(max_download_gb__in=DownloadSize.values), name="settings_download_size_known"
            ),
            models.CheckConstraint(
                condition=Q(idle_limit__gte=SHORTEST, absolute_limit__lte=LONGEST, idle_limit__lte=F("absolute_limit")),
                name="settings_limits_in_order",
                violation_error_message=_("The idle limit can't be longer than the absolute limit. Shorten it."),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Server settings"))

    @classmethod
    def load(cls) -> Self:
        """The row; made with its defaults after every migration, so it is always there."""
        row: Any = _row(1)
        if row is None:
            raise cls.DoesNotExist("The settings row is missing: run migrate, which makes it.")
        found: Self = row
        return found

    @classmethod
    def locked(cls) -> Self:
        """The row, locked until the transaction ends."""
        return cls.objects.select_for_update().get(pk=1)

    @property
    def address(self) -> str:
        """The public address without a path: ``https://agora.example.com``."""
        return public_address(self.hostname)

    def absolute(self, path: str) -> str:
        """A link for a mail or a task: the public address and a path that begins with a slash."""
        return self.address + path


def public_address(hostname: str) -> str:
    """Scheme and name; whether people come by https is known to the operator, who set AGORA_HTTPS."""
    scheme, usual_port = ("https", ":443") if settings.HTTPS else ("http", ":80")
    return f"{scheme}://{hostname.removesuffix(usual_port)}"


def server(request: HttpRequest) -> dict[str, Any]:
    """Context of every page: the settings, read only by pages that show some of them."""
    return {"server": request.server if hasattr(request, "server") else SimpleLazyObject(ServerSettings.load)}


# Asked by nearly every page.
_row = Prepared("agora_server_settings", lambda: ServerSettings.objects.filter(pk=NUMBER))
