"""What the workers do for resources."""

from celery import shared_task
from django.utils import timezone

from resources.services import recordings
from resources.services.grants import note_ended_grants
from resources.services.recordings import sweep_files
from resources.services.stream_sessions import give_up_lost, purge_sessions


@shared_task(name="resources.note_ended_grants")
def note_ended() -> None:
    """Write down which grants ended; they stopped counting at their end, noted or not."""
    note_ended_grants(now=timezone.now())


@shared_task(name="resources.close_sessions")
def close_sessions() -> None:
    """Close stream sessions that no streamer reports any more, remove those that were closed long ago."""
    give_up_lost(now=timezone.now())
    purge_sessions(now=timezone.now())


@shared_task(name="resources.sweep_files")
def sweep() -> None:
    """Remove what killed processes left among the files of recordings; fail recordings that nobody will finish."""
    sweep_files(now=timezone.now())
    recordings.give_up_lost(now=timezone.now())
