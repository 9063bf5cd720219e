"""Removing what is past its time."""

from datetime import datetime

from sso.models import Begun, Report, Seen
from sso.services.testing import SHOWN, TRIED


def purge(*, now: datetime) -> int:
    """Remove begun sign-ins, one-time ids and reports of tests that count no more; returns how many rows."""
    Report.objects.unread_since(now - SHOWN).update(content="")
    Report.objects.untried_since(now - TRIED).update(tried="")
    past = (Begun.objects.expired(now), Seen.objects.expired(now), Report.objects.expired(now))
    return sum(rows.delete()[0] for rows in past)
