"""A provider that is pointed at another issuer or directory: what becomes of the links of accounts is asked."""

from typing import Any

import pytest

from accounts.models import Account
from audit.models import Entry
from sso.claims import Person, ProviderRefused
from sso.models import Identity, Provider
from sso.services import providers
from sso.services.links import LinksRemain
from sso.services.mapping import settle
from tests.conftest import Make
from tests.sso.conftest import MakeProvider
from tests.sso.core.test_providers import LIST, form

pytestmark = pytest.mark.django_db
ELSEWHERE = [
    ("openid", "discovery_endpoint", "https://evil.example.com/.well-known/openid-configuration"),
    ("saml", "idp_entity_id", "https://evil.example.com"),
    ("ldap", "server_address", "evil.example.com"),
    ("ldap", "user_search_dn", "ou=others,dc=example,dc=org"),
]


def point(found: Provider, make: Make, name: str, value: str, links: str = "") -> Provider:
    setattr(found.settings, name, value)
    return providers.change_provider(found, [], version=found.version, untested=True, links=links, actor=make.actor())


@pytest.fixture
def vera(vic: Account) -> Account:
    return vic


@pytest.mark.parametrize(("kind", "name", "value"), ELSEWHERE)
def test_somebody_of_the_same_subject_elsewhere_is_somebody_else(
    make: Make, provider: MakeProvider, vera: Account, kind: str, name: str, value: str
) -> None:
    clinic = provider(kind, "clinic", create_accounts=False)
    Identity.objects.create(provider=clinic, subject="1", account=vera, created_at=vera.created_at)
    with pytest.raises(LinksRemain, match="1 account is linked"):
        point(clinic, make, name, value)
    assert value not in str(vars(Provider.objects.with_settings().get().settings))
    point(clinic, make, name, value, links="unlink")
    entry = Entry.objects.get(event="provider.changed", outcome="success")
    assert (entry.details["links"], entry.details["accounts_linked"]) == ("unlinked", 1)
    with pytest.raises(ProviderRefused) as refused:
        settle(clinic, Person("1", "mallory"), actor=make.actor())
    assert refused.value.reason == "not_created"


def test_links_are_kept_where_that_is_meant(make: Make, provider: MakeProvider, vera: Account) -> None:
    clinic = provider("ldap", "clinic")
    Identity.objects.create(provider=clinic, subject="1", account=vera, created_at=vera.created_at)
    point(clinic, make, "server_address", "ldap2.example.org", links="keep")
    assert settle(clinic, Person("1", "vera"), actor=make.actor()) == vera
    assert Entry.objects.get(event="provider.changed").details["links"] == "kept"


@pytest.mark.parametrize(("kind", "name"), [("openid", "client_id"), ("saml", "metadata_xml"), ("ldap", "group_type")])
def test_nothing_is_asked_where_it_stays_the_same_or_nobody_is_linked(
    make: Make, provider: MakeProvider, vera: Account, kind: str, name: str
) -> None:
    clinic = provider(kind, "clinic")
    Identity.objects.create(provider=clinic, subject="1", account=vera, created_at=vera.created_at)
    point(clinic, make, name, "posix_group")
    assert Identity.objects.exists()
    Identity.objects.all().delete()
    again = Provider.objects.with_settings().get()
    point(again, make, *next(case[1:] for case in ELSEWHERE if case[0] == kind))


@pytest.mark.parametrize(("button", "left"), [("unlink", 0), ("keep", 1)])
def test_the_page_asks_and_goes_on_by_the_button(
    make: Make, ada: Account, provider: MakeProvider, vera: Account, button: str, left: int
) -> None:
    clinic, client = provider("ldap", "clinic"), make.client(ada)
    Identity.objects.create(provider=clinic, subject="1", account=vera, created_at=vera.created_at)
    sent: dict[str, Any] = form(version="1", untested="1", server_address="ldap2.example.org")
    page = client.post(f"{LIST}{clinic.pk}/", sent)
    text = page.content.decode()
    assert page.status_code == 409 and "1 account is linked" in text and 'value="ldap2.example.org"' in text
    assert text.index('value="unlink"') < text.index('value="keep"'), "Enter unlinks"
    assert '<input type="hidden" name="untested" value="1">' in text
    assert client.post(f"{LIST}{clinic.pk}/", sent | {"links": button}).status_code == 302
    assert Identity.objects.count() == left
