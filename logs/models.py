"""Errors that nobody handled, grouped by what and where; and when the last mails about them were queued."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.actor import NAMES_LENGTH


class ErrorGroupQuerySet(models.QuerySet["ErrorGroup"]):
    def untold(self, before: datetime) -> Self:
        """Groups with errors that no mail told of, whose last mail is older than that."""
        return self.filter(Q(mailed_at__isnull=True) | Q(mailed_at__lte=before), untold__gt=0)


class ErrorGroup(models.Model):
    """The same error, however often. The facts are those of the last time; ``untold`` is how many no mail told of."""

    fingerprint = models.CharField(max_length=64, unique=True)
    exception = models.CharField(max_length=200)
    message = models.CharField(max_length=300, blank=True)
    place = models.CharField(max_length=300)
    frames = models.TextField(blank=True)
    what = models.CharField(max_length=420, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    account_name = models.CharField(max_length=NAMES_LENGTH, blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveBigIntegerField(default=0)
    untold = models.PositiveBigIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)

    objects = ErrorGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("error")
        verbose_name_plural = _("errors")
        constraints = [models.CheckConstraint(condition=Q(untold__lte=models.F("count")), name="error_untold_counted")]
        indexes = [
            models.Index(fields=["last_at", "id"], name="error_group_by_time"),
            models.Index(fields=["id"], name="error_group_untold", condition=Q(untold__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.exception} at {self.place}"


class ErrorMailing(models.Model):
    """The single row: when the mails of the last hour were queued. Locked by whoever is about to queue one."""

    sent = models.JSONField(default=list)

    class Meta:
        verbose_name = _("error mails")
        verbose_name_plural = _("error mails")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="error_mailing_single_row")]
