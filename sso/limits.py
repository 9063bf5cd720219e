"""A provider that is down or slow costs nobody else anything: a deadline, a few places, and a pause after silence."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.utils.translation import gettext as _

from sso.claims import ProviderBusy, ProviderSilent

T = TypeVar("T")

DEADLINE = 15.0  # seconds for a whole conversation, looking up the name included
SLOW = 4.5  # seconds from which on others are not sent to the server any more, while this one still waits
AT_ONCE = 3  # of a process's four threads: one stays free for those who sign in otherwise
EACH = 2  # conversations with one server; with one that was silent last, one
WAIT = 2.0  # seconds for a place, while conversations come to an end at all
PAUSE = 15.0  # seconds in which a server that was silent is not asked again

_changed = threading.Condition()
_talking: dict[str, list[float]] = {}  # by server: since when; also what nobody waits for any more
_waiting: list[float] = []  # since when, each thread that waits for an answer
_silent_until: dict[str, float] = {}


def silence() -> str:
    return _("%(server)s does not answer.")


def ask(server: str, conversation: Callable[[], T], *, deadline: float = DEADLINE, paused: bool = True) -> T:
    """What the conversation returns or raises; ProviderSilent when the server answers too late or did so just now,
    ProviderBusy when it was not asked because others wait.

    ``paused`` False asks also a server that was silent just now, for tests.
    """
    if paused and _silent_until.get(server, 0.0) > time.monotonic():
        raise ProviderSilent(silence() % {"server": server})
    found: list[T] = []
    raised: list[BaseException] = []

    def talk() -> None:
        try:
            found.append(conversation())
        except BaseException as error:
            raised.append(error)
        finally:
            # Not when it is given up: a thread that still hangs keeps its place at this server, and at no other.
            _leave(_talking[server], began)

    with _place(server, 1 if paused and server in _silent_until else EACH) as began:
        # A thread of its own: looking up a name, and some ends of TLS, have no time limit that could be set.
        thread = threading.Thread(target=talk, daemon=True, name="provider")
        thread.start()
        thread.join(min(SLOW, deadline))
        if thread.is_alive():
            _pause(server)  # nobody else is sent there meanwhile
            thread.join(max(0.0, deadline - SLOW))
    if not found and not raised:
        raise ProviderSilent(silence() % {"server": server})
    if found or getattr(raised[0], "reason", "") != "unreachable":
        _silent_until.pop(server, None)  # it did answer
    elif getattr(raised[0], "timed_out", False):
        _pause(server)  # after less than SLOW, where that was the limit
    # Else the connection was refused, or lost, which let nobody wait: the next is asked at once.
    if raised:
        raise raised[0]
    return found[0]


def forget() -> None:
    """Every server may be asked again at once."""
    _silent_until.clear()


def _pause(server: str) -> None:
    _silent_until[server] = time.monotonic() + PAUSE


@contextmanager
def _place(server: str, each: int) -> Iterator[float]:
    """A place at the server and one among those who wait; since when. Raises ProviderBusy.

    Waits for one only while conversations end: behind what hangs there is nothing to wait for.
    """
    came = time.monotonic()
    with _changed:
        here = _talking.setdefault(server, [])
        while len(here) >= each or len(_waiting) >= AT_ONCE:
            last = max(here if len(here) >= each else _waiting)
            if not _changed.wait(max(0.0, min(came, last) + WAIT - time.monotonic())):
                raise ProviderBusy(_("Too many others wait already: %(server)s was not asked.") % {"server": server})
        began = time.monotonic()
        here.append(began)
        _waiting.append(began)
    try:
        yield began
    finally:
        _leave(_waiting, began)


def _leave(places: list[float], began: float) -> None:
    with _changed:
        places.remove(began)
        _changed.notify_all()
