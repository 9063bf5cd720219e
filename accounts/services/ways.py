"""The ways in and out that other systems offer: apps above declare theirs here, for accounts knows none of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.models import decrypted, encrypted
from sessions_admin.models import Method
from sessions_admin.store import Way

LOCAL = Way(Method.PASSWORD)
KEPT = "kept_for_provider"  # in the session's data, encrypted; it is wiped with the session


@dataclass
class Attempt:
    """One try at a username and password, handed to every backend that is asked; they write down what they found.

    ``known`` is the account of that username, looked up once, by our own backend where it was not ``looked_up`` before.
    ``sentence`` is set where nobody could say whether the password is right; ``details`` go into the audit entry.
    ``heard``: somebody answered, and it was not, or they know nobody of this name. ``confirming``: the person is signed
    in and is asked again, nothing about the account is to change.
    """

    actor: Actor
    confirming: bool = False
    known: Account | None = None
    looked_up: bool = False
    way: Way = LOCAL
    reason: str = ""
    sentence: str = ""
    heard: bool = False
    details: dict[str, Any] = field(default_factory=dict)


def keep(session: Any, values: Mapping[str, str]) -> None:
    """Remember what signing out at the provider will need, and nothing else that was remembered before."""
    session.pop(KEPT, None)
    if values:
        session[KEPT] = encrypted(json.dumps(dict(values)))


def kept(session: Any) -> dict[str, str]:
    """What ``keep`` remembered; empty for a session of another way in."""
    text = decrypted(session.get(KEPT, ""))
    values: dict[str, str] = json.loads(text) if text else {}
    return values


@dataclass(frozen=True)
class Button:
    """A way in beside the form: ``address`` takes a POST with ``next`` and goes on at the provider."""

    name: str
    address: str


_buttons: list[Callable[[], list[Button]]] = []


def offer(buttons: Callable[[], list[Button]]) -> None:
    """Declare a function that is asked for the sign-in page's buttons. It may not wait for another server."""
    if buttons not in _buttons:
        _buttons.append(buttons)


def buttons() -> list[Button]:
    return [button for ask in _buttons for button in ask()]


_elsewhere: list[Callable[[Account], bool]] = []


def know_passwords(knows: Callable[[Account], bool]) -> None:
    """Declare a function that says whether another system checks this account's password, without asking it."""
    if knows not in _elsewhere:
        _elsewhere.append(knows)


def has_password(account: Account) -> bool:
    """Is there a password to be asked for, ours or a directory's?"""
    return account.has_usable_password() or any(knows(account) for knows in _elsewhere)


_others: list[Callable[[Account], bool]] = []


def let_in(lets: Callable[[Account], bool]) -> None:
    """Declare a function that says whether another system would let this account in, without asking it."""
    if lets not in _others:
        _others.append(lets)


def let_in_elsewhere(account: Account) -> bool:
    """Is there a way in beside a password of ours?"""
    return any(lets(account) for lets in _others)


_words: list[Callable[[Account, Way], bool]] = []


def ask_whether_it_stands(stands: Callable[[Account, Way], bool]) -> None:
    """Declare a function that says whether what let this account in a moment ago would still do so, without asking
    another system."""
    if stands not in _words:
        _words.append(stands)


def still_stands(account: Account, way: Way) -> bool:
    """Does everybody still stand by this way in?"""
    return all(stands(account, way) for stands in _words)


Leaving = Callable[[HttpRequest], str]
_leaving: list[Leaving] = []


def ask_when_leaving(where_to: Leaving) -> None:
    """Declare a function that is asked before a session is closed by its person: the address where they are to go on
    signing out, or "". It may not raise, nor wait for another server."""
    if where_to not in _leaving:
        _leaving.append(where_to)


def where_to(request: HttpRequest) -> str:
    """The first address that anybody declared for this session; "" for a session that only we know of."""
    return next(filter(None, (ask(request) for ask in _leaving)), "")
