"""What the workers do with mail."""

from celery import shared_task
from django.utils import timezone

from agora.celery import actor_of_task, wake
from mail.services.delivery import drain as send_due
from mail.services.upkeep import purge_messages

AT_ONCE = 5.0  # seconds; short, so that a worker which is told to end has nothing left to do soon


@shared_task(bind=True, name="mail.drain")
def drain(self) -> None:  # type: ignore[no-untyped-def]  # celery has no types
    """Send what is due. Takes no ids: being told is a hint, the rows say what there is to do; told by whoever made
    one and by the clock."""
    if send_due(seconds=AT_ONCE):
        wake("mail.drain", actor=actor_of_task(self.request))


@shared_task(name="mail.purge")
def purge() -> None:
    """Remove what nobody looks up any more."""
    purge_messages(now=timezone.now())
