"""What the workers do for accounts."""

from celery import shared_task
from django.utils import timezone

from accounts.services.registration import purge_registrations
from accounts.services.resets import answer_resets
from accounts.services.throttle import purge_throttles


@shared_task(name="accounts.answer-resets")
def answer_reset_requests() -> None:
    """Send the links that were asked for. Takes no ids: the rows say what there is to do."""
    answer_resets(now=timezone.now())


@shared_task(name="accounts.purge-registrations")
def purge_old_registrations() -> None:
    """Remove registrations that nobody confirmed."""
    purge_registrations(now=timezone.now())


@shared_task(name="accounts.purge-throttles")
def purge_old_throttles() -> None:
    """Remove the counts of wrong and refused tries that are over."""
    purge_throttles(now=timezone.now())
