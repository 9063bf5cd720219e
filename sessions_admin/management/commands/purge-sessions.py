"""``manage.py purge-sessions``: for cron, until a schedule calls it."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from sessions_admin.services import purge_sessions


class Command(BaseCommand):
    help = "Writes down sessions past their limits and removes sessions that were closed 365 days ago."

    def handle(self, *args: Any, **options: Any) -> None:
        counts = purge_sessions(now=timezone.now())
        self.stdout.write(", ".join(f"{name}: {count}" for name, count in counts.items()))
