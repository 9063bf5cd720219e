"""Writing to the administrators, and their dealing with it."""

from contextlib import suppress
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.services.rules import fresh
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked
from audit.events import event
from audit.services import change
from feedback.models import Feedback
from mail.services import CannotMail, send
from settings_admin.models import ServerSettings

SENT = event("feedback.sent", _("Feedback sent"))
HANDLED = event("feedback.handled", _("Feedback handled"))
REOPENED = event("feedback.reopened", _("Feedback reopened"))

MOST, WITHIN = 5, timedelta(hours=1)  # messages of one account


class FeedbackIsOff(Refused):
    """Switched off between opening the form and sending it."""

    message = _("Feedback is switched off on this server. Write to your administrators another way.")


class TooMuchFeedback(Refused):
    status = 429
    message = _("You have sent several messages within the hour. They have arrived; send the next one later.")


def send_feedback(account: Account, text: str, *, may_answer: bool, page: str, actor: Actor) -> Feedback:
    """Keep a message for the administrators. Raises FeedbackIsOff, TooMuchFeedback."""
    row = Feedback(at=actor.at, text=text, may_answer=may_answer, page=page, account=account, account_name=actor.names)
    with change(SENT, actor=actor, target=row, page=page, may_answer=may_answer, length=len(text)):
        if not ServerSettings.load().allow_feedback:
            raise FeedbackIsOff
        fresh(account)  # its row locked: two windows can't both be the last that is allowed
        if Feedback.objects.since(account.pk, actor.at - WITHIN).count() >= MOST:
            raise TooMuchFeedback
        row.save()
        _tell(row, actor)
    return row


def _tell(row: Feedback, actor: Actor) -> None:
    """A mail to each administrator; one whose address makes no sense stands in nobody's way."""
    context = {"letter": row, "answer_to": row.account.email if row.account and row.may_answer else ""}
    for address in Account.objects.usable().administrators().addresses():
        with suppress(CannotMail):
            send("feedback", to=address, actor=actor, context=context)


def set_handled(feedback: Feedback, handled: bool, *, actor: Actor) -> Feedback:
    """Tick a message off, or put it back. Doing it twice changes nothing: the first to handle it stays named.

    Raises Gone.
    """
    with change(HANDLED if handled else REOPENED, actor=actor, target=feedback) as entry:
        row = locked(Feedback.objects.all(), feedback)
        entry.compare({"handled": row.handled_at is not None}, {"handled": handled})
        if not entry.silent:
            row.handled_at, row.handled_by_name = (actor.at, actor.names) if handled else (None, "")
            row.save(update_fields=["handled_at", "handled_by_name"])
    return row
