"""A provider that is down or slow costs nobody else anything: a deadline, a few places, and a pause after silence."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.utils.translation import gettext as _

from sso.claims import ProviderSilent

T = TypeVar("T")

DEADLINE = 15.0  # seconds for a whole conversation, looking up the name included
AT_ONCE = 2  # conversations of one process: the other threads stay free for those who sign in otherwise
WAIT = 3.0  # seconds for a place
PAUSE = 15.0  # seconds in which a server that was silent is not asked again

_places = threading.BoundedSemaphore(AT_ONCE)
_silent_until: dict[str, float] = {}


def silence() -> str:
    return _("%(server)s does not answer.")


def ask(server: str, conversation: Callable[[], T], *, deadline: float = DEADLINE, paused: bool = True) -> T:
    """What the conversation returns or raises; ProviderSilent when the server answers too late or did so just now.

    ``paused`` False asks in any case, for tests.
    """
    if paused and _silent_until.get(server, 0.0) > time.monotonic():
        raise ProviderSilent(silence() % {"server": server})
    if not _places.acquire(timeout=WAIT):
        raise ProviderSilent(silence() % {"server": server})
    found: list[T] = []
    raised: list[BaseException] = []

    def talk() -> None:
        try:
            found.append(conversation())
        except BaseException as error:
            raised.append(error)
        finally:
            _places.release()

    # A thread of its own: looking up a name, and some ends of TLS, have no time limit that could be set.
    thread = threading.Thread(target=talk, daemon=True, name="provider")
    thread.start()
    thread.join(deadline)
    if found:
        _silent_until.pop(server, None)
        return found[0]
    if raised and getattr(raised[0], "reason", "") != "unreachable":
        raise raised[0]  # it did answer
    _silent_until[server] = time.monotonic() + PAUSE
    if raised:
        raise raised[0]
    raise ProviderSilent(silence() % {"server": server})


def forget() -> None:
    """Every server may be asked again at once."""
    _silent_until.clear()
