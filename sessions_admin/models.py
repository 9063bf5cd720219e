"""Sign-in sessions: one login of one account in one browser. Open rows let requests in, closed rows are the history."""

import hashlib
from datetime import datetime, timedelta
from typing import Protocol, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agora.base.models import Searchable, one_of
from sessions_admin.browsers import browser_name
from settings_admin.models import ServerSettings


class Cause(models.TextChoices):
    """Why a session ended; empty while it is open."""

    OPEN = "", _("Open")
    SIGNED_OUT = "signed_out", _("Signed out")
    SIGNED_OUT_THERE = "signed_out_there", _("Signed out at the provider")
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
    OPENID = "openid", _("OpenID Connect")
    SAML = "saml", _("SAML")
    LDAP = "ldap", _("LDAP")


def digest_of(key: str) -> str:
    """What is stored of a session key: SHA-256 suffices, the key has 160 random bits (OWASP Session Management)."""
    return hashlib.sha256(key.encode()).hexdigest()


class Limits(Protocol):
    """After how long a session ends: the server's settings, or a session that was read ``with_limits``."""

    @property
    def idle_limit(self) -> timedelta: ...

    @property
    def absolute_limit(self) -> timedelta: ...


def still_open(now: datetime | None = None, limits: Limits | None = None) -> tuple[datetime, datetime]:
    """After when an open session was last seen, and after when it was opened. Who knows the limits saves a query."""
    now, limits = now or timezone.now(), limits or ServerSettings.load()
    return now - limits.idle_limit, now - limits.absolute_limit


class SessionQuerySet(models.QuerySet["Session"]):
    def signed_in(self) -> Self:
        """Sessions of accounts; the others are visitors on their way through the sign-in pages."""
        return self.filter(account__isnull=False)

    def visitors(self) -> Self:
        """Sessions of nobody yet; ``of_provider`` finds those who are half-way in by a provider's word."""
        return self.filter(account__isnull=True)

    def not_closed(self) -> Self:
        """Rows without an end, past their limits or not."""
        return self.filter(closed_at__isnull=True)

    def open(self, now: datetime | None = None, limits: Limits | None = None) -> Self:
        """Sessions whose next request will be let in: not closed and within both limits."""
        return self.open_since(*still_open(now, limits))

    def open_since(self, seen: datetime, opened: datetime) -> Self:
        """The same with the times that ``still_open`` tells."""
        return self.signed_in().not_closed().filter(last_seen_at__gt=seen, opened_at__gt=opened)

    def past_limits(self, now: datetime | None = None, limits: Limits | None = None) -> Self:
        """Sessions that a limit ended and nobody wrote down yet: their next request, or a purge, will."""
        now, limits = now or timezone.now(), limits or ServerSettings.load()
        idle, absolute = Q(last_seen_at__lte=now - limits.idle_limit), Q(opened_at__lte=now - limits.absolute_limit)
        return self.signed_in().not_closed().filter(idle | absolute)

    def closed(self) -> Self:
        return self.signed_in().filter(closed_at__isnull=False)

    def of_account(self, account_id: int) -> Self:
        return self.filter(account_id=account_id)

    def of_provider(self, provider_id: int, *, subject: str = "", session: str = "") -> Self:
        """Sessions that this provider opened for a subject, in a session of its own, or both; one is named at least.

        Where it did not name its session when it opened ours, each of the subject may be the one that it means.
        """
        assert subject or session
        rows = self.filter(provider_id=provider_id)
        if subject:
            rows = rows.filter(provider_subject=subject)
        return rows.filter(provider_session__in={session, "" if subject else session}) if session else rows

    def with_limits(self) -> Self:
        """Each row with the server's settings that hold for every request: one query for all of it together."""
        limits = ServerSettings.objects.filter(pk=1)
        return self.select_related("account").annotate(
            idle_limit=Subquery(limits.values("idle_limit")),
            absolute_limit=Subquery(limits.values("absolute_limit")),
            two_factor_required=Subquery(limits.values("two_factor_required")),
        )

    def with_elevated(self) -> Self:
        """Each row with whether it is elevated to something."""
        running = Elevation.objects.running().filter(session_id=OuterRef("pk"))
        return self.annotate(elevated=Exists(running))


class Session(models.Model):
    """One sign-in session. ``key_digest`` is all that is stored of the key; ``data`` is Django's session dictionary.

    Unique by a constraint: with ``unique=True`` Django keeps a second index, for LIKE, that nothing asks.
    """

    key_digest = models.CharField(max_length=64)
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
    asks_second_factor = models.BooleanField(default=True)
    # The provider that said who it is, in text and without a foreign key: the history outlives it.
    provider_id = models.BigIntegerField(null=True)
    provider_name = models.CharField(max_length=100, blank=True)
    provider_session = models.CharField(max_length=255, blank=True)
    provider_subject = models.CharField(max_length=255, blank=True)
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True)

    idle_limit: timedelta  # from with_limits()
    absolute_limit: timedelta
    two_factor_required: bool
    elevated: bool  # from with_elevated()
    audit_type = "session"
    objects = SessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign-in session")
        verbose_name_plural = _("sign-in sessions")
        constraints = [
            models.UniqueConstraint(fields=["key_digest"], name="session_key_unique"),
            one_of("cause", Cause, "session_cause_known"),
            one_of("method", Method, "session_method_known"),
            models.CheckConstraint(
                condition=Q(provider_id__isnull=False) | Q(provider_session="", provider_subject=""),
                name="session_subject_of_a_provider",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, cause="") | (Q(closed_at__isnull=False, data="") & ~Q(cause="")),
                name="session_closed_has_cause_and_no_data",
            ),
        ]
        indexes = [
            # The open ones as well, with all that says whether they still are: to count them takes the index alone.
            models.Index(
                fields=["account", "closed_at", "id", "last_seen_at", "opened_at"], name="session_account_closed"
            ),
            models.Index(fields=["opened_at", "id"], name="session_open_opened", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["last_seen_at", "id"], name="session_open_seen", condition=Q(closed_at__isnull=True)),
            models.Index(fields=["closed_at", "id"], name="session_closed", condition=Q(closed_at__isnull=False)),
            models.Index(
                fields=["provider_id", "provider_subject"],
                name="session_open_provider",
                condition=Q(closed_at__isnull=True, provider_id__isnull=False),
            ),
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
    def method_label(self) -> str:
        """The method as the pages say it, with the name of the provider."""
        label = str(Method(self.method).label)
        return f"{label}, {self.provider_name}" if self.provider_name else label

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


class ElevationKind(models.TextChoices):
    IMPERSONATION = "impersonation", _("Impersonation")
    ADMIN_MODE = "admin_mode", _("Admin mode")


class ElevationMode(models.TextChoices):
    """What an impersonation may do; empty for admin mode."""

    NONE = "", _("Everything")
    LOOK = "look", _("Look only")
    ACT = "act", _("Act")


class ElevationEnd(models.TextChoices):
    """Why an elevation ended; empty while it runs."""

    RUNNING = "", _("Running")
    STOPPED = "stopped", _("Stopped")
    TIME = "time", _("Time was over")
    IDLE = "idle", _("Not used for too long")
    SESSION_ENDED = "session_ended", _("The session ended")
    NOT_ALLOWED = "not_allowed", _("No longer a superuser")
    TARGET_LOCKED = "target_locked", _("The account was locked")
    TARGET_INACTIVE = "target_inactive", _("The account was deactivated")
    TARGET_SUPERUSER = "target_superuser", _("The account became a superuser")
    TARGET_GONE = "target_gone", _("The account was deleted")
    SWITCHED_OFF = "switched_off", _("Switched off on this server")


class ElevationQuerySet(models.QuerySet["Elevation"]):
    def running(self) -> Self:
        """Rows without an end, past their time or not."""
        return self.filter(ended_at__isnull=True)

    def overdue(self, now: datetime) -> Self:
        """Rows whose time is over, which nobody wrote down yet: their session's next request, or a purge, will."""
        idle = Q(idle_limit__isnull=False, last_used_at__lte=now - models.F("idle_limit"))
        return self.running().filter(Q(ends_at__lte=now) | idle)

    def impersonations(self) -> Self:
        return self.filter(kind=ElevationKind.IMPERSONATION)

    def admin_modes(self) -> Self:
        return self.filter(kind=ElevationKind.ADMIN_MODE)

    def of_target(self, account_id: int) -> Self:
        return self.filter(target_id=account_id)

    def of_account(self, account_id: int) -> Self:
        return self.filter(account_id=account_id)


class Elevation(Searchable):
    """What one session may do beyond its account for a while: act as somebody else, or open everybody's projects.

    Who and whom are text and ids without foreign keys, so that the list stays readable when an account is gone.
    """

    kind = models.CharField(max_length=20, choices=ElevationKind.choices)
    session_id = models.BigIntegerField()
    account_id = models.BigIntegerField()
    account_name = models.CharField(max_length=150)
    target_id = models.BigIntegerField(null=True)
    target_name = models.CharField(max_length=150, blank=True)
    mode = models.CharField(max_length=10, choices=ElevationMode.choices, blank=True)
    reason = models.CharField(max_length=500)
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    idle_limit = models.DurationField(null=True)
    last_used_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=20, choices=ElevationEnd.choices, blank=True)

    search_fields = ("account_name", "target_name", "reason")
    audit_type = "elevation"
    objects = ElevationQuerySet.as_manager()

    class Meta:
        verbose_name = _("elevation")
        verbose_name_plural = _("elevations")
        constraints = [
            models.UniqueConstraint(
                fields=["session_id"], condition=Q(ended_at__isnull=True), name="elevation_one_in_a_session"
            ),
            one_of("kind", ElevationKind, "elevation_kind_known"),
            one_of("end", ElevationEnd, "elevation_end_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="elevation_has_a_reason"),
            models.CheckConstraint(condition=Q(ends_at__gt=models.F("started_at")), name="elevation_ends_after_start"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="") | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="elevation_ended_has_end",
            ),
            models.CheckConstraint(
                condition=Q(kind=ElevationKind.ADMIN_MODE, target_id__isnull=True, target_name="", mode="")
                | Q(
                    kind=ElevationKind.IMPERSONATION,
                    target_id__isnull=False,
                    mode__in=(ElevationMode.LOOK, ElevationMode.ACT),
                ),
                name="elevation_target_and_mode_of_impersonation",
            ),
            models.CheckConstraint(
                condition=Q(target_id__isnull=True) | ~Q(target_id=models.F("account_id")),
                name="elevation_not_as_oneself",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "started_at", "id"], name="elevation_kind_started"),
            models.Index(fields=["target_id", "started_at"], name="elevation_target"),
            models.Index(fields=["ends_at"], name="elevation_running", condition=Q(ended_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"e-{self.pk}"

    @property
    def is_running(self) -> bool:
        return self.ended_at is None

    @property
    def only_looks(self) -> bool:
        return self.mode == ElevationMode.LOOK

    @property
    def until(self) -> datetime:
        """From when on no request is elevated, unless it is used before."""
        return min(self.ends_at, self.last_used_at + self.idle_limit) if self.idle_limit else self.ends_at

    def minutes_left(self, now: datetime) -> int:
        """Whole minutes until it ends by itself, however busy it is; begun ones count."""
        return max(0, -(-int((self.ends_at - now).total_seconds()) // 60))

    def past(self, now: datetime) -> ElevationEnd:
        """The limit that has passed, or ElevationEnd.RUNNING."""
        if now < self.until:
            return ElevationEnd.RUNNING
        return ElevationEnd.TIME if self.until == self.ends_at else ElevationEnd.IDLE


def open_count(seen: datetime, opened: datetime) -> Subquery:
    """Annotation for a list of accounts: how many open sessions (see ``open_since``) each has, None for none."""
    rows = Session.objects.open_since(seen, opened).filter(account=OuterRef("pk")).order_by()
    return Subquery(rows.values("account").annotate(n=models.Count("pk")).values("n"))
