"""A provider that lies, a real one, and the way through them as a browser without pictures goes it."""

import html
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from sso import limits
from sso.models import Provider
from sso.openid import discovery, keys
from tests.services.openid import OpenIdProvider
from tests.sso.conftest import MakeProvider
from tests.sso.openid.hostile import CLIENT, Hostile


@pytest.fixture(autouse=True)
def _nothing_known() -> None:
    """Each test asks the providers anew."""
    discovery.forget()
    keys.forget()
    limits.forget()


@pytest.fixture
def hostile() -> Iterator[Hostile]:
    server = Hostile()
    yield server
    server.stop()


@pytest.fixture
def other() -> Iterator[Hostile]:
    """A second one, with a key of its own."""
    server = Hostile(key=1)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def openid_process() -> Iterator[OpenIdProvider]:
    process = OpenIdProvider()
    yield process
    process.stop()


Connect = Callable[..., Provider]


@pytest.fixture
def connect(provider: MakeProvider) -> Connect:
    """``connect(hostile, "staff")``: a provider of ours that points to this one."""

    def made(server: Hostile, alias: str = "staff", **fields: Any) -> Provider:
        return provider("openid", alias, **CLIENT | {"discovery_endpoint": server.discovery} | fields)

    return made


def begin(client: Client, alias: str = "staff", next_path: str = "/profile/") -> str:
    """The address at the provider that the button leads to."""
    answer = client.post(f"/sso/{alias}/login/", {"next": next_path})
    assert answer.status_code == 200, answer.status_code
    return address_in(answer)


def address_in(answer: Any) -> str:
    """Where a page goes on by itself."""
    found = re.search(r'<meta http-equiv="refresh" content="0; ?url=([^"]+)"', answer.content.decode())
    assert found is not None, answer.content.decode()
    return html.unescape(found[1])


def come_back(client: Client, sent: dict[str, str], alias: str = "staff") -> Any:
    return client.get(f"/sso/{alias}/callback/", sent)


def sign_in(client: Client, server: Hostile, alias: str = "staff") -> Any:
    """All the way: the button, the provider's yes, and back."""
    return come_back(client, server.agree(begin(client, alias)), alias)
