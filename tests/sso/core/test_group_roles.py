"""Roles by group on a provider's form: lines that could mean nothing are not taken."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from sso.models import Provider
from tests.conftest import Make
from tests.sso.core.test_providers import LIST, form

LINE = {"groups-0-group": "staff", "groups-0-role": "editor", "untested": "1"}
OPENID = {"client_id": "agora", "discovery_endpoint": "https://id.example.org/.well-known/openid-configuration",
          "scopes": "openid", "username_claim": "name"}  # fmt: skip
SAML = {"metadata_url": "https://id.example.org/metadata", "idp_entity_id": "https://id.example.org"}
CASES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("openid", OPENID, {"groups_claim": "groups"}),
    ("saml", SAML, {"groups_attribute": "groups"}),
    ("ldap", {}, {"group_search_dn": "ou=groups,dc=example,dc=org"}),
    ("ldap", {}, {"group_type": "member_of"}),
]


@pytest.mark.parametrize(("kind", "fields", "groups"), CASES)
def test_lines_of_a_provider_that_tells_no_groups_are_refused(
    make: Make, ada: Account, kind: str, fields: dict[str, Any], groups: dict[str, str]
) -> None:
    adas, there = make.client(ada), f"{LIST}new/{kind}/"
    refused = adas.post(there, form(**fields, **LINE))
    assert refused.status_code == 422 and not Provider.objects.exists()
    assert "without it nobody&#39;s groups are known" in refused.content.decode()
    assert _tested(adas, there, fields) == 422
    without = form(**fields, untested="1", alias="without", name="Without")
    assert adas.post(there, without).status_code == 302
    answer = adas.post(there, form(**fields, **groups, **LINE))
    assert answer.status_code == 302, answer.content.decode()
    assert [row.role for row in Provider.objects.get(alias="clinic").group_roles.all()] == ["editor"]


def _tested(client: Client, there: str, fields: dict[str, Any]) -> int:
    return client.post(f"{there}test/", form(**fields, **LINE)).status_code
