"""Tests of providers: what was tried with which settings, for the one person who started it."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import EncryptedField, one_of
from sso.models.provider import Kind


class ReportQuerySet(models.QuerySet["Report"]):
    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lte=now)

    def of_tester(self, account_id: int) -> Self:
        return self.filter(tester_id=account_id)

    def with_key(self, key: str) -> Self:
        return self.filter(key=key)

    def unread_since(self, moment: datetime) -> Self:
        """Reports from before then that still have their content."""
        return self.filter(created_at__lte=moment).exclude(content="")

    def untried_since(self, moment: datetime) -> Self:
        """Tests from before then that never ended."""
        return self.filter(created_at__lte=moment).exclude(tried="")

    def passed_with(self, digest: str, now: datetime) -> Self:
        """Tests of exactly these settings that passed, not long ago."""
        return self.filter(settings_digest=digest, passed=True, expires_at__gt=now)


class Report(models.Model):
    """``tried``: the settings, saved or not, as JSON, wiped when the test ends; ``content``: what came of it, as JSON,
    for the tester alone and for ten minutes. What stays for an hour is whether settings with this digest passed."""

    tester = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    key = models.CharField(max_length=32, unique=True)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    alias = models.CharField(max_length=50)
    name = models.CharField(max_length=100)
    provider_id = models.BigIntegerField(null=True)
    tried = EncryptedField(blank=True)
    settings_digest = models.CharField(max_length=64)
    content = EncryptedField(blank=True)
    passed = models.BooleanField(null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    audit_type = "provider_test"
    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("test of a provider")
        verbose_name_plural = _("tests of providers")
        constraints = [
            one_of("kind", Kind, "report_kind_known"),
            models.CheckConstraint(condition=Q(passed__isnull=True) | Q(tried=""), name="report_forgets_the_settings"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="report_by_end"),
            models.Index(fields=["settings_digest"], name="report_by_settings", condition=Q(passed=True)),
        ]

    def __str__(self) -> str:
        return self.name
