"""A provider says who somebody is: those that superusers come through are settled by superusers only."""

import pytest

from accounts.models import Account
from sso.models import Identity, Provider
from sso.services import providers
from sso.services.providers import WayOfSuperusers
from tests.conftest import PASSWORD, Make
from tests.sso.conftest import MakeProvider


def settle(found: Provider, make: Make, by: Account) -> None:
    """Everything that decides who comes in."""
    actor = make.actor(by)
    found.settings.client_id = "theirs"
    providers.change_provider(found, [], version=found.version, untested=True, actor=actor)
    providers.set_enabled(found, False, actor=actor)
    providers.delete_provider(found, actor=actor)


def test_an_administrator_settles_providers_of_everybody_else(
    make: Make, ada: Account, vic: Account, provider: MakeProvider
) -> None:
    found = provider("openid", "clinic")
    Identity.objects.create(provider=found, subject="1", account=vic, created_at=vic.created_at)
    settle(found, make, ada)
    assert not Provider.objects.exists()


def test_not_one_that_a_superuser_comes_through(
    make: Make, ada: Account, root: Account, provider: MakeProvider
) -> None:
    found = provider("openid", "clinic")
    Identity.objects.create(provider=found, subject="1", account=root, created_at=root.created_at)
    actor = make.actor(ada)
    found.settings.discovery_endpoint = "https://evil.example.com/.well-known/openid-configuration"
    with pytest.raises(WayOfSuperusers):
        providers.change_provider(found, [], version=found.version, untested=True, actor=actor)
    with pytest.raises(WayOfSuperusers):
        providers.set_enabled(found, False, actor=actor)
    with pytest.raises(WayOfSuperusers):
        providers.delete_provider(found, actor=actor)
    page = make.client(ada).post(f"/settings/server/single-sign-on/{found.pk}/delete/")
    assert page.status_code == 403
    assert "Only a superuser changes it" in page.content.decode()
    saved = Provider.objects.with_settings().get()
    assert (saved.enabled, "evil" in saved.settings.discovery_endpoint) == (True, False)
    root.set_password(PASSWORD)  # another way in
    root.save()
    settle(saved, make, root)


def test_nor_one_that_makes_superusers(make: Make, ada: Account, root: Account, provider: MakeProvider) -> None:
    found = provider("ldap", "house")
    found.settings.superuser_group = "cn=admins,dc=example,dc=org"
    with pytest.raises(WayOfSuperusers):
        providers.change_provider(found, [], version=found.version, untested=True, actor=make.actor(ada))
    providers.change_provider(found, [], version=found.version, untested=True, actor=make.actor(root))
    again = Provider.objects.with_settings().get()
    again.settings.server_address = "evil.example.com"
    with pytest.raises(WayOfSuperusers):
        providers.change_provider(again, [], version=again.version, untested=True, actor=make.actor(ada))
