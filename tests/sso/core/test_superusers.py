"""A provider says who somebody is: those that superusers come through are settled by superusers only."""

import pytest

from accounts.models import Account
from audit.models import Entry
from sso.models import Identity, Provider
from sso.services import providers
from sso.services.providers import WayOfSuperusers
from tests.conftest import PASSWORD, Make
from tests.sso.conftest import MakeProvider
from tests.sso.core.test_providers import form


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


def test_an_administrator_looks_at_it_and_is_told_before_typing_anything(
    make: Make, ada: Account, root: Account, provider: MakeProvider
) -> None:
    found = provider("ldap", "house", superuser_group="cn=admins,dc=x", group_search_dn="dc=x")
    adas, home = make.client(ada), f"/settings/server/single-sign-on/{found.pk}/"
    page = adas.get(home).content.decode()
    assert str(WayOfSuperusers.message) in page and '<fieldset class="sections" disabled>' in page
    assert "data-save-bar" not in page and 'id="run-test"' not in page and "cn=admins" in page
    for verb in ("enable", "disable", "delete"):
        asked = adas.get(f"{home}{verb}/")
        assert asked.status_code == 403 and "Only a superuser changes it" in asked.content.decode()
    page = make.client(root).get(home).content.decode()
    assert "data-save-bar" in page and '<fieldset class="sections"' not in page


def test_what_was_typed_stays_when_only_a_superuser_may_save_it(
    make: Make, ada: Account, provider: MakeProvider
) -> None:
    adas, group = make.client(ada), {"superuser_group": "cn=admins,dc=x", "group_search_dn": "dc=x"}
    sent = form(untested="1", version="1", name="Typed for long", **group)
    page = adas.post("/settings/server/single-sign-on/new/ldap/", sent)
    assert page.status_code == 403
    assert "Only a superuser changes it" in page.content.decode() and 'value="Typed for long"' in page.content.decode()
    found = provider("ldap", "house")
    page = adas.post(f"/settings/server/single-sign-on/{found.pk}/", sent)
    assert page.status_code == 403 and 'value="Typed for long"' in page.content.decode()
    assert "in place of theirs" not in page.content.decode()
    assert Entry.objects.latest("pk").outcome == "denied"
