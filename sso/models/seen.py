"""What may count once only, shared between processes: assertions, logout tokens."""

import hashlib
from datetime import datetime

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from sso.models.provider import Provider


class SeenQuerySet(models.QuerySet["Seen"]):
    def once(self, provider: Provider, kind: str, value: str, expires_at: datetime) -> bool:
        """True for the first to ask, in any process; ``expires_at``: from when on the value is refused anyway."""
        digest = hashlib.sha256(value.encode()).hexdigest()
        try:
            with transaction.atomic():
                self.create(provider=provider, kind=kind, digest=digest, expires_at=expires_at)
        except IntegrityError:
            return False
        return True

    def expired(self, now: datetime) -> "SeenQuerySet":
        return self.filter(expires_at__lte=now)


class Seen(models.Model):
    provider = models.ForeignKey(Provider, models.CASCADE, db_index=False)
    kind = models.CharField(max_length=20)
    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    objects = SeenQuerySet.as_manager()

    class Meta:
        verbose_name = _("one-time id")
        verbose_name_plural = _("one-time ids")
        constraints = [models.UniqueConstraint(fields=["provider", "kind", "digest"], name="seen_once")]
        indexes = [models.Index(fields=["expires_at"], name="seen_by_end")]

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:8]}"
