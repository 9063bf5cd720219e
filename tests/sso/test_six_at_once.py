"""Two providers of each kind at once, with the same subject, username and e-mail address: never confused."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from sso.models import Identity, Provider
from sso.services import protocols
from sso.services.identities import link
from tests.conftest import Make
from tests.sso.ldap.conftest import SECRET, STUDIO, STUDIO_SECRET, MakeDirectory, directory, slapd  # noqa: F401
from tests.sso.openid.conftest import (  # noqa: F401 - fixtures
    Connect,
    _nothing_known,
    begin,
    come_back,
    connect,
    hostile,
    other,
)
from tests.sso.openid.hostile import Hostile
from tests.sso.openid.test_at_once import at_once
from tests.sso.saml.conftest import Visitor, answer, forge, our_key  # noqa: F401 - fixtures
from tests.sso.saml.test_sign_out import hear, request, signed

pytestmark = pytest.mark.django_db(transaction=True)
SUBJECT, NAME_ID, MAIL = "persistent:eva", "eva", "eva@example.org"
Way = Callable[[Client], Any]


def openid(server: Hostile, alias: str) -> Way:
    server.claims = {"sub": SUBJECT, "sid": "index-1"}
    server.about = {"sub": SUBJECT, "preferred_username": f"eva.{alias}", "email": MAIL}
    return lambda client: come_back(client, server.agree(begin(client, alias)), alias)


def saml(provider: Provider) -> Way:
    def sign_in(client: Client) -> Any:
        visitor = Visitor()
        visitor.client = client
        visitor.go(provider)
        known = {"name_id": NAME_ID, "username": f"eva.{provider.alias}", "attributes": {"mail": (MAIL,)}}
        by = "other" if provider.alias == "saml-two" else "provider"
        return visitor.bring(provider, answer(provider, visitor, by=by, **known).root())

    return sign_in


def ldap(username: str, password: str) -> Way:
    return lambda client: client.post("/sign-in/", {"username": username, "password": password})


@pytest.fixture
def ways(
    hostile: Hostile,  # noqa: F811
    other: Hostile,  # noqa: F811
    connect: Connect,  # noqa: F811
    forge: Callable[..., Provider],  # noqa: F811
    directory: MakeDirectory,  # noqa: F811
    make: Make,
) -> dict[str, Way]:
    """The account that each way leads to. People type their usernames here for a directory: the second Eva has
    another one, which is linked by hand."""
    connect(hostile, "openid-one")
    connect(other, "openid-two")
    first = forge("saml-one")
    second = forge("saml-two", key="other", entity_id="https://other.example.com/")
    directory("ldap-one")
    studio = directory("ldap-two", suffix=STUDIO)
    subject, username = protocols.subject_of(studio, "eva")
    link(make.account("eva.ldap-two"), studio, subject, username=username, actor=make.actor())
    return {
        "eva.openid-one": openid(hostile, "openid-one"),
        "eva.openid-two": openid(other, "openid-two"),
        "eva.saml-one": saml(first),
        "eva.saml-two": saml(second),
        "eva": ldap("eva", SECRET),
        "eva.ldap-two": ldap("eva.ldap-two", STUDIO_SECRET),
    }


def all_at_once(ways: dict[str, Way]) -> dict[str, Client]:
    """A browser for each, that is signed in by now."""
    browsers = {name: Client() for name in ways}
    found = at_once(*(lambda name=name: ways[name](browsers[name]) for name in ways))
    assert [page.status_code for page in found] == [302] * len(ways), [page.content[:2000] for page in found]
    return browsers


def who(browser: Client) -> str:
    """Whose session it is; "" for nobody's."""
    page = browser.get("/profile/")
    return str(page.wsgi_request.user.get_username()) if page.status_code == 200 else ""


def test_each_comes_into_an_account_of_its_own_again_and_again(ways: dict[str, Way]) -> None:
    for _time in range(2):
        browsers = all_at_once(ways)
        assert {name: who(browser) for name, browser in browsers.items()} == {name: name for name in ways}
        assert set(Account.objects.values_list("username", flat=True)) == set(ways)
        assert Identity.objects.count() == 6
    assert set(Account.objects.values_list("email", flat=True)) == {MAIL}
    assert Identity.objects.filter(subject=SUBJECT).count() == 4
    assert not Entry.objects.filter(event="session.opened").exclude(outcome="success").exists()
    for name, alias in [("eva", "ldap-one"), *((name, name.removeprefix("eva.")) for name in ways if name != "eva")]:
        assert Identity.objects.get(account__username=name).provider.alias == alias
        rows = Session.objects.signed_in().filter(account__username=name)
        assert {row.provider_name for row in rows} == {alias.replace("-", " ").title()}


def test_signing_out_there_ends_the_session_of_that_provider_alone(ways: dict[str, Way], other: Hostile) -> None:  # noqa: F811
    browsers = all_at_once(ways)
    told = {"logout_token": other.logout_token(sub=SUBJECT, sid="index-1")}
    assert Client().post("/sso/openid-two/back-channel-logout/", told).status_code == 200
    left = set(ways) - {"eva.openid-two"}
    assert {who(browser) for browser in browsers.values()} - {""} == left
    assert hear(signed(request(name=NAME_ID, to="http://testserver/sso/saml-one/slo/")), "saml-one").status_code == 302
    left -= {"eva.saml-one"}
    assert {who(browser) for browser in browsers.values()} - {""} == left
