"""The web server's settings, read by gunicorn (https://docs.gunicorn.org/en/stable/settings.html).

``agora.serve`` adds the address and the number of processes. Access and error log are files in the data folder's
``log``; warnings and errors are shown on the console too. Both are reopened when they were moved: logrotate
needs to send no signal.
"""

import logging
import os
from logging.handlers import WatchedFileHandler
from typing import Any

from agora.base.actor import NAMES, NamesFilter
from agora.settings import DATA_DIR

ERROR_LOG = str(DATA_DIR / "log" / "error.log")
_LINE = "%(asctime)s %(levelname)s %(name)s [%(actor)s] %(message)s"

# Threads wait for the database side by side; processes use the cores. The application is loaded in each process and not
# before the fork: database connections must not be shared between processes.
worker_class = "gthread"
threads = 4
preload_app = False

# With threads the timeout watches the process, not the request: a long export is not cut off.
timeout = 30
graceful_timeout = 10
keepalive = 15
limit_request_line = 8190  # filters of a list live in the address
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 the heartbeat must not wait for a disk
control_socket_disable = True  # it would be a file outside the data folder

# Without the query string and the referring page: both may hold what somebody searched for.
# Who asked stands in brackets, "root as vic" while impersonating.
access_log_format = f'%(h)s [%({{{NAMES}}}e)s] "%(m)s %(U)s" %(s)s %(B)s bytes %(M)s ms "%(a)s"'
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"class": "logs.lines.MaskedFormatter", "format": _LINE},
        "access": {"format": "%(asctime)s %(message)s"},
    },
    "filters": {"names": {"()": NamesFilter}},
    "handlers": {
        "access": {
            "class": "logging.handlers.WatchedFileHandler",
            "filename": str(DATA_DIR / "log" / "access.log"),
            "formatter": "access",
        },
        "error": {
            "class": "logging.handlers.WatchedFileHandler",
            "filename": ERROR_LOG,
            "formatter": "line",
            "filters": ["names"],
        },
        "console": {
            "class": "logging.StreamHandler",
            "level": "WARNING",
            "formatter": "line",
            "filters": ["names"],
        },
    },
    "root": {"level": "INFO", "handlers": []},
    "loggers": {
        "gunicorn.access": {"level": "INFO", "handlers": ["access"], "propagate": False},
        "gunicorn.error": {"level": "INFO", "handlers": ["error", "console"], "propagate": False},
    },
}


def post_worker_init(worker: Any) -> None:
    """Writes the application's own warnings and errors, which Django shows on the console, to the error log as well."""
    from logs.lines import MaskedFormatter  # reads Django's settings, which are there by now

    handler = WatchedFileHandler(ERROR_LOG)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(MaskedFormatter(_LINE))
    handler.addFilter(NamesFilter())
    logging.getLogger().addHandler(handler)
