"""Values that no honest provider sends, in every place: refused or not taken, never an error of ours."""

import base64
import json
from typing import Any

import pytest
from django.test import Client
from jwt.algorithms import RSAAlgorithm

from sso.openid import discovery, keys
from tests.sso.openid.conftest import Connect, address_in, come_back, sign_in
from tests.sso.openid.hostile import Hostile, Key

pytestmark = pytest.mark.django_db

# JSON can write what no text is (half of a pair of surrogates), and numbers that no time is.
ODD = ["\ud800", "a\0b", 2**70, float("nan"), [[]]]
CLAIMS = ["sub", "aud", "exp", "iat", "jti", "events", "sid", "azp", "groups", "preferred_username"]


def signed(key: Key, claims: dict[str, Any], header: dict[str, Any]) -> str:
    """A valid signature over anything, which libraries refuse to make."""
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "kid": "first"} | header, claims))
    body = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(body, key.private)
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def told(hostile: Hostile, claims: dict[str, Any], header: dict[str, Any]) -> None:
    """Both kinds of tokens; Django's client raises whatever nobody handled."""
    hostile.sign = lambda usual: signed(hostile.keys[0], usual | claims, header)
    assert sign_in(Client(), hostile).status_code in (302, 403, 503)
    token = hostile.logout_token()
    assert Client().post("/sso/staff/back-channel-logout/", {"logout_token": token}).status_code in (200, 400, 503)


@pytest.mark.parametrize("name", CLAIMS)
def test_in_a_claim(name: str, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    for value in ODD:
        told(hostile, {name: value}, {})


@pytest.mark.parametrize("name", ["alg", "kid", "crit"])
def test_in_a_header(name: str, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    for value in ODD:
        told(hostile, {}, {name: value})


@pytest.mark.parametrize("name", ["kty", "n", "kid"])
def test_in_a_key(name: str, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    for value in ODD:
        keys.forget()
        hostile.keys[0].published[name] = value
        assert sign_in(Client(), hostile).status_code in (302, 403, 503)


@pytest.mark.parametrize("name", ["sub", "preferred_username", "email", "groups"])
def test_in_what_is_said_about_the_person(name: str, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    for value in ODD:
        hostile.about = {"sub": "248289", "preferred_username": "vera", name: value}
        assert sign_in(Client(), hostile).status_code in (302, 403, 503)


@pytest.mark.parametrize(
    "name", ["issuer", "authorization_endpoint", "jwks_uri", "end_session_endpoint",
             "id_token_signing_alg_values_supported"]
)  # fmt: skip
def test_in_the_document(name: str, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    for value in [*ODD, "https://[::1", "https://", " "]:
        discovery.forget()
        hostile.document = {name: value}
        client = Client()
        answer = client.post("/sso/staff/login/")
        if answer.status_code == 200:
            answer = come_back(client, hostile.agree(address_in(answer)))
        assert answer.status_code in (302, 403, 503)


@pytest.mark.parametrize("state", ["\0", "é" * 5_000, "<b>", " "])
def test_in_the_address_of_the_way_back(state: str, client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    answer = come_back(client, {"state": state, "code": "\0", "iss": "\0", "error": "\0<b>"})
    assert answer.status_code == 400 and b"<b>" not in answer.content
