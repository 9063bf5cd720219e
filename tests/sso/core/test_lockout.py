"""Whatever is done to accounts and providers, superusers can come in as surely as before."""

from collections.abc import Callable

import pytest

from accounts.models import Account
from accounts.roles import Role
from accounts.services import accounts, locks
from accounts.services.rules import LastSuperuser, LastWayIn
from agora.base.actor import Actor
from audit.models import Entry
from sso.claims import Person
from sso.models import Identity, Provider
from sso.services import providers
from sso.services.identities import unlink
from sso.services.mapping import settle
from tests.conftest import PASSWORD, Make
from tests.sso.conftest import MakeProvider


def superuser(make: Make, name: str, *, password: str | None = None, by: Provider | None = None) -> Account:
    made = make.account(name, role=Role.ADMINISTRATOR, is_superuser=True, password=password)
    if by is not None:
        Identity.objects.create(provider=by, subject=name, account=made, created_at=made.created_at)
    return made


def off(found: Provider, actor: Actor) -> None:
    providers.set_enabled(found, False, actor=actor)


def changed_off(found: Provider, actor: Actor) -> None:
    found.enabled = False
    providers.change_provider(found, [], version=found.version, untested=True, actor=actor)


def delete(found: Provider, actor: Actor) -> None:
    providers.delete_provider(found, actor=actor)


def unlinked(found: Provider, actor: Actor) -> None:
    unlink(Identity.objects.of_provider(found.pk).get(), actor=actor)


def pointed_elsewhere(found: Provider, actor: Actor) -> None:
    found.openid.discovery_endpoint = "https://id.example.org/.well-known/openid-configuration"
    providers.change_provider(found, [], version=found.version, untested=True, links="unlink", actor=actor)


WAYS = [off, changed_off, delete, unlinked, pointed_elsewhere]


@pytest.mark.parametrize("act", WAYS)
def test_the_only_way_in_of_the_only_superuser_stays(
    make: Make, provider: MakeProvider, act: Callable[[Provider, Actor], None]
) -> None:
    clinic = provider("openid", "clinic")
    superuser(make, "ghost")  # without any way in
    Account.objects.filter(pk=superuser(make, "stopped", password=PASSWORD).pk).update(is_active=False)
    eva = superuser(make, "eva", by=clinic)
    with pytest.raises(LastWayIn, match="password of this server"):
        act(clinic, make.actor(eva))
    assert (Provider.objects.get().enabled, Identity.objects.count()) == (True, 1)
    assert Entry.objects.latest("pk").outcome == "denied"


@pytest.mark.parametrize("act", WAYS)
@pytest.mark.parametrize("other", ["password", "provider"])
def test_with_another_way_in_it_may_go(
    make: Make, provider: MakeProvider, act: Callable[[Provider, Actor], None], other: str
) -> None:
    clinic, studio = provider("openid", "clinic"), provider("saml", "studio")
    eva = superuser(make, "eva", by=clinic)
    if other == "password":
        superuser(make, "root", password=PASSWORD)
    else:
        superuser(make, "max", by=studio)
    act(clinic, make.actor(eva))
    assert not Identity.objects.filter(provider=clinic, provider__enabled=True).exists()


@pytest.mark.parametrize(
    "act",
    [
        lambda account, actor: accounts.set_active(account, False, actor=actor),
        lambda account, actor: accounts.change_role(account, Role.NONE, superuser=False, actor=actor),
        lambda account, actor: locks.lock(account, actor=actor),
    ],
)
def test_the_last_superuser_with_a_password_here_stays_though_one_comes_through_a_provider(
    make: Make, provider: MakeProvider, act: Callable[[Account, Actor], None]
) -> None:
    eva = superuser(make, "eva", by=provider("ldap", "clinic"))
    root = superuser(make, "root", password=PASSWORD)
    with pytest.raises(LastWayIn):
        act(root, make.actor(eva))
    root.refresh_from_db()
    assert root.is_superuser and root.is_usable
    superuser(make, "second", password=PASSWORD)
    act(root, make.actor(eva))


def test_a_superuser_without_any_way_in_is_nobody_who_could_be_left(make: Make, provider: MakeProvider) -> None:
    clinic = provider("ldap", "clinic")
    settle(clinic, Person("sub-1", "eva", superuser=True), actor=make.actor())
    superuser(make, "ghost")
    eva = settle(clinic, Person("sub-1", "eva", superuser=False), actor=make.actor())
    assert eva.is_superuser
    assert "password of this server" in Entry.objects.get(event="identity.superuser_kept").details["reason"]


def test_the_dialog_says_it_beforehand(make: Make, sam: Account, provider: MakeProvider) -> None:
    superuser(make, "eva", by=provider("ldap", "clinic"))
    root = superuser(make, "root", password=PASSWORD)
    page = make.client(sam).get(f"/accounts/{root.pk}/lock/").content.decode()
    assert "be locked" in page and str(LastWayIn.message) in page


def test_the_form_that_would_disable_the_last_way_in_comes_back_with_the_sentence(
    make: Make, provider: MakeProvider
) -> None:
    clinic = provider("openid", "clinic")
    client = make.client(superuser(make, "eva", by=clinic))
    sent = {
        "name": "Other", "alias": "clinic", "new_account_role": "none", "client_id": "agora", "scopes": "openid",
        "discovery_endpoint": clinic.openid.discovery_endpoint, "username_claim": "sub",
        "groups-TOTAL_FORMS": "0", "groups-INITIAL_FORMS": "0", "version": "1", "untested": "1",
    }  # fmt: skip
    response = client.post(f"/settings/server/single-sign-on/{clinic.pk}/", sent)
    page = response.content.decode()
    assert response.status_code == 403
    assert str(LastWayIn.message) in page and 'value="Other"' in page


def test_two_superusers_without_a_way_in_are_still_two(make: Make) -> None:
    root, other = superuser(make, "root"), superuser(make, "other")
    accounts.set_active(other, False, actor=make.actor(root))
    with pytest.raises(LastSuperuser, match="the last superuser"):
        accounts.change_role(root, Role.NONE, superuser=False, actor=make.actor())
