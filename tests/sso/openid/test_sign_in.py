"""Signing in through an OpenID provider that tells the truth."""

import base64
import hashlib
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from accounts.models import Account
from accounts.roles import Role
from accounts.services.locks import lock
from audit.models import Entry, Outcome
from sessions_admin.models import Cause, Session
from settings_admin.models import ServerSettings
from sso.models import Begun, GroupRole, Identity
from tests.conftest import Make
from tests.sso.openid.conftest import Connect, begin, come_back, sign_in
from tests.sso.openid.hostile import CLIENT, Hostile, Key, rsa_key

pytestmark = pytest.mark.django_db


def test_the_request_has_state_nonce_and_pkce(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    address = begin(client)
    asked = hostile.asked_for(address)
    assert urlsplit(address).path == "/authorize"
    assert asked["response_type"] == "code" and asked["client_id"] == "agora"
    assert asked["redirect_uri"] == "http://testserver/sso/staff/callback/"
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert asked["scope"].split()[0] == "openid"
    again = hostile.asked_for(begin(client))
    assert len({asked["state"], again["state"], asked["nonce"], again["nonce"]}) == 4


def test_an_address_with_parameters_keeps_them(client: Client, hostile: Hostile, connect: Connect) -> None:
    hostile.document = {"authorization_endpoint": f"{hostile.issuer}/authorize?p=policy"}
    connect(hostile)
    asked = hostile.asked_for(begin(client))
    assert asked["p"] == "policy" and asked["client_id"] == "agora"


def test_somebody_new_gets_an_account_and_a_session(client: Client, hostile: Hostile, connect: Connect) -> None:
    provider = connect(hostile)
    hostile.about |= {"given_name": "Vera", "family_name": "Moss", "email_verified": True}
    answer = sign_in(client, hostile)
    assert answer.status_code == 302 and answer["Location"] == "/profile/"
    account = Account.objects.get(username="vera")
    assert (account.first_name, account.last_name, account.email) == ("Vera", "Moss", "vera@example.com")
    session = Session.objects.get(account=account)
    assert (session.method, session.provider_id, session.provider_session) == ("openid", provider.pk, "s-1")
    assert Identity.objects.get(account=account).subject == "248289"
    opened = Entry.objects.get(event="session.opened")
    assert opened.outcome == Outcome.SUCCESS and opened.details["provider"] == provider.name
    assert client.get("/profile/").status_code == 200
    assert not Begun.objects.exists()


def test_the_code_is_exchanged_with_the_secret_and_the_verifier(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    address = begin(client)
    come_back(client, hostile.agree(address))
    [(form, headers)] = [(form, headers) for path, form, headers in hostile.asked if path == "/token"]
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert challenge == hostile.asked_for(address)["code_challenge"]
    assert form["redirect_uri"] == "http://testserver/sso/staff/callback/"
    name, _colon, secret = base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (unquote_plus(name), unquote_plus(secret)) == (CLIENT["client_id"], CLIENT["client_secret"])
    assert "client_secret" not in form


def test_the_secret_stands_in_the_form_where_the_provider_wants_it_there(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    hostile.document = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    connect(hostile)
    sign_in(client, hostile)
    [(form, headers)] = [(form, headers) for path, form, headers in hostile.asked if path == "/token"]
    assert form["client_secret"] == CLIENT["client_secret"] and "Authorization" not in headers


def test_a_second_sign_in_is_the_same_account_with_what_is_new(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    sign_in(client, hostile)
    hostile.about |= {"preferred_username": "renamed", "given_name": "Vera-Lynn"}
    sign_in(Client(), hostile)
    account = Account.objects.get(username="vera")
    assert account.first_name == "Vera-Lynn" and Account.objects.count() == 1


def test_claims_may_have_other_names_and_stand_inside_of_others(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile, username_claim="login", email_claim="contact.mail", groups_claim="realm_access.roles")
    hostile.about = {"sub": "248289", "login": "vera", "contact": {"mail": "v@example.com"}}
    hostile.claims = {"realm_access": {"roles": ["staff", 7, "radiology"]}}
    sign_in(client, hostile)
    assert Account.objects.get(username="vera").email == "v@example.com"


def test_an_address_that_the_provider_never_checked_is_not_taken(
    client: Client, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile)
    hostile.about |= {"email_verified": False}
    sign_in(client, hostile)
    assert Account.objects.get(username="vera").email == ""


def test_a_provider_without_userinfo_says_it_in_the_token(client: Client, hostile: Hostile, connect: Connect) -> None:
    hostile.document, hostile.claims = {"userinfo_endpoint": None}, {"preferred_username": "vera"}
    connect(hostile)
    assert sign_in(client, hostile).status_code == 302
    assert Account.objects.filter(username="vera").exists()


def test_signed_userinfo_is_read(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    signed = hostile.keys[0].sign(hostile.about | {"iss": hostile.issuer, "aud": "agora"})
    hostile.answers["/userinfo"] = (200, "application/jwt", signed.encode())
    assert sign_in(client, hostile).status_code == 302


def test_one_key_without_a_name_is_enough(client: Client, hostile: Hostile, connect: Connect) -> None:
    hostile.keys = [Key(None, rsa_key(0))]
    connect(hostile)
    assert sign_in(client, hostile).status_code == 302


def test_a_new_key_is_asked_for_once(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    sign_in(client, hostile)
    sign_in(client, hostile)
    asked = [path for path, _form, _headers in hostile.asked]
    assert asked.count("/keys") == 1 and asked.count("/.well-known/openid-configuration") == 1
    hostile.keys = [Key("second", rsa_key(1))]
    assert sign_in(client, hostile).status_code == 302
    assert [path for path, _form, _headers in hostile.asked].count("/keys") == 2


def test_locked_accounts_get_the_neutral_page(
    client: Client, hostile: Hostile, connect: Connect, make: Make, sam: Account
) -> None:
    connect(hostile)
    sign_in(client, hostile)
    lock(Account.objects.get(username="vera"), reason="left", actor=make.actor(sam))
    answer = sign_in(Client(), hostile)
    assert answer.status_code == 403 and b"locked" not in answer.content.lower()
    entry = Entry.objects.filter(event="session.opened", outcome=Outcome.FAILED).get()
    assert entry.details["reason"] == "account_locked" and entry.request_id in answer.content.decode()


def test_only_a_post_begins(client: Client, hostile: Hostile, connect: Connect) -> None:
    connect(hostile)
    assert client.get("/sso/staff/login/").status_code == 200
    assert not Begun.objects.exists() and not hostile.asked
    assert client.head("/sso/staff/callback/").status_code == 405


def test_over_an_open_session_a_sign_in_that_misses_our_second_factor_ends_it_and_says_so(
    hostile: Hostile, connect: Connect, make: Make, ada: Account
) -> None:
    ServerSettings.objects.update(two_factor_required=True)
    connect(hostile, ask_second_factor=True)
    client = make.client(ada)
    open_one = Session.objects.get(account=ada)
    assert sign_in(client, hostile)["Location"].startswith("/sign-in/second-factor/")
    open_one.refresh_from_db()
    assert (open_one.is_open, open_one.cause) == (False, Cause.SIGNED_IN_AGAIN)
    assert Entry.objects.get(event="session.closed").target_id == str(open_one.pk)


def test_a_secret_that_can_not_be_read_makes_no_public_client(
    connect: Connect, hostile: Hostile, settings: Any
) -> None:
    connect(hostile)
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    assert Client().post("/sso/staff/login/").status_code == 403
    assert Entry.objects.latest("pk").details["reason"] == "unreadable_secret"


def test_groups_that_are_too_many_to_be_named_take_no_role_away(connect: Connect, hostile: Hostile) -> None:
    """Entra ID with over 200 groups."""
    staff = connect(hostile)
    GroupRole.objects.create(provider=staff, position=0, group="admins", role=Role.EDITOR)
    hostile.claims = {"groups": ["admins"]}
    assert sign_in(Client(), hostile).status_code == 302
    hostile.claims = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x.example"}}}
    assert sign_in(Client(), hostile).status_code == 403
    assert Entry.objects.filter(event="session.opened").latest("pk").details["reason"] == "too_many_groups"
    assert Account.objects.get().role == Role.EDITOR
    GroupRole.objects.all().delete()
    assert sign_in(Client(), hostile).status_code == 302
