"""The settings of the worker processes that tests and the bench start: as they are, with shorter waits."""

from agora.settings import *  # noqa: F403
from agora.settings import CELERY_BROKER_TRANSPORT_OPTIONS

MAIL_LEASE = 1.0
MAIL_SWEEP = 1.0
CELERY_BROKER_TRANSPORT_OPTIONS = CELERY_BROKER_TRANSPORT_OPTIONS | {
    "visibility_timeout": 3,
    "unacked_restore_interval": 1,
    "unacked_restore_throttle": 1,
}
