"""What the workers do about errors."""

from celery import shared_task
from django.utils import timezone

from logs.services import purge_errors, summarise


@shared_task(name="logs.summarise")
def summarise_errors() -> None:
    """Tell what was held back."""
    summarise(now=timezone.now())


@shared_task(name="logs.purge")
def purge_old_errors() -> None:
    """Remove what did not happen for long."""
    purge_errors(now=timezone.now())
