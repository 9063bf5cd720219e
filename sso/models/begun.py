"""Sign-ins that are under way at a provider: one row for each that was sent there, used up when it comes back."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import EncryptedField, one_of
from sso.models.provider import Kind, Provider
from sso.models.report import Report


class BegunQuerySet(models.QuerySet["Begun"]):
    def expired(self, now: datetime) -> Self:
        return self.filter(expires_at__lte=now)


class Begun(models.Model):
    """``request_digest``: of OpenID Connect's ``state`` or SAML's AuthnRequest id; ``browser_digest``: of the cookie
    of the browser that was sent there. ``data`` is what the protocol must remember (nonce, PKCE verifier …), as JSON.

    A test has a ``report`` and no provider: its settings, saved or not, stand in the report.
    """

    kind = models.CharField(max_length=6, choices=Kind.choices)
    alias = models.CharField(max_length=50)
    provider = models.ForeignKey(Provider, models.CASCADE, null=True)
    report = models.ForeignKey(Report, models.CASCADE, null=True)
    request_digest = models.CharField(max_length=64, unique=True)
    browser_digest = models.CharField(max_length=64)
    next_path = models.CharField(max_length=2000, blank=True)
    data = EncryptedField(blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = BegunQuerySet.as_manager()

    class Meta:
        verbose_name = _("begun sign-in")
        verbose_name_plural = _("begun sign-ins")
        constraints = [
            one_of("kind", Kind, "begun_kind_known"),
            models.CheckConstraint(
                condition=Q(provider__isnull=False, report__isnull=True)
                | Q(provider__isnull=True, report__isnull=False),
                name="begun_sign_in_or_test",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="begun_by_end")]

    def __str__(self) -> str:
        return f"{self.kind} {self.alias}"

    @property
    def is_test(self) -> bool:
        return self.report_id is not None
