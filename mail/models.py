"""Mail as rows: the server's settings for it, and every message with what became of it."""

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import EncryptedField, one_of
from mail.smtp import Encryption, Server

KEPT_TRYING = timedelta(hours=24)


FIELDS = ("host", "port", "from_email", "username", "password", "use_tls", "use_ssl", "fail_silently", "timeout")


class Mode(models.TextChoices):
    RELAY = "relay", _("Agora Mail Service")
    SERVER = "server", _("Mail Server")
    NONE = "none", _("Do not use email")


class MailSettings(models.Model):
    """The single row. Read it with ``MailSettings.load()``; there is no cache that could be out of date."""

    mode = models.CharField(_("How Agora sends mail"), max_length=6, choices=Mode.choices, default=Mode.NONE)
    host = models.CharField(_("Host"), max_length=253, blank=True)
    port = models.PositiveIntegerField(
        _("Port"), default=587, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    from_email = models.EmailField(_("From Email"), blank=True)
    username = models.CharField(_("Username"), max_length=254, blank=True)
    password = EncryptedField(_("Password"), blank=True)
    use_tls = models.BooleanField(_("Use TLS"), default=True)
    use_ssl = models.BooleanField(_("Use SSL"), default=False)
    fail_silently = models.BooleanField(_("Fail silently"), default=False)
    timeout = models.PositiveSmallIntegerField(
        _("Timeout"), default=10, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )

    version = models.PositiveIntegerField(default=1, editable=False)

    audit_type = "mail_settings"

    class Meta:
        verbose_name = _("mail settings")
        verbose_name_plural = _("mail settings")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="mail_settings_single_row"),
            models.CheckConstraint(condition=~Q(use_tls=True, use_ssl=True), name="mail_settings_tls_or_ssl"),
            models.CheckConstraint(
                condition=~Q(mode="server") | (~Q(host="") & ~Q(from_email="")), name="mail_settings_server_complete"
            ),
            one_of("mode", Mode, "mail_settings_mode_known"),
        ]

    def __str__(self) -> str:
        return str(_("Mail settings"))

    @classmethod
    def load(cls) -> Self:
        """The row; made with its defaults after every migration, so it is always there."""
        return cls.objects.get(pk=1)

    @property
    def server(self) -> Server | None:
        """Where mail is handed over; None when mail is off. The relay is the operator's, from the environment."""
        if self.mode == Mode.RELAY and settings.MAIL_RELAY:
            relay = settings.MAIL_RELAY
            return Server(
                relay.host, relay.port, relay.sender, relay.username, relay.password, Encryption(relay.encryption)
            )
        if self.mode == Mode.SERVER:
            how = Encryption.STARTTLS if self.use_tls else Encryption.SSL if self.use_ssl else Encryption.NONE
            return Server(self.host, self.port, self.from_email, self.username, self.password, how, float(self.timeout))
        return None


class State(models.TextChoices):
    QUEUED = "queued", _("Queued")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: datetime) -> Self:
        """What a worker may take: waiting long enough, or taken by a worker that was not heard of again."""
        return self.filter(state__in=[State.QUEUED, State.SENDING], next_at__lte=now)

    def listed(self) -> Self:
        """Without the text: pages have no business with it."""
        return self.defer("content")

    def failed(self) -> Self:
        return self.filter(state=State.FAILED)

    def waiting(self) -> Self:
        """Neither sent nor failed yet."""
        return self.filter(state__in=[State.QUEUED, State.SENDING])


class Message(models.Model):
    """One mail to one address, written in the transaction that causes it.

    While it is queued, ``next_at`` says when it is tried next. While a worker has it, ``lease`` is that worker's and
    ``next_at`` says when another one may take it. ``content`` is the whole mail but for its sender; it is wiped when
    the mail was sent, for it may hold a link that lets somebody in. Who caused it stands in it as in the audit log.
    """

    message_id = models.CharField(max_length=320, unique=True)
    template = models.CharField(max_length=64)
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=200)
    content = EncryptedField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    answer = models.TextField(blank=True)
    answers = models.JSONField(default=list)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    give_up_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    lease = models.CharField(max_length=32, blank=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    behalf_id = models.BigIntegerField(null=True)
    behalf_name = models.CharField(max_length=150, blank=True)
    elevation_id = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=32, blank=True)

    audit_type = "mail"
    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        constraints = [
            one_of("state", State, "mail_message_state_known"),
            models.CheckConstraint(
                condition=Q(state="sending") & ~Q(lease="") | ~Q(state="sending") & Q(lease=""),
                name="mail_message_lease_while_sending",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["sent", "failed"], finished_at__isnull=False)
                | Q(state__in=["queued", "sending"], finished_at__isnull=True),
                name="mail_message_finished_when_done",
            ),
            models.CheckConstraint(condition=~Q(state="sent") | Q(content=""), name="mail_message_sent_has_no_content"),
        ]
        indexes = [
            models.Index(
                fields=["next_at", "id"], name="mail_message_due", condition=Q(state__in=["queued", "sending"])
            ),
            models.Index(fields=["created_at", "id"], name="mail_message_created"),
            models.Index(fields=["state", "created_at", "id"], name="mail_message_state"),
        ]

    def __str__(self) -> str:
        return f"m-{self.pk}"

    @property
    def tone(self) -> str:
        """The colour beside the word."""
        return {State.SENT: "ok", State.FAILED: "bad", State.SENDING: "accent"}.get(State(self.state), "")

    @property
    def caused_by(self) -> str:
        """Whoever caused it, and as whom."""
        return f"{self.actor_name} as {self.behalf_name}" if self.behalf_name else self.actor_name

    @property
    def can_retry(self) -> bool:
        """Did it fail after there was something to send? What never was a mail was never tried."""
        return self.state == State.FAILED and self.attempts > 0

    @property
    def attempts_made(self) -> list[tuple[datetime, str]]:
        """When it was tried and what the server answered, oldest first."""
        return [(datetime.fromisoformat(one["at"]), one["answer"]) for one in self.answers]
