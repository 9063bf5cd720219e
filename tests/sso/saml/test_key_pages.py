"""Settings > Server > Single Sign-On > SAML."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sso.models import Provider, SigningKey
from tests.conftest import Make
from tests.services.saml import IdentityProvider
from tests.sso.saml.conftest import Hall, Visitor

HOME = "/settings/server/single-sign-on/"
PAGE = f"{HOME}saml/"


def states() -> list[str]:
    return sorted(SigningKey.objects.values_list("state", flat=True))


def test_the_key_is_renewed_in_three_steps(make: Make, ada: Account, our_key: SigningKey) -> None:
    client = make.client(ada)
    assert b"Announce the next key" in client.get(PAGE).content
    client.post(f"{PAGE}announce/")
    assert states() == ["active", "next"]
    page = client.get(PAGE).content
    assert b"Announce the next key" not in page and b"Switch to the next key" in page
    assert client.get(f"{PAGE}switch/").status_code == 200
    assert states() == ["active", "next"], "looking changes nothing"
    client.post(f"{PAGE}switch/")
    assert states() == ["active", "previous"]
    client.post(f"{PAGE}retire/")
    assert states() == ["active"]
    assert SigningKey.objects.get().pk != our_key.pk


def test_steps_out_of_order_are_refused_with_a_sentence(make: Make, ada: Account, our_key: SigningKey) -> None:
    client = make.client(ada)
    refused = client.post(f"{PAGE}switch/")
    assert refused.status_code == 409 and b"no next key yet" in refused.content
    client.post(f"{PAGE}announce/")
    assert client.post(f"{PAGE}announce/").status_code == 409
    client.post(f"{PAGE}switch/")
    assert b"Retire it first" in client.post(f"{PAGE}announce/").content


def test_metadata_is_renewed_by_a_button(
    make: Make, ada: Account, hall: Hall, idp: IdentityProvider, forge: Callable[..., Provider]
) -> None:
    provider, pasted, client = hall(), forge(), make.client(ada)
    assert b"Not fetched yet" in client.get(PAGE).content
    done = client.post(f"{HOME}{provider.pk}/renew-metadata/", follow=True)
    assert b"up to date" in done.content and b"Not fetched yet" not in done.content
    assert client.post(f"{HOME}{pasted.pk}/renew-metadata/").status_code == 404
    provider.saml.idp_entity_id = "https://other.example.com/"
    provider.saml.save()
    failed = client.post(f"{HOME}{provider.pk}/renew-metadata/", follow=True)
    assert idp.entity_id in failed.content.decode()
    assert Entry.objects.filter(event="provider.metadata_renewed", outcome="failed").count() == 1


@pytest.mark.parametrize("path", ["", "switch/", "retire/"])
def test_only_administrators_of_settings_see_it(make: Make, sam: Account, path: str) -> None:
    assert Client().get(PAGE + path).status_code == 302
    assert make.client(sam).get(PAGE + path).status_code == 403


@pytest.mark.parametrize("path", ["saml/announce/", "saml/switch/", "saml/retire/", "1/renew-metadata/"])
def test_only_administrators_of_settings_change_it(make: Make, sam: Account, our_key: SigningKey, path: str) -> None:
    assert Client().post(HOME + path).status_code == 302
    assert make.client(sam).post(HOME + path).status_code == 403
    assert states() == ["active"]


def test_a_key_of_another_encryption_key_is_said_to_be_unreadable_and_can_be_renewed(
    forge: Callable[..., Provider], visitor: Visitor, make: Make, ada: Account, settings: Any
) -> None:
    forge()
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    assert visitor.client.post("/sso/forge/login/").status_code == 403
    assert Entry.objects.get(event="session.opened").details["reason"] == "unreadable_key"
    client = make.client(ada)
    client.post(f"{PAGE}announce/")
    client.post(f"{PAGE}switch/")
    visitor.go(Provider.objects.get())
