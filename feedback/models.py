"""What people wrote to the administrators from the button in the bar."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.actor import NAMES_LENGTH


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def unhandled(self) -> Self:
        return self.filter(handled_at__isnull=True)

    def handled(self) -> Self:
        return self.filter(handled_at__isnull=False)

    def since(self, account_id: int, start: datetime) -> Self:
        """What one account wrote since then."""
        return self.filter(account_id=account_id, at__gt=start)


class Feedback(models.Model):
    """One message. ``page`` is the path of the page it came from, without what was searched for there."""

    at = models.DateTimeField()
    text = models.TextField(_("Your message"), max_length=4000)
    may_answer = models.BooleanField(_("You may answer me"), default=False)
    page = models.CharField(max_length=400, blank=True)
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="feedback", db_index=False
    )
    account_name = models.CharField(max_length=NAMES_LENGTH)
    handled_at = models.DateTimeField(null=True)
    handled_by_name = models.CharField(max_length=NAMES_LENGTH, blank=True)

    audit_type = "feedback"
    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="feedback_text_not_empty"),
            models.CheckConstraint(
                condition=Q(handled_at__isnull=False) | Q(handled_by_name=""), name="feedback_handler_only_when_handled"
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="feedback_unhandled", condition=Q(handled_at__isnull=True)),
            models.Index(fields=["id"], name="feedback_handled", condition=Q(handled_at__isnull=False)),
            models.Index(fields=["account", "at"], name="feedback_by_account"),
        ]

    def __str__(self) -> str:
        return f"f-{self.pk}"
