"""A process of its own that keeps asking with the cookies of one account, and notes who was let in when."""

import os
import time
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized


def knock(address: str, keys: list[str], ended: "Synchronized[float]", wanted: int, answer: Connection) -> None:
    """Asks until ``wanted`` requests were started after ``ended`` (on the monotonic clock); sends what was let in.

    Sends (let in before, started after, let in after).
    """
    os.environ["DATABASE_URL"] = address
    import django

    django.setup()
    from django.conf import settings
    from django.test import Client

    client = Client()
    before = started_after = let_in_after = turn = 0
    while started_after < wanted:
        client.cookies[settings.SESSION_COOKIE_NAME] = keys[turn % len(keys)]
        turn += 1
        started, end = time.monotonic(), ended.value
        let_in = client.get("/bench/nothing/").content == b"in"
        if end and started > end:
            started_after += 1
            let_in_after += let_in
        elif let_in:
            before += 1
            if before == 1:
                answer.send("in")
    answer.send((before, started_after, let_in_after))
