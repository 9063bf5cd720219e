"""Two administrators at once: the second is told what happened, and what was typed stays."""

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sso.models import Identity, Ldap, Provider
from sso.services import providers
from sso.views import actions, card
from tests.conftest import Make
from tests.sso.conftest import MakeProvider, meanwhile
from tests.sso.core.test_providers import LIST, NEW, adas, form, saved  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("taken", "sentence"),
    [
        ({"name": "Clinic", "alias": "other"}, "Another provider has this name."),
        ({"name": "Other", "alias": "clinic"}, "Another provider has this alias."),
    ],
)
@pytest.mark.parametrize("saved_before", [True, False])
def test_who_is_second_with_a_name_is_told_so_under_its_field(
    adas: Client,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    taken: dict[str, str],
    sentence: str,
    saved_before: bool,
) -> None:
    own = saved(adas, name="Mine", alias="mine") if saved_before else None

    def other() -> None:
        made = Provider.objects.create(kind="ldap", **taken)
        Ldap.objects.create(provider=made, server_address="x", user_search_dn="dc=x")

    meanwhile(monkeypatch, providers, "_note_test", other)
    sent = form(untested="1", version="1", port="389")
    response = adas.post(f"{LIST}{own.pk}/" if own else NEW, sent)
    page = response.content.decode()
    assert response.status_code == 422
    assert sentence in page and 'value="389"' in page
    assert not Ldap.objects.filter(port=389).exists()


@pytest.mark.parametrize("at_once", [True, False])
def test_what_was_typed_over_a_deleted_provider_becomes_a_new_one(
    adas: Client,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,
) -> None:
    gone = saved(adas)
    if at_once:
        meanwhile(monkeypatch, providers, "_note_test", lambda: Provider.objects.filter(pk=gone.pk).delete())
    else:
        Provider.objects.filter(pk=gone.pk).delete()
    sent = form(untested="1", version="1", name="Typed for long", kind="ldap")
    response = adas.post(f"{LIST}{gone.pk}/", sent)
    page = response.content.decode()
    assert response.status_code == 409
    assert "Somebody else deleted this provider" in page and 'value="Typed for long"' in page
    assert f'action="{NEW}"' in page
    monkeypatch.undo()
    assert adas.post(NEW, sent).status_code == 302
    assert Provider.objects.get().name == "Typed for long"


def test_a_deleted_provider_of_no_kind_is_not_found(adas: Client) -> None:  # noqa: F811
    assert adas.post(f"{LIST}4711/", form(version="1")).status_code == 404


@pytest.mark.parametrize("verb", ["enable", "disable", "delete", "move"])
def test_what_was_deleted_meanwhile_is_said_to_be_gone(
    adas: Client,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
) -> None:
    provider = saved(adas)
    meanwhile(monkeypatch, actions, "provider_of", lambda: Provider.objects.filter(pk=provider.pk).delete())
    response = adas.post(f"{LIST}{provider.pk}/{verb}/", {"up": "1"})
    assert response.status_code == 409
    assert "deleted in the meantime" in response.content.decode()
    assert Entry.objects.latest("pk").outcome == "denied"


def test_nobody_is_linked_to_a_provider_that_is_gone_nor_unlinked_twice(
    make: Make, ada: Account, vic: Account, provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic, client = provider("openid", "clinic"), make.client(ada)
    link = f"/accounts/{vic.pk}/identities/link/"
    client.post(link, {"provider": clinic.pk, "subject": "1"})
    identity = Identity.objects.get()
    with monkeypatch.context() as patched:
        meanwhile(patched, card, "get_object_or_404", lambda: Identity.objects.all().delete())
        assert client.post(f"/identities/{identity.pk}/unlink/").status_code == 409
    meanwhile(monkeypatch, card.protocols, "subject_of", lambda: Provider.objects.all().delete())
    assert client.post(link, {"provider": clinic.pk, "subject": "1"}).status_code == 409
