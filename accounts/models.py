"""Accounts: rows that may sign in. They exist for authorisation; names and e-mail addresses are optional."""

import zoneinfo
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth import get_backends
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q, Subquery
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.devices import Authenticator, RecoveryCode
from accounts.names import KEY_LENGTH, validate_name, validate_username
from accounts.roles import Role
from agora.base.models import EncryptedField, Searchable, fold, one_of
from agora.base.prepared import NUMBER, TEXT, Prepared
from sessions_admin.models import Session, open_count
from settings_admin.models import ServerSettings

__all__ = ["Account", "Authenticator", "RecoveryCode", "SignInThrottle"]  # the app's tables

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Theme(models.TextChoices):
    SYSTEM = "system", _("As the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class KeyLogin(models.TextChoices):
    """Does this account follow the server's *Allow API Key Login*, or is it decided here?"""

    INHERIT = "inherit", _("As the server")
    ALLOW = "allow", _("Allow")
    DENY = "deny", _("Deny")


class Density(models.TextChoices):
    COMFORTABLE = "comfortable", _("Comfortable")
    COMPACT = "compact", _("Compact")


class DateFormat(models.TextChoices):
    ISO = "iso", _("2026-11-20 13:42")
    EUROPEAN = "european", _("20.11.2026 13:42")
    AMERICAN = "american", _("11/20/2026 1:42 PM")


@cache
def time_zone_names() -> frozenset[str]:
    """The zones of the world; asked once a process, for the answer is read from some 600 files."""
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    if name not in time_zone_names():
        raise ValidationError(
            _("%(name)s is not a time zone. Choose one such as Europe/Zurich."), params={"name": name}
        )


@cache
def _role_names(language: str | None) -> dict[str, str]:
    """The words, kept by language: the catalogues are slow to ask."""
    return {str(role): str(role.label) for role in Role}


@cache
def _made(paths: tuple[str, ...]) -> list[Any]:
    return get_backends()


def backends() -> list[Any]:
    """Who answers for Django (``AUTHENTICATION_BACKENDS``): made once a process, not for each of the twenty questions
    of a page; they keep nothing of whom they answer."""
    return _made(tuple(settings.AUTHENTICATION_BACKENDS))


class AccountQuerySet(models.QuerySet["Account"]):
    def usable(self) -> Self:
        """Accounts that may sign in."""
        return self.filter(is_active=True, locked_at__isnull=True)

    def superusers(self) -> Self:
        return self.filter(is_superuser=True)

    def administrators(self) -> Self:
        """Superusers are among them."""
        return self.filter(role=Role.ADMINISTRATOR)

    def addresses(self, most: int = 50) -> list[str]:
        """Their e-mail addresses, each once whatever its case."""
        found = self.exclude(email="").order_by("pk").values_list("email", flat=True)[:most]
        return list({email.lower(): email for email in found}.values())

    def locked(self) -> Self:
        return self.filter(locked_at__isnull=False)

    def inactive(self) -> Self:
        return self.filter(is_active=False)

    def named(self, username: str) -> Self:
        """The account with this username, whatever its case or Unicode form."""
        return self.filter(username_key=fold(username))

    def by_key(self, usernames: Iterable[str]) -> dict[str, "Account"]:
        """The accounts with these usernames, each under its name as it was asked for; unknown ones are left out."""
        keys = {username: fold(username) for username in usernames if "\0" not in username}
        found = {account.username_key: account for account in self.filter(username_key__in=set(keys.values()))}
        return {username: found[key] for username, key in keys.items() if key in found}

    def usernames(self, ids: Iterable[int]) -> dict[int, str]:
        """The usernames of the accounts with these ids; ids that nobody has are left out."""
        return dict(self.filter(pk__in=set(ids)).values_list("pk", "username"))

    def meant_by(self, typed: str) -> Self:
        """The account with this username; else those with this e-mail address, whatever its case."""
        if (named := self.named(typed)).exists():
            return named
        return self.alias(email_key=Lower("email")).filter(email_key=typed.lower()).exclude(email="")

    def with_open_sessions(self, seen: datetime, opened: datetime) -> Self:
        """Each account with ``open_sessions``, None where it has none; ``still_open`` tells the two times."""
        return self.annotate(open_sessions=open_count(seen, opened))

    def with_two_factor_required(self) -> Self:
        """Each account with ``two_factor_required``, which is else asked for when it is needed."""
        required = ServerSettings.objects.filter(pk=1).values("two_factor_required")
        return self.annotate(two_factor_required=Subquery(required))

    def visible_to(self, account: "Account") -> Self:
        """All accounts for those who may see accounts, else only one's own."""
        return self if account.has_perm("accounts.view") else self.filter(pk=account.pk)


class AccountManager(BaseUserManager["Account"].from_queryset(AccountQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, username: str | None) -> "Account":
        account: Account = self.named(username or "").get()
        return account


class Account(Searchable, AbstractBaseUser):  # type: ignore[django-manager-missing]  # of django-otp's tables
    """One account. ``username_key`` is the username as it is compared; ``last_login_key`` orders the list."""

    username = models.CharField(_("Username"), max_length=150, validators=[validate_username])
    username_key = models.CharField(max_length=KEY_LENGTH, editable=False)
    external_id = models.CharField(_("External account id"), max_length=150, blank=True, validators=[validate_name])
    first_name = models.CharField(_("First name"), max_length=150, blank=True, validators=[validate_name])
    last_name = models.CharField(_("Last name"), max_length=150, blank=True, validators=[validate_name])
    email = models.EmailField(_("Email"), blank=True)
    role = models.CharField(_("Role"), max_length=20, choices=Role.choices, default=Role.NONE)
    is_superuser = models.BooleanField(_("Superuser"), default=False)
    is_active = models.BooleanField(_("Active"), default=True)
    must_change_password = models.BooleanField(_("Must change the password at the next sign-in"), default=False)
    key_login = models.CharField(
        _("Allow API Key Login"), max_length=8, choices=KeyLogin.choices, default=KeyLogin.INHERIT
    )
    second_factor = models.BooleanField(_("2FA"), default=False)  # follows the account's devices
    locked_at = models.DateTimeField(null=True)
    locked_by_id = models.BigIntegerField(null=True)
    locked_by_name = models.CharField(max_length=150, blank=True)
    lock_reason = models.CharField(max_length=500, blank=True)
    last_login_key = models.DateTimeField(default=NEVER, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    theme = models.CharField(_("Theme"), max_length=10, choices=Theme.choices, default=Theme.SYSTEM)
    density = models.CharField(_("Density"), max_length=12, choices=Density.choices, default=Density.COMFORTABLE)
    time_zone = models.CharField(_("Time zone"), max_length=64, default="UTC", validators=[validate_time_zone])
    date_format = models.CharField(_("Date format"), max_length=10, choices=DateFormat.choices, default=DateFormat.ISO)
    shortcuts = models.BooleanField(_("Single-letter keyboard shortcuts"), default=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    search_fields = ("username", "first_name", "last_name", "external_id")
    text_copy = ("username_key",)
    audit_type = "account"
    objects = AccountManager()
    open_sessions: int | None  # from with_open_sessions()
    sessions: models.Manager[Session]

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(fields=["username_key"], name="account_username_unique"),
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="account_external_id_unique"
            ),
            models.CheckConstraint(condition=~Q(username=""), name="account_username_not_empty"),
            models.CheckConstraint(
                condition=Q(locked_at__isnull=False) | Q(locked_by_id__isnull=True, locked_by_name="", lock_reason=""),
                name="account_lock_facts_only_while_locked",
            ),
            models.CheckConstraint(
                condition=Q(is_superuser=False) | Q(role=Role.ADMINISTRATOR), name="account_superuser_is_administrator"
            ),
            one_of("role", Role, "account_role_known"),
            one_of("key_login", KeyLogin, "account_key_login_known"),
            one_of("theme", Theme, "account_theme_known"),
            one_of("density", Density, "account_density_known"),
            one_of("date_format", DateFormat, "account_date_format_known"),
        ]
        indexes = [
            models.Index(fields=["last_login_key", "id"], name="account_by_last_login"),
            models.Index(fields=["role", "id"], name="account_by_role"),
            models.Index(Lower("email"), name="account_by_email", condition=~Q(email="")),
            models.Index(fields=["username_key"], name="account_locked", condition=Q(locked_at__isnull=False)),
            models.Index(fields=["username_key"], name="account_inactive", condition=Q(is_active=False)),
            # For counting: in the order of the table, so that each of its pages is looked at once.
            models.Index(fields=["id"], name="account_locked_by_id", condition=Q(locked_at__isnull=False)),
            models.Index(fields=["id"], name="account_inactive_by_id", condition=Q(is_active=False)),
            models.Index(fields=["id"], name="account_superusers", condition=Q(is_superuser=True)),
        ]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, update_fields: Any = None, **kwargs: Any) -> None:
        self.username_key = fold(self.username)
        self.last_login_key = self.last_login or NEVER
        if update_fields is not None:
            update_fields = {*update_fields, "modified_at"}
            update_fields |= {"username_key"} if "username" in update_fields else set()
            update_fields |= {"last_login_key"} if "last_login" in update_fields else set()
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def display_name(self) -> str:
        """The person's name, or the username where none was given."""
        return self.full_name or self.username

    @property
    def role_names(self) -> dict[str, str]:
        """The words for all roles, for the rows of a list: the language is asked for once."""
        return _role_names(get_language())

    @property
    def role_name(self) -> str:
        """As ``get_role_display()``, which goes through all choices."""
        return self.role_names[self.role]

    @cached_property
    def two_factor_required(self) -> bool:
        """Does the server require a second factor of everybody?"""
        return ServerSettings.load().two_factor_required

    @property
    def is_locked(self) -> bool:
        return self.locked_at is not None

    @property
    def is_usable(self) -> bool:
        """May it sign in, and do its sessions and keys count?"""
        return self.is_active and not self.is_locked

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Answered by the auth backends, from the table in ``accounts.roles``."""
        return any(backend.has_perm(self, perm, obj) for backend in backends())

    def is_visible_to(self, account: "Account") -> bool:
        """The rule of ``visible_to``, for one row that is known."""
        return self.pk == account.pk or account.has_perm("accounts.view")

    def has_perms(self, perms: Any, obj: Any = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perms)

    def has_module_perms(self, app_label: str) -> bool:
        """For Django's ``perms`` in templates: names are checked one by one."""
        return self.is_usable


# What media servers and scripts ask all day; whether they may see it is asked of the row.
account_by_id = Prepared("agora_account_by_id", lambda: Account.objects.filter(pk=NUMBER))
account_by_key = Prepared(
    "agora_account_by_key", lambda: Account.objects.with_two_factor_required().filter(username_key=TEXT)
)


class SignInThrottle(models.Model):
    """How often signing in failed for one username or from one address, and until when it is refused unheard."""

    key = models.CharField(max_length=64)
    failures = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    failed_at = models.DateTimeField()
    blocked_until = models.DateTimeField()

    class Meta:
        verbose_name = _("sign-in throttle")
        verbose_name_plural = _("sign-in throttles")
        constraints = [models.UniqueConstraint(fields=["key"], name="throttle_once_for_each_key")]

    def __str__(self) -> str:
        return f"{self.key}: {self.failures}"


class ResetRequest(models.Model):
    """Somebody asked for a link to reset a password. Who was meant is looked up by a worker, so that the page takes the
    same time whether there is such an account; ``typed`` is wiped then."""

    at = models.DateTimeField()
    typed = EncryptedField(blank=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True)
    request_id = models.CharField(max_length=32, blank=True)

    class Meta:
        verbose_name = _("password reset request")
        verbose_name_plural = _("password reset requests")


class Registration(models.Model):
    """Somebody who registered and has not opened the link in their mail yet."""

    at = models.DateTimeField()
    username = models.CharField(max_length=150, validators=[validate_username])
    email = models.EmailField()
    password = models.CharField(max_length=128)  # the hash

    audit_type = "registration"

    class Meta:
        verbose_name = _("registration")
        verbose_name_plural = _("registrations")
        indexes = [models.Index(fields=["at"], name="registration_by_time")]

    def __str__(self) -> str:
        return self.username
