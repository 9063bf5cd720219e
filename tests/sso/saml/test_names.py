"""NameIDs that look alike and are of two kinds, or of two sources, are two people."""

from collections.abc import Callable

import pytest

from sessions_admin.models import Session
from sso.models import Identity, Provider
from sso.saml.person import subject_of
from tests.services.saml import PERSISTENT
from tests.sso.saml.conftest import FORGED_BY, Visitor, answer
from tests.sso.saml.test_sign_out import hear, is_signed_in, request, signed

UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


def test_no_two_names_are_one_subject() -> None:
    names = [
        ("8f3c", PERSISTENT, ""),
        ("persistent:8f3c", UNSPECIFIED, ""),
        ("8f3c", "urn:example:persistent", ""),
        ("8f3c", "persistent", ""),
        ("8f3c", UNSPECIFIED, ""),
        ("8f3c", PERSISTENT, "https://other.example.com"),
        ("[https://other.example.com]:8f3c", PERSISTENT, ""),
        ("b}:8f3c", "a", ""),
        ("8f3c", "a}:b", ""),
        ("b]:8f3c", PERSISTENT, "a"),
        ("8f3c", PERSISTENT, "a]:b"),
        ("8f3c", PERSISTENT, "%5D"),
        ("8f3c", PERSISTENT, "]"),
    ]
    subjects = [subject_of(*name, "https://id.example.com") for name in names]
    assert len(set(subjects)) == len(names)
    assert subjects[0] == "persistent:8f3c" and subjects[1] == "unspecified:persistent:8f3c"


def test_the_same_name_said_in_two_ways_is_one_subject() -> None:
    here = "https://id.example.com"
    assert subject_of("8f3c", PERSISTENT, here, here) == subject_of("8f3c", PERSISTENT, "", here)
    assert subject_of("8f3c", UNSPECIFIED, "", here) == subject_of("8f3c", "", "", here)


@pytest.mark.parametrize(
    "fields",
    [
        {"name_id": "persistent:8f3c", "name_format": UNSPECIFIED},
        {"name_id": "8f3c", "name_format": "urn:example:persistent"},
        {"name_id": "8f3c", "qualifier": "https://other.example.com"},
    ],
    ids=str,
)
def test_who_is_named_alike_is_somebody_else(
    forge: Callable[..., Provider], visitor: Visitor, fields: dict[str, str]
) -> None:
    provider = forge()
    visitor.go(provider)
    assert visitor.bring(provider, answer(provider, visitor, name_id="8f3c").root()).status_code == 302
    other = Visitor()
    other.go(provider)
    assert other.bring(provider, answer(provider, other, username="max", **fields).root()).status_code == 302
    assert Identity.objects.count() == 2


def test_signing_out_there_names_the_same_person(forge: Callable[..., Provider], visitor: Visitor) -> None:
    provider = forge()
    visitor.go(provider)
    visitor.bring(provider, answer(provider, visitor, qualifier=FORGED_BY).root())
    assert Session.objects.signed_in().get().provider_subject == "persistent:ada"
    assert hear(signed(request())).status_code == 302
    assert not is_signed_in(visitor)
