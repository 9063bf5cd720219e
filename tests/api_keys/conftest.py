"""A key in hand."""

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import Account
from api_keys.models import ApiKey
from api_keys.services.keys import create_key
from tests.conftest import Make

ME = "/api/v1/me"
Call = Callable[..., HttpResponse]


def call(secret: str, address: str = ME, method: str = "GET", *, origin: str = "192.0.2.7") -> HttpResponse:
    """A request of a script: no cookies, only the key."""
    headers = {"Authorization": f"Bearer {secret}"}
    response: HttpResponse = Client().generic(method, address, headers=headers, REMOTE_ADDR=origin)
    return response


@pytest.fixture
def key_of(make: Make) -> Callable[..., tuple[ApiKey, str]]:
    """``key_of(nell, read_only=True)``: the key and its secret."""

    def new(account: Account, name: str = "Backup script", **limits: object) -> tuple[ApiKey, str]:
        return create_key(account, name, actor=make.actor(account), **limits)  # type: ignore[arg-type]

    return new
