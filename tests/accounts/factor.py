"""People with a second factor, and what their phones show."""

import re
from datetime import UTC, datetime, timedelta

import time_machine
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import Client
from django_otp.oath import TOTP

from accounts.devices import ALPHABET, Authenticator
from accounts.models import Account
from accounts.services import second_factor
from tests.conftest import PASSWORD, Make

SIGN_IN, CODE, SETUP = "/sign-in/", "/sign-in/code/", "/sign-in/second-factor/"
MINE = "/profile/second-factor/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CODES = re.compile(rf"<li>([{ALPHABET}]{{5}}-[{ALPHABET}]{{5}})</li>")


def text(answer: HttpResponse) -> str:
    return answer.content.decode()


def code_of(account: Account, now: datetime = NOON, *, confirmed: bool = True, steps: int = 0) -> str:
    """What the app on the phone shows."""
    totp = TOTP(Authenticator.objects.get(user=account, confirmed=confirmed).key)
    totp.time = (now + timedelta(seconds=30 * steps)).timestamp()
    return f"{totp.token():06d}"


def enrolled(make: Make, username: str = "ada", **fields: object) -> tuple[Account, list[str]]:
    """An account with an app and ten recovery codes, set up ten minutes before noon."""
    account = make.account(username, password=PASSWORD, **fields)  # type: ignore[arg-type]
    with time_machine.travel(NOON - timedelta(minutes=10), tick=False):
        second_factor.begin(account)
        early = code_of(account, NOON - timedelta(minutes=10), confirmed=False)
        codes = second_factor.confirm(account, early, actor=make.actor(account))
    return account, codes


def half_way(username: str = "ada") -> Client:
    """A browser after the right password."""
    client = Client()
    answer = client.post(SIGN_IN, {"username": username, "password": PASSWORD})
    assert answer["Location"].startswith((CODE, SETUP)), answer["Location"]
    return client


def let_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


def key_of(client: Client) -> str:
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value
