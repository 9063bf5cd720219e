"""Lines of the logs: what error mails leave out of an error, its line and its traceback do not tell either."""

import logging
import re

from logs.reports import MASK, masked, of_the_server, sent_along

_VALUES = re.compile(r"(?m)(^|\\n)(DETAIL|CONTEXT):.*$")  # of PostgreSQL's errors: values of the row


class MaskedFormatter(logging.Formatter):
    """Django's, gunicorn's and Celery's lines with the secrets masked that the server knows or was sent."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        return masked(_VALUES.sub(rf"\1\2: {MASK}", super().format(record)), [*sent_along(error), *of_the_server()])
