"""What was answered to a request with an Idempotency-Key, so that its repetition does nothing again."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from agora.base.models import EncryptedField

KEPT = timedelta(hours=24)


class AnswerQuerySet(models.QuerySet["Answer"]):
    def stale(self, now: datetime) -> Self:
        """Nobody repeats a request after a day."""
        return self.filter(created_at__lt=now - KEPT)


class Answer(models.Model):
    """One request's answer. ``body`` is encrypted, as it may be about people, and empty where it told a secret.

    ``key_digest`` is of the Idempotency-Key and of the API key or session that sent it.
    """

    account_id = models.BigIntegerField()
    key_digest = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = EncryptedField(blank=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    objects = AnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer kept for its repetition")
        verbose_name_plural = _("answers kept for their repetition")
        constraints = [
            models.UniqueConstraint(fields=["account_id", "key_digest"], name="answer_once_for_each_key"),
        ]
        indexes = [models.Index(fields=["created_at"], name="answer_by_age")]

    def __str__(self) -> str:
        return f"{self.status} {self.created_at:%Y-%m-%d %H:%M:%S}"
