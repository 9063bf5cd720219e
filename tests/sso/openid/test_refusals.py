"""Every lie of a provider is refused, each with its own reason in the audit log and one plain page for the person."""

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry, Outcome
from sessions_admin.models import Session
from sso.models import Begun
from sso.openid import protocol
from tests.conftest import Make
from tests.sso.openid.conftest import Connect, address_in, begin, come_back, sign_in
from tests.sso.openid.hostile import CLIENT, Hostile, Key, rsa_key, unsigned

pytestmark = pytest.mark.django_db
Lie = Callable[[Hostile], Any]


def claims(**changes: Any) -> Lie:
    return lambda hostile: hostile.claims.update(changes)


def signed(sign: Callable[[Hostile, dict[str, Any]], str]) -> Lie:
    return lambda hostile: setattr(hostile, "sign", lambda told: sign(hostile, told))


def published(*keys: Key) -> Lie:
    return lambda hostile: setattr(hostile, "keys", list(keys))


def answers(path: str, body: bytes, status: int = 200) -> Lie:
    return lambda hostile: hostile.answers.update({path: (status, "application/json", body)})


def by_another(name: str) -> Callable[[Hostile, dict[str, Any]], str]:
    return lambda _hostile, told: Key(name, rsa_key(2)).sign(told)


def two_keys_and_a_token_without_name(hostile: Hostile) -> None:
    hostile.keys = [Key("first", rsa_key(0)), Key("second", rsa_key(1))]
    hostile.sign = Key(None, rsa_key(0)).sign


def one_nameless_key_and_another_that_signs(hostile: Hostile) -> None:
    hostile.keys = [Key(None, rsa_key(0))]
    hostile.sign = Key(None, rsa_key(1)).sign


def hs256_with_the_public_key(hostile: Hostile, told: dict[str, Any]) -> str:
    """What a verifier takes for genuine that uses the key for whatever algorithm the token names."""
    header = {"alg": "HS256", "kid": "first"}
    body = unsigned(told, header).rpartition(".")[0]
    mac = hmac.new(hostile.keys[0].pem, body.encode(), hashlib.sha256).digest()
    return unsigned(told, header, mac)


def hs256_with_the_secret(_hostile: Hostile, told: dict[str, Any]) -> str:
    return jwt.encode(told, CLIENT["client_secret"].ljust(32, "."), "HS256", headers={"kid": "first"})


def a_key_of_256_bits_elliptic() -> Key:
    return Key("first", ec.generate_private_key(ec.SECP256R1()), "ES256")


def changed_after_signing(hostile: Hostile, told: dict[str, Any]) -> str:
    head, _body, signature = hostile.keys[0].sign(told).split(".")
    return f"{head}.{unsigned(told | {'sub': 'admin'}, {}).split('.')[1]}.{signature}"


NOW = int(time.time())
LIES: dict[str, tuple[str, Lie]] = {
    "the issuer of the token is another": ("wrong_issuer", claims(iss="https://id.example.com")),
    "the issuer has a slash more": ("wrong_issuer", lambda it: it.claims.update(iss=f"{it.issuer}/")),
    "no issuer": ("missing_iss", claims(iss=None)),
    "the token is for another client": ("wrong_audience", claims(aud="somebody-else")),
    "no audience": ("missing_aud", claims(aud=None)),
    "an audience that only begins alike": ("wrong_audience", claims(aud=["agora2"])),
    "for several clients without saying for whom": ("wrong_party", claims(aud=["agora", "other"])),
    "made for another party": ("wrong_party", claims(azp="other")),
    "another nonce": ("wrong_nonce", claims(nonce="of another sign-in")),
    "no nonce": ("wrong_nonce", claims(nonce=None)),
    "expired": ("expired", claims(exp=NOW - 3_600, iat=NOW - 7_200)),
    "no end": ("missing_exp", claims(exp=None)),
    "counts tomorrow": ("not_yet_valid", claims(nbf=NOW + 86_400)),
    "issued tomorrow": ("not_yet_valid", claims(iat=NOW + 86_400, exp=NOW + 90_000)),
    "no time of issue": ("missing_iat", claims(iat=None)),
    "no subject": ("missing_sub", claims(sub=None)),
    "an empty subject": ("bad_subject", lambda it: (it.claims.update(sub=" "), it.about.update(sub=" "))),
    "a subject with a NUL": ("malformed", lambda it: (it.claims.update(sub="2\0"), it.about.update(sub="2\0"))),
    "a subject that is a number": ("malformed", claims(sub=248289)),
    "alg none": ("unsigned", signed(lambda it, told: unsigned(told, {"alg": "none", "kid": "first"}))),
    "alg nOnE": ("unsigned", signed(lambda it, told: unsigned(told, {"alg": "nOnE"}))),
    "no alg": ("algorithm", signed(lambda it, told: unsigned(told, {"typ": "JWT"}))),
    "HS256 with the public RSA key": ("algorithm", signed(hs256_with_the_public_key)),
    "HS256 with the client's secret": ("algorithm", signed(hs256_with_the_secret)),
    "signed by another key of the same name": ("signature", signed(by_another("first"))),
    "changed after signing": ("signature", signed(changed_after_signing)),
    "signed by a key that is not published": ("unknown_key", signed(by_another("new"))),
    "no name of the key where there are several": ("key_not_named", two_keys_and_a_token_without_name),
    "no name of the key and the wrong one": ("signature", one_nameless_key_and_another_that_signs),
    "an algorithm that the key is not for": (
        "unknown_key", signed(lambda it, told: a_key_of_256_bits_elliptic().sign(told)),
    ),
    "an algorithm that the provider does not offer": (
        "algorithm",
        lambda it: (published(a_key_of_256_bits_elliptic())(it),
                    it.document.update(id_token_signing_alg_values_supported=["RS256"])),
    ),
    "a key of 1024 bits": (
        "bad_key", published(Key("first", rsa.generate_private_key(public_exponent=65537, key_size=1024))),
    ),
    "no token at all": ("malformed", signed(lambda it, told: "a.b.c")),
    "a token that names a key in its header": (
        "unknown_key",
        signed(lambda it, told: Key("mine", rsa_key(1)).sign(told, jwk=Key("mine", rsa_key(1)).published)),
    ),
    "userinfo about somebody else": ("userinfo_subject", lambda it: it.about.update(sub="somebody else")),
    "userinfo about nobody": ("userinfo_subject", lambda it: it.about.pop("sub")),
    "userinfo refused": ("userinfo_refused", answers("/userinfo", b"{}", 401)),
    "the code refused": ("code_refused", answers("/token", b"no", 400)),
    "no ID token": ("no_token", answers("/token", b'{"a": 1}')),
    "an ID token of the wrong type": ("no_token", answers("/token", b'{"id_token": {}, "access_token": 1}')),
    "keys that are none": ("bad_key", answers("/keys", b'{"keys": {}}')),
    "the document of another issuer": ("wrong_issuer", lambda it: it.document.update(issuer="https://id.example.com")),
    "a document without keys": ("discovery", lambda it: it.document.update(jwks_uri=None)),
    "keys over plain HTTP from elsewhere": ("not_https", lambda it: it.document.update(jwks_uri="http://192.0.2.1/keys")),
    "only HS256 and none offered": (
        "algorithm", lambda it: it.document.update(id_token_signing_alg_values_supported=["HS256", "none"]),
    ),
    "no word on who answers": (
        "no_sender", lambda it: it.document.update(authorization_response_iss_parameter_supported=True),
    ),
    "no username": ("no_username", lambda it: it.about.pop("preferred_username")),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_by_name(lie: str, client: Client, hostile: Hostile, connect: Connect) -> None:
    reason, tell = LIES[lie]
    tell(hostile)
    provider = connect(hostile)
    answer = client.post("/sso/staff/login/", {"next": "/profile/"})
    if answer.status_code == 200:
        sent = hostile.agree(address_in(answer))
        answer = come_back(client, sent)
    assert answer.status_code == 403
    assert reasons() == [reason]
    entry = Entry.objects.get(event="session.opened")
    assert entry.outcome == Outcome.FAILED and entry.details["provider"] == provider.name
    assert entry.request_id in answer.content.decode() and reason not in answer.content.decode()
    nobody_came_in(client)


def reasons() -> list[str]:
    """Why sign-ins failed, as the audit log says it."""
    rows = Entry.objects.filter(event="session.opened", outcome=Outcome.FAILED).order_by("pk")
    return [entry.details["reason"] for entry in rows]


def nobody_came_in(client: Client) -> None:
    assert not Account.objects.exists() and not Session.objects.signed_in().exists()
    assert client.get("/profile/").status_code == 302


def test_another_state(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sent = hostile.agree(begin(client))
    assert come_back(client, sent | {"state": "made up"}).status_code == 400
    assert come_back(client, {"code": sent["code"]}).status_code == 400
    assert reasons() == ["unknown_request"]  # without any state nothing was tried
    assert not [path for path, _form, _headers in hostile.asked if path == "/token"]
    nobody_came_in(client)


def test_an_answer_counts_once(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sent = hostile.agree(begin(client))
    assert come_back(client, sent).status_code == 302
    assert come_back(client, sent).status_code == 400
    assert reasons() == ["unknown_request"]
    assert client.get("/profile/").status_code == 200  # the session that the first one opened stays


def test_a_code_counts_once_for_the_provider_too(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sent = hostile.agree(begin(client))
    come_back(client, sent)
    thief = Client()
    state = hostile.asked_for(begin(thief))["state"]
    assert come_back(thief, {"code": sent["code"], "state": state}).status_code == 403
    assert reasons() == ["code_refused"]


def test_a_stolen_code_has_another_nonce(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    victims = hostile.agree(begin(Client()))
    state = hostile.asked_for(begin(client))["state"]
    assert come_back(client, {"code": victims["code"], "state": state}).status_code == 403
    assert reasons() == ["wrong_nonce"]
    nobody_came_in(client)


def test_an_answer_to_another_browser(client: Client, hostile: Hostile, connect: Connect) -> None:
    """Somebody lures others into a session of the attacker's own account (login CSRF)."""
    connect(hostile)
    sent = hostile.agree(begin(Client()))
    assert come_back(client, sent).status_code == 403
    assert reasons() == ["other_browser"]
    nobody_came_in(client)


def test_an_answer_that_took_too_long(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sent = hostile.agree(begin(client))
    Begun.objects.update(expires_at=timezone.now())
    assert come_back(client, sent).status_code == 403
    assert reasons() == ["expired_request"]


def test_a_provider_that_was_disabled_meanwhile(client: Client, hostile: Hostile, connect: Connect) -> None:
    provider = connect(hostile)
    sent = hostile.agree(begin(client))
    provider.enabled = False
    provider.save()
    assert come_back(client, sent).status_code == 403
    assert client.post("/sso/staff/login/").status_code == 404
    assert reasons() == ["disabled"]
    nobody_came_in(client)


def test_another_sender(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sent = hostile.agree(begin(client))
    assert come_back(client, sent | {"iss": "https://id.example.com"}).status_code == 403
    assert reasons() == ["wrong_sender"]


def test_the_right_sender(client: Client, hostile: Hostile, connect: Connect) -> None:
    hostile.document = {"authorization_response_iss_parameter_supported": True}
    connect(hostile)
    assert come_back(client, hostile.agree(begin(client)) | {"iss": hostile.issuer}).status_code == 302


@pytest.mark.parametrize("known", [True, False])
def test_an_error_signs_nobody_out(known: bool, hostile: Hostile, connect: Connect, ada: Account, make: Make) -> None:
    connect(hostile)
    client = make.client(ada)
    state = hostile.asked_for(begin(client))["state"] if known else "made up"
    told = {"error": "access_denied", "error_description": "<b>no</b>", "state": state}
    answer = come_back(client, told)
    assert answer.status_code == (403 if known else 400) and b"<b>no" not in answer.content
    assert reasons() == ["declined" if known else "unknown_request"]
    assert b"You are signed in as before, as ada." in answer.content
    assert client.get("/profile/").status_code == 200
    assert Session.objects.signed_in().not_closed().count() == 1


def test_another_error_of_the_provider(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    state = hostile.asked_for(begin(client))["state"]
    come_back(client, {"error": "server_error", "state": state})
    assert reasons() == ["provider_error"]
    assert "server_error" in Entry.objects.get(event="session.opened").details["sentence"]


def test_an_answer_without_a_code(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    come_back(client, {"state": hostile.asked_for(begin(client))["state"]})
    assert reasons() == ["no_code"]


def test_two_providers_with_the_same_person_are_two_accounts_or_none(
    client: Client, hostile: Hostile, other: Hostile, connect: Connect
) -> None:
    """Same subject, same e-mail address, same username: the second provider's word is not the first one's."""
    connect(hostile)
    connect(other, "guests")
    sign_in(client, hostile)
    assert sign_in(Client(), other, "guests").status_code == 403
    assert reasons() == ["username_taken"]
    other.about["preferred_username"] = "vera-of-guests"
    sign_in(guest := Client(), other, "guests")
    assert Account.objects.count() == 2
    assert b"vera-of-guests" in guest.get("/profile/").content
    assert b"vera-of-guests" not in client.get("/profile/").content


def test_a_mix_up_of_two_providers(client: Client, hostile: Hostile, other: Hostile, connect: Connect) -> None:
    """The code of one is brought to the other's address (RFC 9700, 4.4): it is never sent to the other."""
    connect(hostile)
    connect(other, "guests")
    sent = hostile.agree(begin(client))
    assert come_back(client, sent, "guests").status_code == 403
    assert reasons() == ["other_provider"]
    assert not [path for path, _form, _headers in other.asked + hostile.asked if path == "/token"]
    assert come_back(client, sent).status_code == 400  # used up
    nobody_came_in(client)


def test_a_token_of_one_provider_is_worthless_at_the_other(
    client: Client, hostile: Hostile, other: Hostile, connect: Connect
) -> None:
    """Even when the other passes it on, in the first one's name."""
    connect(hostile)
    connect(other, "guests")
    other.sign = lambda told: hostile.keys[0].sign(told | {"iss": hostile.issuer})
    sign_in(client, other, "guests")
    assert reasons() == ["signature"]
    nobody_came_in(client)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys", "/userinfo"])
@pytest.mark.parametrize("answer", [(500, "text/plain", b"oops"), (200, "text/html", b"<html>"), (200, "", b"[]")])
def test_a_broken_provider_is_one_sentence(
    path: str, answer: tuple[int, str, bytes], client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    hostile.answers[path] = answer
    page = client.post("/sso/staff/login/", {"next": "/profile/"})
    if page.status_code == 200:
        page = come_back(client, hostile.agree(address_in(page)))
    broken = {"/token": "code_refused", "/userinfo": "userinfo_refused"}
    refused = answer[0] == 500 and path in broken
    assert page.status_code == (403 if refused else 503)
    assert reasons() == [broken[path] if refused else "unreachable"]
    assert refused or b"Staff does not answer" in page.content
    nobody_came_in(client)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys", "/userinfo"])
def test_a_provider_that_hangs_up_in_the_middle_of_an_answer(
    path: str, client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    hostile.breaks_off.add(path)
    page = client.post("/sso/staff/login/")
    if page.status_code == 200:
        page = come_back(client, hostile.agree(address_in(page)))
    assert page.status_code == 503 and b"Staff does not answer" in page.content
    assert reasons() == ["unreachable"]
    assert "broke off in the middle" in Entry.objects.get(event="session.opened").details["sentence"]
    nobody_came_in(client)


def test_a_provider_that_is_gone_does_not_hold_up_the_sign_in_page(
    client: Client, hostile: Hostile, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(hostile)
    sign_in(Client(), hostile)  # it was there a moment ago
    hostile.stop()
    monkeypatch.setattr(protocol, "FRESH", 0.0)
    assert b"Staff" in client.get("/sign-in/").content
    page = client.post("/sso/staff/login/")
    assert page.status_code == 503 and b"Staff does not answer" in page.content
    assert reasons() == ["unreachable"]
    assert not Begun.objects.exists()
