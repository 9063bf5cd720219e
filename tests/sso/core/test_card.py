"""Linking an account to a provider by an administrator, on the account's card."""

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from sessions_admin.store import Way
from sso.claims import Person, ProviderRefused
from sso.models import Identity
from sso.services.identities import link, unlink
from sso.services.mapping import settle
from tests.conftest import PASSWORD, Make
from tests.sso.conftest import MakeProvider


def test_a_linked_account_is_who_the_provider_names(
    make: Make, ada: Account, vic: Account, provider: MakeProvider
) -> None:
    clinic = provider("openid", "clinic", create_accounts=False)
    with pytest.raises(ProviderRefused):
        settle(clinic, Person("sub-1", "v"), actor=make.actor())
    adas = make.client(ada)
    sent = {"provider": clinic.pk, "subject": "sub-1"}
    assert adas.post(f"/accounts/{vic.pk}/identities/link/", sent).status_code == 302
    assert settle(clinic, Person("sub-1", "v"), actor=make.actor()) == vic
    page = adas.get(f"/accounts/{vic.pk}/identities/").content.decode()
    assert "sub-1" in page and "Clinic" in page
    assert Entry.objects.filter(event="identity.linked").get().actor_name == "ada"


def test_a_subject_and_an_account_are_linked_once(
    make: Make, ada: Account, vic: Account, ed: Account, provider: MakeProvider
) -> None:
    clinic = provider("openid", "clinic")
    link(vic, clinic, "sub-1", actor=make.actor(ada))
    adas = make.client(ada)
    for account, subject in ((vic, "sub-2"), (ed, "sub-1")):
        response = adas.post(f"/accounts/{account.pk}/identities/link/", {"provider": clinic.pk, "subject": subject})
        assert response.status_code == 422
        assert "linked to this provider already" in response.content.decode()
    assert Identity.objects.count() == 1


def test_unlinking_ends_what_came_of_the_link_and_nothing_else(
    make: Make, ada: Account, vic: Account, provider: MakeProvider
) -> None:
    clinic = provider("openid", "clinic")
    identity = link(vic, clinic, "sub-1", actor=make.actor(ada))
    make.client(vic)
    make.client(vic)
    theirs = Session.objects.of_account(vic.pk).earliest("pk")
    Session.objects.filter(pk=theirs.pk).update(provider_id=clinic.pk, provider_subject="sub-1", method="openid")
    adas = make.client(ada)
    assert adas.get(f"/identities/{identity.pk}/unlink/").status_code == 200
    assert adas.post(f"/identities/{identity.pk}/unlink/").status_code == 302
    assert not Identity.objects.exists()
    assert list(Session.objects.of_account(vic.pk).not_closed()) == [Session.objects.of_account(vic.pk).latest("pk")]


def test_only_superusers_link_superusers(make: Make, ada: Account, root: Account, provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic")
    sent = {"provider": clinic.pk, "subject": "sub-1"}
    assert make.client(ada).post(f"/accounts/{root.pk}/identities/link/", sent).status_code == 403
    assert not Identity.objects.exists()
    identity = link(root, clinic, "sub-1", actor=make.actor(root))
    assert make.client(ada).post(f"/identities/{identity.pk}/unlink/").status_code == 403
    root.set_password(PASSWORD)  # another way in
    root.save()
    assert unlink(identity, actor=make.actor(root)) == 0


def test_security_looks_and_does_not_link(make: Make, sam: Account, vic: Account, provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic")
    sams = make.client(sam)
    assert "Link to a provider" not in sams.get(f"/accounts/{vic.pk}/identities/").content.decode()
    sent = {"provider": clinic.pk, "subject": "sub-1"}
    assert sams.post(f"/accounts/{vic.pk}/identities/link/", sent).status_code == 403
    assert Client().post(f"/accounts/{vic.pk}/identities/link/", sent).status_code == 302


def test_the_sessions_say_by_which_provider(make: Make, sam: Account, vic: Account) -> None:
    make.client(vic)
    row = Session.objects.of_account(vic.pk).get()
    way = Way(method="openid", provider_id=7, provider_name="Keycloak", provider_subject="sub-1")  # type: ignore[arg-type]
    Session.objects.filter(pk=row.pk).update(**way.__dict__)
    sams = make.client(sam)
    assert "OpenID Connect, Keycloak" in sams.get("/sessions/").content.decode()
    assert "OpenID Connect, Keycloak" in sams.get(f"/sessions/{row.pk}/").content.decode()
