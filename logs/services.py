"""Writing errors down, and the mails about them: few, whatever happens.

A group is mailed at once, then at most every 10 minutes; at most 20 mails leave within an hour. What was held back is
summed up in one mail as soon as both allow it.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Account
from agora.base.actor import Actor
from logs.models import ErrorGroup, ErrorMailing
from logs.reports import Report
from mail.services import CannotMail, mail_is_on, send
from settings_admin.models import ServerSettings, addresses

logger = logging.getLogger(__name__)

PAUSE = timedelta(minutes=10)  # between two mails about the same error
WINDOW, MOST = timedelta(hours=1), 20  # mails, each to every recipient
IN_SUMMARY = 50  # groups that a summary names
KEPT = timedelta(days=90)


def write_down(report: Report) -> ErrorGroup:
    """Count the error in its group and mail it, if it is time."""
    now = timezone.now()
    to = recipients() if may_be_mailed(report) else []
    with transaction.atomic():
        group = _locked(report, now)
        group.last_at, group.count = now, group.count + 1
        group.message, group.place, group.frames = report.message, report.place, report.frames
        group.what, group.request_id, group.account_name = report.what, report.request_id, report.account_name
        if to:
            group.untold += 1
            rested = group.mailed_at is None or group.mailed_at <= now - PAUSE
            if rested and (number := _next_mail(now)):
                context = {"group": group, "last": number == MOST, "most": MOST, "again": group.mailed_at is not None}
                _send("error", to, context, now)
                group.untold, group.mailed_at = 0, now
        group.save()
    return group


def summarise(*, now: datetime) -> int:
    """One mail about everything that was held back and may be told by now; returns how many groups it named."""
    to = recipients()
    with transaction.atomic():
        groups = list(ErrorGroup.objects.untold(now - PAUSE).select_for_update().order_by("pk")[:IN_SUMMARY])
        if not to or not groups or not _next_mail(now):
            return 0
        _send("error_summary", to, {"groups": groups, "total": sum(group.untold for group in groups)}, now)
        ErrorGroup.objects.filter(pk__in=[group.pk for group in groups]).update(untold=0, mailed_at=now)
    return len(groups)


def recipients() -> list[str]:
    """Who gets error mails now: nobody while mail or the setting is off."""
    server = ServerSettings.load()
    if not server.send_error_mails or not mail_is_on():
        return []
    return addresses(server.error_recipients) or Account.objects.usable().superusers().addresses()


def may_be_mailed(report: Report) -> bool:
    """Errors of the tasks that mail are only written down: a mail about them would meet the same error."""
    return not report.what.startswith(("mail.", "logs."))


def purge_errors(*, now: datetime) -> int:
    """Remove groups that did not happen for 90 days; returns how many."""
    return ErrorGroup.objects.filter(last_at__lt=now - KEPT).delete()[0]


def _locked(report: Report, now: datetime) -> ErrorGroup:
    rows = ErrorGroup.objects.select_for_update()
    group = rows.filter(fingerprint=report.fingerprint).first()
    if group is None:
        facts = {"exception": report.exception, "place": report.place, "first_at": now, "last_at": now}
        try:
            with transaction.atomic():
                return ErrorGroup.objects.create(fingerprint=report.fingerprint, **facts)
        except IntegrityError:  # another process was first
            group = rows.get(fingerprint=report.fingerprint)
    return group


def _next_mail(now: datetime) -> int:
    """The number within the hour of the mail that may be sent now, counted at once; 0 when it has to wait."""
    ErrorMailing.objects.get_or_create(pk=1)
    mailing = ErrorMailing.objects.select_for_update().get(pk=1)
    recent = [at for at in mailing.sent if datetime.fromisoformat(at) > now - WINDOW]
    if len(recent) >= MOST:
        return 0
    mailing.sent = [*recent, now.isoformat()]
    mailing.save(update_fields=["sent"])
    return len(mailing.sent)


def _send(template: str, to: Sequence[str], context: dict[str, object], now: datetime) -> None:
    """What goes wrong here costs a mail, not the record of the error."""
    actor = Actor(name="system", at=now)
    for address in to:
        try:
            with transaction.atomic(), suppress(CannotMail):
                send(template, to=address, actor=actor, context=context)
        except Exception:
            logger.exception("An error mail could not be queued")
