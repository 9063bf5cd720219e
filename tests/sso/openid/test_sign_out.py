"""Signing out: at the provider as well, and because of the provider."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry, Outcome
from sessions_admin.models import Cause, Session
from tests.conftest import Make
from tests.sso.openid.conftest import Connect, address_in, sign_in
from tests.sso.openid.hostile import Hostile, Key, rsa_key, unsigned

pytestmark = pytest.mark.django_db
HOOK = "/sso/staff/back-channel-logout/"


def tell(token: str, path: str = HOOK) -> Any:
    """The provider calls, without cookies and without a page of ours."""
    return Client(enforce_csrf_checks=True).post(path, {"logout_token": token})


def reasons() -> list[str]:
    rows = Entry.objects.filter(event="provider.sign_out_refused", outcome=Outcome.FAILED).order_by("pk")
    return [entry.details["reason"] for entry in rows]


# --- Here first, then there -------------------------------------------------------------------------------------------


def test_signing_out_goes_on_at_the_provider(client: Client, hostile: Hostile, connect: Connect) -> None:
    hostile.document = {"end_session_endpoint": f"{hostile.issuer}/logout?a=1"}
    connect(hostile)
    sign_in(client, hostile)
    hostile.stop()  # nobody is asked any more
    address = address_in(client.post("/sign-out/"))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{hostile.issuer}/logout?a=1&")
    assert asked["client_id"] == "agora" and asked["post_logout_redirect_uri"] == "http://testserver/sign-in/"
    assert asked["id_token_hint"].count(".") == 2
    assert client.get("/profile/").status_code == 302
    assert Session.objects.closed().get().cause == Cause.SIGNED_OUT


def test_signing_out_ends_here_where_the_provider_takes_none(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    sign_in(client, hostile)
    answer = client.post("/sign-out/")
    assert answer.status_code == 302 and answer["Location"] == "/sign-in/"


def test_the_token_is_kept_where_nobody_reads_it(client: Client, hostile: Hostile, connect: Connect) -> None:
    hostile.document = {"end_session_endpoint": f"{hostile.issuer}/logout"}
    connect(hostile)
    sign_in(client, hostile)
    session = Session.objects.signed_in().get()
    assert hostile.issuer not in session.data and "eyJ" not in session.data
    client.post("/sign-out/")
    session.refresh_from_db()
    assert session.data == ""


# --- The provider tells us --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [{"sid": None}, {"sub": None}, {}])
def test_the_provider_ends_a_session(
    named: dict[str, Any], client: Client, hostile: Hostile, connect: Connect, ada: Account, make: Make
) -> None:
    provider = connect(hostile)
    sign_in(client, hostile)
    another = make.client(ada)
    answer = tell(hostile.logout_token(**named))
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]
    assert client.get("/profile/").status_code == 302
    assert another.get("/profile/").status_code == 200
    assert Session.objects.closed().get().cause == Cause.SIGNED_OUT_THERE
    told = Entry.objects.get(event="provider.signed_out")
    assert told.details["sessions_ended"] == 1 and told.actor_name == provider.name


def test_a_session_of_the_provider_is_ended_alone_and_a_subject_everywhere(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    sign_in(client, hostile)
    hostile.claims = {"sid": "s-2"}
    sign_in(phone := Client(), hostile)
    sign_in(tablet := Client(), hostile)
    tell(hostile.logout_token(sid="s-1"))
    assert [browser.get("/profile/").status_code for browser in (client, phone, tablet)] == [302, 200, 200]
    tell(hostile.logout_token(sid=None))
    assert [browser.get("/profile/").status_code for browser in (client, phone, tablet)] == [302, 302, 302]


def test_a_session_that_the_provider_did_not_name_ends_with_any_of_the_subject(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    """Some name their session in logout tokens alone."""
    connect(hostile)
    hostile.claims = {"sid": None}
    sign_in(client, hostile)
    for named in ({"sub": "somebody else"}, {"sub": None}):
        tell(hostile.logout_token(**named))
        assert Session.objects.not_closed().signed_in().count() == 1
    assert tell(hostile.logout_token()).status_code == 200
    assert not Session.objects.not_closed().signed_in().exists()


def test_somebody_elses_session_and_subject_end_nothing(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sign_in(client, hostile)
    for named in ({"sid": "s-9"}, {"sub": "somebody else", "sid": None}, {"sub": "somebody else"}):
        assert tell(hostile.logout_token(**named)).status_code == 200
    assert client.get("/profile/").status_code == 200


def test_a_logout_token_counts_once(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sign_in(client, hostile)
    token = hostile.logout_token()
    assert tell(token).status_code == 200
    sign_in(client, hostile)
    assert tell(token).status_code == 400
    assert reasons() == ["replayed"]
    assert client.get("/profile/").status_code == 200


def test_another_provider_ends_nothing(client: Client, hostile: Hostile, other: Hostile, connect: Connect) -> None:
    """The same subject and session at both: each speaks for its own sessions."""
    connect(hostile)
    connect(other, "guests")
    sign_in(client, hostile)
    assert tell(other.logout_token(), "/sso/guests/back-channel-logout/").status_code == 200
    assert tell(other.logout_token()).status_code == 400
    assert tell(hostile.logout_token(), "/sso/guests/back-channel-logout/").status_code == 400
    assert client.get("/profile/").status_code == 200


NOW = int(time.time())
LIES: dict[str, tuple[str, Callable[[Hostile], str]]] = {
    "nothing": ("malformed", lambda it: ""),
    "an ID token": ("missing_jti", lambda it: it.sign(it.id_claims("n"))),
    "an ID token with an id": ("missing_events", lambda it: it.sign(it.id_claims("n") | {"jti": "1"})),
    "another event": ("no_logout_event", lambda it: it.logout_token(events={"http://example.com/": {}})),
    "events that are none": ("no_logout_event", lambda it: it.logout_token(events="backchannel-logout")),
    "a nonce": ("nonce_in_logout", lambda it: it.logout_token(nonce="n")),
    "nobody named": ("nobody_named", lambda it: it.logout_token(sub=None, sid=None)),
    "a session that is no text": ("nobody_named", lambda it: it.logout_token(sub=None, sid=["s-1"])),
    "no id": ("missing_jti", lambda it: it.logout_token(jti=None)),
    "an empty id": ("missing_jti", lambda it: it.logout_token(jti="")),
    "no time": ("missing_iat", lambda it: it.logout_token(iat=None)),
    "another issuer": ("wrong_issuer", lambda it: it.logout_token(iss="https://id.example.com")),
    "another client": ("wrong_audience", lambda it: it.logout_token(aud="other")),
    "expired": ("expired", lambda it: it.logout_token(exp=NOW - 600, iat=NOW - 700)),
    "old without an end": ("expired", lambda it: it.logout_token(exp=None, iat=NOW - 3_600)),
    "good for two days": ("too_long", lambda it: it.logout_token(exp=NOW + 2 * 86_400)),
    "good for ever": ("too_long", lambda it: it.logout_token(exp=253_402_300_799)),
    "not signed": ("unsigned", lambda it: unsigned({"sub": "248289"}, {"alg": "none"})),
    "signed by somebody else": ("signature", lambda it: Key("first", rsa_key(2)).sign(it.id_claims("n"))),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_false_logout_token_ends_nothing(lie: str, client: Client, hostile: Hostile, connect: Connect) -> None:
    reason, made = LIES[lie]
    connect(hostile)
    sign_in(client, hostile)
    answer = tell(made(hostile))
    assert answer.status_code == 400 and answer.json()["error"] == "invalid_request"
    assert reasons() == [reason]
    assert client.get("/profile/").status_code == 200


def test_a_token_of_before_2022_without_an_end_counts(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sign_in(client, hostile)
    assert tell(hostile.logout_token(exp=None)).status_code == 200
    assert client.get("/profile/").status_code == 302


def test_a_provider_whose_keys_are_not_to_be_had_ends_nothing_yet(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    token = hostile.logout_token()
    hostile.answers["/keys"] = (503, "", b"")
    assert tell(token).status_code == 503
    hostile.answers.clear()
    assert tell(token).status_code == 200


def test_made_up_keys_ask_the_provider_at_most_every_ten_seconds(hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    for number in range(4):
        tell(Key(f"made up {number}", rsa_key(2)).sign(hostile.id_claims("n")))
    assert [path for path, _form, _headers in hostile.asked].count("/keys") == 2
    assert reasons() == ["unknown_key"] * 4


def test_the_hook_is_for_providers_only(hostile: Hostile, connect: Connect, client: Client) -> None:
    connect(hostile)
    assert client.get(HOOK).status_code == 405
    assert client.post("/sso/nobody/back-channel-logout/").status_code == 404
