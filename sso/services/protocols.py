"""The kinds of providers that people are sent to: what each protocol does, found by the provider's kind."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from django.http import HttpRequest

from agora.base.actor import Actor
from sso.claims import Check, Person, ProviderRefused
from sso.models import Kind, Provider, Report

# The module of each kind has one PROTOCOL. A kind that is not here can't be made.
MODULES: dict[str, str] = {
    Kind.OPENID: "sso.openid.protocol",
    Kind.SAML: "sso.saml.protocol",
    Kind.LDAP: "sso.ldap.protocol",
}


class Away(Protocol):
    """A protocol in which people sign in at the provider's own pages."""

    def start(
        self,
        request: HttpRequest,
        provider: Provider,
        *,
        actor: Actor,
        next_path: str = "",
        report: Report | None = None,
    ) -> str:
        """The address to send the browser to, after a row of Begun was written. With a report it is a test.

        Raises ProviderRefused, ProviderSilent.
        """

    def leave(self, request: HttpRequest, provider: Provider, kept: Mapping[str, str]) -> str:
        """The address where signing out goes on, or "". May not raise, nor wait for another server."""

    def addresses(self, provider: Provider) -> list[tuple[str, str]]:
        """(label, address) of ours, to be copied into the provider; the alias is set, the rest may not be saved yet."""


class AsksAgain(Protocol):
    """One that can be told to ask somebody again who is signed in there."""

    def start_again(
        self, request: HttpRequest, provider: Provider, *, asked: dict[str, Any], actor: Actor, next_path: str
    ) -> str:
        """As ``start``; the row of Begun remembers ``asked`` as "again"."""


def asks_again(kind: str) -> bool:
    return kind in MODULES and hasattr(_module(kind).PROTOCOL, "start_again")


def asking(kind: str) -> AsksAgain:
    """The protocol of a kind for which ``asks_again`` is true."""
    found: AsksAgain = _module(kind).PROTOCOL
    return found


class Asked(Protocol):
    """A protocol in which this server asks for people itself, with the password that they typed here."""

    def try_out(self, provider: Provider, username: str) -> tuple[list[Check], Person | None, ProviderRefused | None]:
        """Ask the directory for somebody, without a password: what was checked, who it is, and why this person would
        be refused. Raises nothing."""

    def find(self, provider: Provider, username: str) -> Person:
        """Who has this username there. Raises ProviderRefused, ProviderSilent."""


def directory() -> Asked:
    found: Asked = _module(Kind.LDAP).PROTOCOL
    return found


def addresses(provider: Provider) -> list[tuple[str, str]]:
    """What is to be copied into the provider; nothing for a directory, which never calls us."""
    return [] if provider.kind == Kind.LDAP else away(provider.kind).addresses(provider)


def subject_of(provider: Provider, typed: str) -> tuple[str, str]:
    """(subject, username) of somebody whom an administrator named: a directory is asked who has that username.

    Raises ProviderRefused, ProviderSilent.
    """
    if provider.kind != Kind.LDAP:
        return typed, ""
    person = directory().find(provider, typed)
    return person.subject, person.username


def away(kind: str) -> Away:
    """The protocol of a kind that people are sent away for."""
    found: Away = _module(kind).PROTOCOL
    return found


def kinds() -> list[tuple[str, str]]:
    """What can be made, with its label."""
    return [(value, str(label)) for value, label in Kind.choices if value in MODULES]


def _module(kind: str) -> Any:
    return import_module(MODULES[kind])
