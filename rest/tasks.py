"""What the workers do for the API."""

from celery import shared_task
from django.utils import timezone

from rest.idempotency import purge_answers


@shared_task(name="rest.purge-answers")
def purge_old_answers() -> None:
    """Remove answers that are kept for a repetition which would come too late."""
    purge_answers(now=timezone.now())
