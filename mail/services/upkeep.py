"""What people and the clock do to the rows: try again, throw away."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked
from agora.celery import wake
from audit.events import event
from audit.services import change, record
from mail.models import KEPT_TRYING, MailSettings, Message, State

RETRIED = event("mail.retried", _("Mail queued again"))
PURGED = event("mail.purged", _("Old mails removed"))

SENT_KEPT, FAILED_KEPT = timedelta(days=30), timedelta(days=90)


class NotFailed(Refused):
    status = 409
    message = _("This mail is not failed: there is nothing to try again.")


class NothingToSend(Refused):
    status = 409
    message = _("This mail has no text to send. Have it made again where it came from.")


class MailIsOff(Refused):
    status = 409
    message = _("This server sends no mail. Choose how it does under Settings, Mail.")


def retry_message(message: Message, *, actor: Actor) -> None:
    """Queue a failed mail again, for another day. Raises NotFailed, NothingToSend, MailIsOff, Gone."""
    with change(RETRIED, actor=actor, target=message, recipient=message.recipient):
        if MailSettings.load().server is None:
            raise MailIsOff
        row = locked(Message.objects.all(), message)
        if row.state != State.FAILED:
            raise NotFailed
        if not row.content:
            raise NothingToSend
        row.state, row.finished_at = State.QUEUED, None
        row.next_at, row.give_up_at = actor.at, actor.at + KEPT_TRYING
        row.save(update_fields=["state", "finished_at", "next_at", "give_up_at"])
        wake("mail.drain", actor=actor)


def purge_messages(*, now: datetime) -> int:
    """Remove sent mails after 30 days and failed ones after 90; returns how many."""
    removed = 0
    with transaction.atomic():
        for state, kept in ((State.SENT, SENT_KEPT), (State.FAILED, FAILED_KEPT)):
            removed += Message.objects.filter(state=state, created_at__lt=now - kept).delete()[0]
        if removed:
            record(PURGED, actor=Actor.system("mail.purge"), removed=removed)
    return removed
