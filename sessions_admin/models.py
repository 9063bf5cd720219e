"""Sign-in sessions: one login of one account in one browser. Open rows let requests in, closed rows are the history."""

import hashlib
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agora.base.models import one_of
from sessions_admin.browsers import browser_name
from settings_admin.models import ServerSettings


class Cause(models.TextChoices):
    """Why a session ended; empty while it is open."""

    OPEN = "", _("Open")
    SIGNED_OUT = "signed_out", _("Signed out")
    SIGNED_IN_AGAIN = "signed_in_again", _("Signed in again")
    ENDED = "ended", _("Ended by")
    ENDED_OTHERS = "ended_others", _("Ended from another session")
    LOCKED = "locked", _("Account locked")
    DEACTIVATED = "deactivated", _("Account deactivated")
    PASSWORD_CHANGED = "password_changed", _("Password changed")
    FACTOR_RESET = "factor_reset", _("Second factor reset")
    IDLE = "idle", _("Idle limit")
    ABSOLUTE = "absolute", _("Absolute limit")


class Method(models.TextChoices):
    """How the account proved who it is."""

    UNKNOWN = "", _("Unknown")
    PASSWORD = "password", _("Password")

    @property
    def asks_second_factor(self) -> bool:
        """Ours; other systems that people sign in through have their own."""
        return self in (Method.UNKNOWN, Method.PASSWORD)


def digest_of(key: str) -> str:
    """What is stored of a session key: SHA-256 suffices, the key has 160 random bits (OWASP Session Management)."""
    return hashlib.sha256(key.encode()).hexdigest()


class SessionQuerySet(models.QuerySet["Session"]):
    def signed_in(self) -> Self:
        """Sessions of accounts; the others are visitors on their way through the sign-in pages."""
        return self.filter(account__isnull=False)

    def not_closed(self) -> Self:
        """Rows without an end, past their limits or not."""
        return self.filter(closed_at__isnull=True)

    def open(self, now: datetime | None = None, limits: ServerSettings | None = None) -> Self:
        """Sessions whose next request will be let in: not closed and within both limits."""
        now, limits = now or timezone.now(), limits or ServerSettings.load()
        return (
            self.signed_in()
            .not_closed()
            .filter(last_seen_at__gt=now - limits.idle_limit, opened_at__gt=now - limits.absolute_limit)
        )

    def past_limits(self, now: datetime | None = None, limits: ServerSettings | None = None) -> Self:
        """Sessions that a limit ended and nobody wrote down yet: their next request, or a purge, will."""
        now, limits = now or timezone.now(), limits or ServerSettings.load()
        idle, absolute = Q(last_seen_at__lte=now - limits.idle_limit), Q(opened_at__lte=now - limits.absolute_limit)
        return self.signed_in().not_closed().filter(idle | absolute)

    def closed(self) -> Self:
        return self.signed_in().filter(closed_at__isnull=False)

    def of_account(self, account_id: int) -> Self:
        return self.filter(account_id=account_id)

    def with_limits(self) -> Self:
        """Each row with the server's settings that hold for every request: one query for all of it together."""
        limits = ServerSettings.objects.filter(pk=1)
        return self.select_related("account").annotate(
            idle_limit=Subquery(limits.values("idle_limit")),
            absolute_limit=Subquery(limits.values("absolute_limit")),
            two_factor_required=Subquery(limits.values("two_factor_required")),
        )


class Session(models.Model):
    """One sign-in session. ``key_digest`` is all that is stored of the key; ``data`` is Django's session dictionary."""

    key_digest = models.CharField(max_length=64, unique=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="sessions", db_index=False
    )
    data = models.TextField(blank=True)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    cause = models.CharField(max_length=20, choices=Cause.choices, blank=True)
    closed_by_id = models.BigIntegerField(null=True)
    closed_by_name = models.CharField(max_length=150, blank=True)
    method = models.CharField(max_length=20, choices=Method.choices, blank=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True)

    idle_limit: timedelta  # from with_limits()
    absolute_limit: timedelta
    two_factor_required: bool
    audit_type = "session"
    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in session")
        verbose_name_plural = _("sign-in sessions")
        constraints = [
            one_of("cause", Cause, "session_cause_known"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, cause="") | (Q(closed_at__isnull=False, data="") & ~Q(cause="")),
                name="session_closed_has_cause_and_no_data",
            ),
        ]
        indexes = [
            models.Index(fields=["account"], name="session_open_account", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["account", "closed_at", "id"], name="session_account_closed"),
            models.Index(fields=["opened_at", "id"], name="session_open_opened", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["last_seen_at", "id"], name="session_open_seen", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["closed_at", "id"], name="session_closed", condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"s-{self.pk}"

    @property
    def browser(self) -> str:
        return browser_name(self.user_agent)

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def cause_label(self) -> str:
        """The cause as the pages say it, with the name of who ended it."""
        if self.cause == Cause.ENDED and self.closed_by_name:
            return str(_("Ended by %(name)s") % {"name": self.closed_by_name})
        return str(self.get_cause_display())

    def past(self, now: datetime, *, idle: timedelta, absolute: timedelta) -> Cause:
        """The limit that this session passed first, or Cause.OPEN."""
        if now < self.ends_at(idle=idle, absolute=absolute):
            return Cause.OPEN
        return Cause.ABSOLUTE if self.opened_at + absolute <= self.last_seen_at + idle else Cause.IDLE

    def ends_at(self, *, idle: timedelta, absolute: timedelta) -> datetime:
        """From when on no request is let in, unless one comes before."""
        return min(self.opened_at + absolute, self.last_seen_at + idle)


def open_count(account: str = "pk") -> Subquery:
    """Annotation for a list of accounts: how many rows without an end each has."""
    rows = Session.objects.not_closed().filter(account=OuterRef(account)).order_by()
    return Subquery(rows.values("account").annotate(n=models.Count("pk")).values("n"))
