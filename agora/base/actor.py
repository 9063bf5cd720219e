"""Who is acting, from where and when: built once at the edge and passed down, so that the audit never has to guess."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, Self

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from agora.base.http import client_address, is_api


class Person(Protocol):
    """What is written down of an account."""

    pk: int

    def get_username(self) -> str: ...


class Key(Protocol):
    """What is written down of an API key."""

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


@dataclass(frozen=True)
class Actor:
    """Who acts (``account``; None for the system or a visitor), for whom, when, in which session or with which key."""

    account: Person | None = None
    impersonator: Person | None = None
    session_id: int | None = None
    key: Key | None = None
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
        """The same request, once it is known who is behind it (at sign-in)."""
        return replace(self, account=account, session_id=session_id)


def actor_of(request: HttpRequest, *, anonymous: bool = False) -> Actor:
    """The Actor behind a request; ``anonymous`` while it is not known yet who that is."""
    user: Any = request.user
    signed_in = user.is_authenticated and not anonymous
    key = getattr(request, "api_key", None)
    return Actor(
        account=user if signed_in else None,
        impersonator=getattr(request, "impersonator", None),
        session_id=getattr(request.session, "row_id", None) if signed_in and key is None else None,
        key=key,
        origin=Origin(
            channel="api" if is_api(request) else "web",
            address=client_address(request),
            user_agent=request.headers.get("User-Agent", "")[:400],
            method=request.method or "",
            path=request.path[:400],
            request_id=getattr(request, "request_id", ""),
        ),
    )


class ActorMiddleware:
    """Sets ``request.actor``; stands behind everything that decides who the request belongs to."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.actor = actor_of(request)  # type: ignore[attr-defined]
        return self.get_response(request)
