"""``python -m bench.mailhost``: a mail server in a process of its own. It prints its port.

For each line, the seconds that each mail takes from now on, it prints what arrived since, Message-ID and time of each
mail, and forgets it.
"""

import json
import logging
import sys
import time

from tests.services.smtp import Mailhost


class Host(Mailhost):
    """Notes the Message-ID alone: parsing whole mails would make the server the slowest part."""

    def note(self, content: bytes) -> None:
        head = content.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        (found,) = [line[12:] for line in head.split("\r\n") if line.startswith("Message-ID: ")]
        self.arrived.append((found, time.time()))

    arrived: list[tuple[str, float]]


def main() -> None:
    logging.disable(logging.CRITICAL)
    host = Host()
    host.arrived = []
    print(host.port, flush=True)
    for line in sys.stdin:
        host.delay = float(line)
        arrived, host.arrived = host.arrived, []
        print(json.dumps(arrived), flush=True)
    host.stop()


if __name__ == "__main__":
    main()
