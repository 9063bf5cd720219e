"""Passkeys on the profile and at sign-in: whose they are, when they count, what is asked before they come and go."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.test import Client
from django_otp_webauthn.models import WebAuthnCredential

from accounts.devices import Authenticator, RecoveryCode
from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from settings_admin.models import ServerSettings
from tests.accounts.factor import CODE, CODES, NOON, SETUP, code_of, enrolled, half_way, key_of, let_in, text
from tests.accounts.factor import MINE as FACTOR
from tests.accounts.security_key import MINE, SIGN_IN, SecurityKey, plain, register, sign
from tests.conftest import PASSWORD, Make

PROOF = {"current_password": PASSWORD}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


def with_passkey(make: Make, username: str = "ada") -> tuple[Account, SecurityKey, list[str]]:
    """An account with a passkey and nothing else, and its recovery codes."""
    account, key = make.account(username, password=PASSWORD), SecurityKey()
    codes = CODES.findall(text(register(make.client(account), key, **PROOF)))
    assert len(codes) == 10
    account.refresh_from_db()
    return account, key, codes


class TestAStolenSession:
    """Somebody else sits at an open session: nothing of the second factor becomes theirs."""

    @pytest.mark.parametrize("proof", [{}, {"current_password": ""}, {"current_password": "not mine"}])
    def test_adds_no_passkey(self, make: Make, proof: dict[str, str]) -> None:
        ada = make.account("ada", password=PASSWORD)
        bob, _codes = enrolled(make, "bob")
        for account in (ada, bob):
            answer = register(make.client(account), SecurityKey(), **proof)
            assert answer.status_code == 422 and answer.json()["detail"]
        assert not WebAuthnCredential.objects.exists()

    def test_completes_no_registration_that_was_not_begun(self, make: Make) -> None:
        ada = make.account("ada", password=PASSWORD)
        client, key = make.client(ada), SecurityKey()
        made = key.made({"rp": {"id": "testserver"}, "challenge": "AAAA"})
        answer = client.post(f"{MINE}register/complete/", {"name": "Mine", "credential": made, **PROOF})
        assert answer.status_code == 422
        assert not WebAuthnCredential.objects.exists()

    @pytest.mark.parametrize("proof", [{}, {"current_password": ""}, {"current_password": "not mine"}])
    def test_sets_up_no_app_and_gets_no_recovery_codes(self, make: Make, proof: dict[str, str]) -> None:
        ada, _key, codes = with_passkey(make)
        client = make.client(ada)
        answer = client.post(f"{FACTOR}setup/", {"begin": "1", **proof})
        assert answer.status_code == 422 and 'id="id_current_password_error"' in text(answer)
        assert not Authenticator.objects.exists()
        assert client.post(f"{FACTOR}codes/", proof).status_code == 422
        assert RecoveryCode.objects.left().count() == len(codes)

    def test_sets_up_no_first_app_either(self, make: Make) -> None:
        ada = make.account("ada", password=PASSWORD)
        assert make.client(ada).post(f"{FACTOR}setup/", {"begin": "1"}).status_code == 422
        assert not Authenticator.objects.exists()

    def test_takes_nothing_over_that_it_began_while_there_was_nothing(self, make: Make) -> None:
        """The server asks for a first factor: that one needs no password, but what is there then is its owner's."""
        ada = make.account("ada", password=PASSWORD)
        ServerSettings.objects.update(two_factor_required=True)
        thief, key = make.client(ada), SecurityKey()
        begun = thief.post(f"{MINE}register/begin/", {"name": "Thief's"})
        thief.post(f"{FACTOR}setup/", {"begin": "1"})
        code = code_of(ada, confirmed=False)
        assert len(CODES.findall(text(register(make.client(ada), SecurityKey())))) == 10
        made = key.made(begun.json())
        sent = {"name": "Thief's", "credential": made}
        assert thief.post(f"{MINE}register/complete/", sent).status_code == 422
        assert thief.post(f"{FACTOR}setup/", {"code": code}).status_code == 422
        assert [one.name for one in WebAuthnCredential.objects.all()] == ["Key ring"]
        assert not Authenticator.objects.exists()


class TestWithoutAPassword:
    """Accounts that sign in elsewhere are asked for what they have here."""

    def without(self, account: Account) -> Client:
        Account.objects.filter(pk=account.pk).update(password=make_password(None))
        client = Client()
        client.force_login(account)
        return client

    def test_nothing_of_those_who_have_nothing(self, make: Make) -> None:
        ada = make.account("ada")
        assert len(CODES.findall(text(register(make.client(ada), SecurityKey())))) == 10

    def test_a_code_of_those_who_have_an_app(self, make: Make) -> None:
        ada, codes = enrolled(make)
        client, new = self.without(ada), SecurityKey()
        assert register(client, new, code="000000").status_code == 422
        assert register(client, new, code=codes[0])["Location"] == FACTOR
        assert client.post(f"{FACTOR}codes/", {}).status_code == 422
        assert len(CODES.findall(text(client.post(f"{FACTOR}codes/", {"code": codes[1]})))) == 10

    def test_a_passkey_of_those_who_have_nothing_else(self, make: Make) -> None:
        ada, key, _codes = with_passkey(make)
        client = self.without(ada)
        page = text(client.get(f"{FACTOR}codes/"))
        assert "current_password" not in page and "Use a passkey instead of a code" in page
        challenge = client.post(f"{MINE}proof/begin/").json()
        for signed in (SecurityKey().signed(challenge), key.signed(challenge)):  # the second finds the challenge spent
            assert client.post(f"{FACTOR}codes/", {"credential": signed}).status_code == 422
        signed = key.signed(client.post(f"{MINE}proof/begin/").json())
        assert len(CODES.findall(text(client.post(f"{FACTOR}codes/", {"credential": signed})))) == 10


class TestRemoving:
    def test_asks_password_and_another_proof(self, make: Make) -> None:
        ada, _key, codes = with_passkey(make)
        client, pk = make.client(ada), WebAuthnCredential.objects.get().pk
        page, before = f"{MINE}{pk}/remove/", key_of(client)
        assert 'name="code"' in text(client.get(page))
        for sent in ({}, PROOF, PROOF | {"code": "000000"}, {"current_password": "x", "code": codes[0]}):
            assert client.post(page, sent).status_code == 422
        assert RecoveryCode.objects.left().count() == 10
        assert client.post(page, PROOF | {"code": codes[0]})["Location"] == FACTOR
        ada.refresh_from_db()
        assert not ada.second_factor and not RecoveryCode.objects.exists()
        assert key_of(client) != before

    def test_itself_will_do(self, make: Make) -> None:
        ada, key, _codes = with_passkey(make)
        client, pk = make.client(ada), WebAuthnCredential.objects.get().pk
        page = f"{MINE}{pk}/remove/"
        signed = key.signed(client.post(f"{MINE}proof/begin/").json())
        assert client.post(page, {"current_password": "x", "credential": signed}).status_code == 422
        signed = key.signed(client.post(f"{MINE}proof/begin/").json())
        assert client.post(page, PROOF | {"credential": signed})["Location"] == FACTOR
        assert not WebAuthnCredential.objects.exists()

    def test_the_last_factor_stays_while_the_server_requires_one(self, make: Make) -> None:
        """The page says so at once, and no code is spent on being told."""
        ada, _key, codes = with_passkey(make)
        ServerSettings.objects.update(two_factor_required=True)
        client, pk = make.client(ada), WebAuthnCredential.objects.get().pk
        page = f"{MINE}{pk}/remove/"
        shown = client.get(page)
        assert shown.status_code == 403 and "<form" not in text(shown).partition("<main")[2].partition("</main")[0]
        assert not Entry.objects.filter(event="passkey.removed").exists()
        assert client.post(page, PROOF | {"code": codes[0]}).status_code == 403
        assert Entry.objects.get(event="passkey.removed").outcome == "denied"
        assert RecoveryCode.objects.left().count() == 10 and WebAuthnCredential.objects.exists()
        register(client, SecurityKey(), "Desk", **PROOF)
        assert client.post(page, PROOF | {"code": codes[0]})["Location"] == FACTOR
        assert [one.name for one in WebAuthnCredential.objects.all()] == ["Desk"]

    @pytest.mark.parametrize("verb", ["rename", "remove"])
    def test_other_peoples_are_not_there(self, make: Make, verb: str, ada: Account) -> None:
        _bob, _key, codes = with_passkey(make, "bob")
        page = f"{MINE}{WebAuthnCredential.objects.get().pk}/{verb}/"
        for client in (make.client(ada), make.client(enrolled(make, "eve")[0])):
            assert client.get(page).status_code == 404
            sent = PROOF | {"name": "Mine", "code": codes[0]}
            assert client.post(page, sent).status_code == 404
        assert WebAuthnCredential.objects.get().name == "Key ring"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000", "192.0.2.7"])
def test_an_ip_address_has_no_passkeys_and_the_pages_say_so(make: Make, settings: Any, host: str) -> None:
    settings.OWN_HOSTS = ["testserver", "127.0.0.1", "[::1]", "192.0.2.7"]
    ada, _key, _codes = with_passkey(make)
    page = text(make.client(ada, headers={"Host": host}).get(FACTOR))
    assert "belong to a name" in page and "localhost:8000" in page and "data-passkey" not in page
    entering = half_way()
    page = text(entering.get(CODE, headers={"Host": host}))
    assert "belong to a name" in page and "data-passkey" not in page and 'name="code"' in page
    assert "data-passkey" in text(entering.get(CODE)) and "data-passkey" in text(make.client(ada).get(FACTOR))


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "sent", ["", "{}", "[]", DEEP, '{"a":' * 100_000], ids=["none", "empty", "list", "deep", "deeper"]
)
def test_what_no_browser_made_is_refused(make: Make, sent: str) -> None:
    with_passkey(make)
    client = half_way()
    client.post(f"{SIGN_IN}begin/")
    assert client.post(f"{SIGN_IN}complete/", {"credential": sent}).status_code == 422


def test_deep_data_inside_a_credential_is_refused(make: Make) -> None:
    """The package parses what the browser says it signed."""
    _ada, key, _codes = with_passkey(make)
    client = half_way()
    credential = json.loads(sign(client, key))
    credential["response"]["clientDataJSON"] = plain(DEEP.encode())
    assert client.post(f"{SIGN_IN}complete/", {"credential": json.dumps(credential)}).status_code == 422


class TestForced:
    """A passkey will do where the server requires a second factor."""

    def test_half_way_through_signing_in(self, make: Make) -> None:
        _ada, key = make.account("ada", password=PASSWORD), SecurityKey()
        ServerSettings.objects.update(two_factor_required=True)
        client = half_way()
        assert "Add a passkey" in text(client.get(SETUP))
        sent = {"name": "Key ring", "next": "/profile/"}
        made = key.made(client.post(f"{SETUP}passkey/begin/", sent).json())
        assert client.post(f"{SETUP}passkey/complete/", sent | {"name": "", "credential": made}).status_code == 422
        assert client.post(f"{SETUP}passkey/complete/", sent | {"credential": made}).status_code == 422, "spent"
        made = key.made(client.post(f"{SETUP}passkey/begin/", sent).json())
        shown = text(client.post(f"{SETUP}passkey/complete/", sent | {"credential": made}))
        assert len(CODES.findall(shown)) == 10 and 'href="/profile/"' in shown
        assert let_in(client)
        entry = Entry.objects.filter(event="passkey.added").latest("pk")
        assert (entry.actor_name, entry.outcome, entry.details["name"]) == ("ada", "success", "Key ring")

    @pytest.mark.parametrize("kind", ["passkey", "app"])
    def test_the_session_says_how_it_began(self, make: Make, kind: str) -> None:
        """By a directory's password here: setting up a factor on the way does not make it one of ours."""
        ada, key = make.account("ada", password=PASSWORD), SecurityKey()
        ServerSettings.objects.update(two_factor_required=True)
        client = half_way()
        row = Session.objects.get()
        row.data = row.data.replace('"method":"password"', '"method":"ldap"')
        row.save()
        if kind == "passkey":
            made = key.made(client.post(f"{SETUP}passkey/begin/").json())
            client.post(f"{SETUP}passkey/complete/", {"name": "Key ring", "credential": made})
        else:
            client.post(SETUP, {"begin": "1"})
            client.post(SETUP, {"code": code_of(ada, confirmed=False)})
        assert let_in(client)
        assert Session.objects.get(account=ada).method == "ldap"
        Account.objects.filter(pk=ada.pk).update(password=make_password(None))
        assert "current_password" in text(client.get(f"{FACTOR}codes/")), "which can be asked again"
        assert "current_password" in text(client.get(FACTOR))

    def test_only_there(self, make: Make) -> None:
        """Nobody, and who has a factor already, adds none without having signed in."""
        with_passkey(make)
        ServerSettings.objects.update(two_factor_required=True)
        for client in (Client(), half_way()):
            assert client.post(f"{SETUP}passkey/begin/", {"name": "Mine"}).status_code == 409
            made = SecurityKey().made({"rp": {"id": "testserver"}, "challenge": "AAAA"})
            answer = client.post(f"{SETUP}passkey/complete/", {"name": "Mine", "credential": made})
            assert answer["Location"] == "/sign-in/"
        assert WebAuthnCredential.objects.count() == 1

    def test_in_an_open_session(self, make: Make) -> None:
        client = make.client(make.account("ada", password=PASSWORD))
        ServerSettings.objects.update(two_factor_required=True)
        assert "Add a passkey" in text(client.get(f"{FACTOR}setup/"))
        assert register(client, SecurityKey(), "").status_code == 422
        assert len(CODES.findall(text(register(client, SecurityKey())))) == 10
        assert let_in(client)


class TestSigningIn:
    def test_its_use_is_written_down(self, make: Make, clock: Any) -> None:
        _ada, key, _codes = with_passkey(make)
        client = half_way()
        clock.shift(90)
        answer = client.post(f"{SIGN_IN}complete/", {"credential": sign(client, key)})
        assert answer.status_code == 302 and let_in(client)
        assert WebAuthnCredential.objects.get().last_used_at == NOON + timedelta(seconds=90)
        assert Entry.objects.filter(event="session.opened").latest("pk").details["second_factor"] == "passkey Key ring"
        clock.shift(180)
        assert 'datetime="2026-11-20T12:01:30' in text(client.get(FACTOR)).partition('id="passkeys"')[2]

    def test_an_assertion_counts_once_and_in_its_own_browser(self, make: Make) -> None:
        """Whoever recorded it gets in by it neither there nor half-way elsewhere, challenged or not."""
        _ada, key, _codes = with_passkey(make)
        owner, thief = half_way(), half_way()
        signed = sign(owner, key)
        assert thief.post(f"{SIGN_IN}complete/", {"credential": signed}).status_code == 422, "never challenged"
        thief.post(f"{SIGN_IN}begin/")
        assert thief.post(f"{SIGN_IN}complete/", {"credential": signed}).status_code == 422, "another challenge"
        assert owner.post(f"{SIGN_IN}complete/", {"credential": signed}).status_code == 302
        assert thief.post(f"{SIGN_IN}complete/", {"credential": signed}).status_code == 422
        assert let_in(owner) and not let_in(thief)

    def test_a_copied_key_is_noticed_by_its_count(self, make: Make) -> None:
        _ada, key, _codes = with_passkey(make)
        for _ in range(2):
            client = half_way()
            client.post(f"{SIGN_IN}complete/", {"credential": sign(client, key)})
        key.used = 0
        client = half_way()
        assert client.post(f"{SIGN_IN}complete/", {"credential": sign(client, key)}).status_code == 422
        assert not let_in(client)

    def test_somebody_elses_lets_nobody_in(self, make: Make) -> None:
        with_passkey(make)
        _bob, key, _codes = with_passkey(make, "bob")
        client = half_way()
        assert client.post(f"{SIGN_IN}complete/", {"credential": sign(client, key)}).status_code == 422
        assert not let_in(client)

    def test_another_server_s_name_lets_nobody_in(self, make: Make) -> None:
        """A page that looks like ours gets a signature for its own name."""
        _ada, key, _codes = with_passkey(make)
        key.origin = "http://testserver.example"
        client = half_way()
        assert client.post(f"{SIGN_IN}complete/", {"credential": sign(client, key)}).status_code == 422
        assert not let_in(client)
