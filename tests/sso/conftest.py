"""Providers for the tests of single sign-on; those that talk to a real one set its addresses themselves."""

from collections.abc import Callable
from typing import Any

import pytest

from sso.models import Kind, Ldap, OpenIdConnect, Provider, Saml

SETTINGS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    Kind.OPENID: (
        OpenIdConnect,
        # Nobody listens there: that is known at once.
        {"client_id": "agora", "discovery_endpoint": "http://127.0.0.1:9/.well-known/openid-configuration"},
    ),
    Kind.SAML: (
        Saml,
        {"metadata_url": "https://id.invalid/metadata", "idp_entity_id": "https://id.invalid", "sp_entity_id": "agora"},
    ),
    Kind.LDAP: (Ldap, {"server_address": "ldap.invalid", "user_search_dn": "ou=people,dc=example,dc=org"}),
}


class MakeProvider:
    """``provider("openid", "keycloak")``; fields of the provider and of its kind by name."""

    def __call__(self, kind: str, alias: str, **fields: Any) -> Provider:
        model, settings = SETTINGS[kind]
        own = {field.name for field in model._meta.concrete_fields}
        common = {"name": alias.replace("-", " ").title(), "position": Provider.objects.count()}
        common |= {name: value for name, value in fields.items() if name not in own}
        provider = Provider.objects.create(kind=kind, alias=alias, **common)
        model.objects.create(
            provider=provider, **settings | {name: value for name, value in fields.items() if name in own}
        )
        return Provider.objects.with_settings().get(pk=provider.pk)


@pytest.fixture
def provider(db: None) -> MakeProvider:
    return MakeProvider()


def meanwhile(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, act: Callable[[], object]) -> None:
    """``act`` happens right after this function or method of ``owner``, before its caller goes on."""
    real = getattr(owner, name)

    def called(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        act()
        return found

    monkeypatch.setattr(owner, name, called)
