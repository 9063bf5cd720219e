"""What providers say, in our own words, once every check of their protocol has passed. Knows no Django model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agora.base.errors import Refused


@dataclass(frozen=True)
class Person:
    """Who somebody is, by one provider.

    ``subject`` never changes and is never given to somebody else: OpenID Connect's ``sub``, SAML's NameID with its
    format, LDAP's entryUUID or objectGUID. ``superuser``: the directory's word on the flag; None: it has no say.
    ``groups_withheld``: the provider says that there are too many to be named.
    ``session_id``: OpenID Connect's ``sid``, SAML's SessionIndex. ``raw``: for the report of a test only, never stored.
    """

    subject: str
    username: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    groups: tuple[str, ...] = ()
    superuser: bool | None = None
    groups_withheld: bool = False
    session_id: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One line of a test's report."""

    passed: bool
    name: str
    sentence: str


class ProviderRefused(Refused):
    """A sign-in through a provider failed. ``reason`` is a short stable code for the audit log ("wrong_issuer",
    "expired", "signature", "replayed", "require_group" …), the message a sentence for administrators.

    The person who wanted to sign in sees neither: a neutral page with a reference id.
    """

    message = _("The provider's answer was refused.")

    def __init__(self, reason: str, message: str | Promise = "") -> None:
        self.reason = reason
        super().__init__(message)


class ProviderSilent(ProviderRefused):
    """The provider is down, slow or unreachable: nothing was learned about the person."""

    status = 503

    def __init__(self, message: str | Promise = "") -> None:
        super().__init__("unreachable", message)


class ProviderBusy(ProviderSilent):
    """The provider was not asked: others wait for it, or for other providers, already."""

    def __init__(self, message: str | Promise = "") -> None:
        super().__init__(message)
        self.reason = "busy"


class NothingBegun(ProviderRefused):
    """An answer to nothing: the sign-in was never begun here, or its answer came before."""

    status = 400
    message = _("The answer belongs to no sign-in that was begun here.")

    def __init__(self) -> None:
        super().__init__("unknown_request")
