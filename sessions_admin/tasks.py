"""What the workers do with sign-in sessions."""

from celery import shared_task
from django.utils import timezone

from sessions_admin.services import purge_sessions


@shared_task(name="sessions.purge")
def purge() -> None:
    """Write down the ends that a limit brought, remove sessions that were closed long ago."""
    purge_sessions(now=timezone.now())
