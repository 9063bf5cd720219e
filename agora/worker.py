"""How the Celery worker keeps in touch with its broker; loaded by the worker alone (CELERY_WORKER_CONSUMER)."""

import logging
from typing import Any

from celery.worker import consumer
from celery.worker.state import maybe_shutdown

logger = logging.getLogger(__name__)


class Consumer(consumer.Consumer):  # type: ignore[misc]  # celery has no types
    """A worker that is back within two seconds of its broker's return; as it comes it may wait for thirty."""

    def ensure_connected(self, conn: Any) -> Any:
        def waiting(error: Exception, seconds: float) -> None:
            logger.warning("The broker can't be reached (%s); trying again in %.1f s.", error, seconds)

        return conn.ensure_connection(
            waiting, None, interval_start=0.2, interval_step=0.3, interval_max=2, callback=maybe_shutdown
        )
