"""What the workers do for single sign-on."""

from celery import shared_task
from django.utils import timezone

from sso.services.upkeep import purge as remove_expired


@shared_task(name="sso.purge")
def purge() -> None:
    """Remove what is past its time: begun sign-ins, one-time ids, reports of tests."""
    remove_expired(now=timezone.now())
