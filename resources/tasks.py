"""What the workers do for resources."""

from celery import shared_task
from django.utils import timezone

from resources.services.grants import note_ended_grants


@shared_task(name="resources.note_ended_grants")
def note_ended() -> None:
    """Write down which grants ended; they stopped counting at their end, noted or not."""
    note_ended_grants(now=timezone.now())
