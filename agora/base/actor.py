"""Who is acting, from where and when: built once at the edge and passed down, so that the audit never has to guess."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, Self

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from agora.base.http import client_address, is_api


class Person(Protocol):
    """What is written down of an account."""

    @property
    def pk(self) -> int: ...

    def get_username(self) -> str: ...


class Key(Protocol):
    """What is written down of an API key."""

    pk: int
    name: str


@dataclass(frozen=True)
class Machine:
    """A machine that came with a key of its own, such as a streamer: no account. ``name`` stands in the records."""

    kind: str
    pk: int
    name: str


@dataclass(frozen=True)
class Origin:
    """Where a change came from: what an investigator asks for first. All empty for the system itself."""

    channel: str = "system"
    address: str | None = None
    user_agent: str = ""
    method: str = ""
    path: str = ""
    request_id: str = ""


PEOPLE = ("account", "impersonator")
NAMES_LENGTH = 320  # characters of ``Actor.names``: two usernames and a word between


@dataclass(frozen=True)
class Known:
    """A person by id and name, as a queue remembers one."""

    pk: int
    username: str

    def get_username(self) -> str:
        return self.username


def _known(person: Person | None) -> dict[str, Any] | None:
    return {"pk": person.pk, "username": person.get_username()} if person else None


@dataclass(frozen=True)
class Actor:
    """Who acts (``account``; None for the system or a visitor), for whom, when, in which session or with which key.

    While impersonating ``account`` is the one acted as. ``elevation_id`` names the impersonation or admin mode.
    """

    account: Person | None = None
    impersonator: Person | None = None
    session_id: int | None = None
    key: Key | None = None
    elevation_id: int | None = None
    origin: Origin = Origin()
    name: str = ""
    at: datetime = field(default_factory=timezone.now)

    @property
    def label(self) -> str:
        """The name that stays readable in the audit when the account is gone."""
        return self.account.get_username() if self.account else self.name

    @property
    def accountable(self) -> Person | None:
        """The person who answers for it: the impersonator while impersonating."""
        return self.impersonator or self.account

    @classmethod
    def system(cls, name: str = "system") -> Self:
        """The server itself: a periodic job or a start-up step."""
        return cls(name=name)

    @classmethod
    def command(cls, name: str) -> Self:
        """Somebody at the shell of the server."""
        return cls(name="shell", origin=Origin(channel="command", path=name))

    def as_account(self, account: Person, session_id: int | None) -> Self:
        """The same request, once it is known who is behind it (at sign-in); nobody acts for anybody then."""
        return replace(self, account=account, session_id=session_id, impersonator=None, elevation_id=None)

    @property
    def names(self) -> str:
        """Where one text names who did something: "root as vic" while impersonating; empty for a visitor."""
        who = self.accountable.get_username() if self.accountable else self.name
        return f"{who} as {self.label}" if self.impersonator else who

    def as_dict(self) -> dict[str, Any]:
        """For a queue: work that is done later is done in the same names, whatever became of the session meanwhile."""
        people = {name: _known(getattr(self, name)) for name in PEOPLE}
        plain = {"session_id": self.session_id, "elevation_id": self.elevation_id, "name": self.name}
        return people | plain | {"origin": asdict(self.origin)}

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, channel: str = "worker") -> Self:
        """What ``as_dict`` wrote, as the Actor of a background job that begins now."""
        account, impersonator = (Known(**who) if (who := values[name]) else None for name in PEOPLE)
        return cls(
            account=account,
            impersonator=impersonator,
            session_id=values["session_id"],
            elevation_id=values["elevation_id"],
            origin=Origin(**values["origin"] | {"channel": channel}),
            name=values["name"],
        )


def actor_of(request: HttpRequest, *, anonymous: bool = False) -> Actor:
    """The Actor behind a request; ``anonymous`` while it is not known yet who that is."""
    user: Any = request.user
    signed_in = user.is_authenticated and not anonymous
    key, machine = getattr(request, "api_key", None), getattr(request, "machine", None)
    return Actor(
        account=user if signed_in else None,
        impersonator=getattr(request, "impersonator", None),
        session_id=getattr(request.session, "row_id", None) if signed_in and key is None else None,
        key=key,
        elevation_id=getattr(getattr(request, "elevation", None), "pk", None) if signed_in else None,
        name=machine.name if machine else "",
        origin=Origin(
            channel="api" if is_api(request) else "web",
            address=client_address(request),
            user_agent=request.headers.get("User-Agent", "")[:400],
            method=request.method or "",
            path=request.path[:400],
            request_id=getattr(request, "request_id", ""),
        ),
    )


NAMES = "agora.names"  # where the web server finds them, for its access log


class ActorMiddleware:
    """Sets ``request.actor``; stands behind everything that decides who the request belongs to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = actor_of(request)  # type: ignore[attr-defined]
        request.META[NAMES] = request.actor.names or "-"  # type: ignore[attr-defined]
        with named_in_logs(request.actor):  # type: ignore[attr-defined]
            return self.get_response(request)


_in_logs: ContextVar[str] = ContextVar("agora_names_in_logs", default="-")


@contextmanager
def named_in_logs(actor: Actor) -> Iterator[None]:
    """Log lines written inside name who caused them; for log lines alone, what acts is passed down."""
    token = _in_logs.set(actor.names or "-")
    try:
        yield
    finally:
        _in_logs.reset(token)


def name_in_logs(actor: Actor | None) -> None:
    """The same from here on, where no block can be put around: in a worker, from before a task to after it."""
    _in_logs.set(actor.names or "-" if actor else "-")


class NamesFilter(logging.Filter):
    """Gives each record ``actor``: who caused it, "root as vic" while impersonating, "-" for the server itself."""

    def filter(self, record: logging.LogRecord) -> bool:
        # What Django logs of a request is written when the answer is on its way, outside the block above; what the web
        # server logs of a download that broke, later still.
        error = record.exc_info[1] if record.exc_info else None
        actor = getattr(getattr(record, "request", None), "actor", None) or getattr(error, "agora_actor", None)
        record.actor = actor.names or "-" if isinstance(actor, Actor) else _in_logs.get()
        return True
