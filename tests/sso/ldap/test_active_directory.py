"""What Active Directory has of its own, in a directory with its attributes: primary groups, and accounts whose time
is over."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import ldap
import pytest
from ldap.ldapobject import SimpleLDAPObject

from sso.claims import ProviderRefused
from sso.ldap.directory import Directory
from tests.services.slapd import Slapd
from tests.sso.ldap.conftest import CLINIC, SECRET, MakeDirectory, person

PEOPLE, GROUPS = f"ou=people,{CLINIC}", f"ou=groups,{CLINIC}"
DOMAIN = bytes.fromhex("010500000000000515000000") + bytes(range(200, 212))


def sid(number: int) -> str:
    """Of somebody or something in the domain, as LDIF takes it."""
    return base64.b64encode(DOMAIN + number.to_bytes(4, "little")).decode()


def ticks(at: datetime) -> str:
    return str(int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds() * 10_000_000))


def group(name: str, number: int, member: str) -> str:
    return (
        f"dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\nobjectClass: adGroup\ncn: {name}\n"
        f"objectSid:: {sid(number)}\nmember: {member}\n\n"
    )


@pytest.fixture(scope="module", autouse=True)
def _domain(slapd: Slapd) -> Iterator[None]:
    """Anna is in "domain users" by her number alone; these are in "everyone"."""
    for name, number in (("anna", "513"), ("bela", "514")):
        own = {"objectSid:": sid(1100 + len(name) + int(number)), "primaryGroupID": number}
        slapd.add(person(name, f"uid={name},{PEOPLE}", classes="adPerson", **own))
    slapd.add(group("domain users", 513, f"uid=olaf,{PEOPLE}"))
    slapd.add(group("everyone", 1199, f"cn=domain users,{GROUPS}"))
    yield
    for dn in (f"cn=everyone,{GROUPS}", f"cn=domain users,{GROUPS}", f"uid=anna,{PEOPLE}", f"uid=bela,{PEOPLE}"):
        slapd.change(f"dn: {dn}\nchangetype: delete\n")


@pytest.mark.parametrize("name", ["domain users", "everyone"])
def test_the_primary_group_and_those_that_it_is_in_count(directory: MakeDirectory, name: str) -> None:
    asked = Directory(directory(group_type="active_directory", require_group=f"CN={name},{GROUPS}").ldap)
    assert asked.look_up("anna").judgement.required is True
    assert asked.look_up("olaf").judgement.required is True
    assert asked.look_up("bela").judgement.required is False
    assert asked.look_up("eva").judgement.required is False
    assert name in asked.look_up("anna").person.groups


def test_also_where_the_group_search_does_not_find_it(directory: MakeDirectory) -> None:
    row = directory(
        group_type="active_directory", superuser_group=f"cn=domain users,{GROUPS}", group_search_dn=PEOPLE
    ).ldap
    assert Directory(row).look_up("anna").judgement.superuser is True
    assert Directory(row).look_up("bela").judgement.superuser is False


@pytest.mark.parametrize("kind", ["active_directory", "member_of", "group_of_names", "posix_group"])
def test_a_deny_group_keeps_out_those_whose_primary_group_it_is(directory: MakeDirectory, kind: str) -> None:
    asked = Directory(directory(group_type=kind, deny_group=f"cn=domain users,{GROUPS}").ldap)
    assert asked.look_up("anna").judgement.denied is True
    assert asked.look_up("bela").judgement.denied is False


@pytest.mark.parametrize(("field", "word"), [("require_group", "required"), ("deny_group", "denied")])
def test_groups_within_groups_count_wherever_they_are(
    directory: MakeDirectory, monkeypatch: pytest.MonkeyPatch, field: str, word: str
) -> None:
    """slapd lacks the rule (and says of nobody that they fit), so its answer is made here."""
    asked = Directory(directory(group_type="active_directory", **{field: f"cn=banned,{GROUPS}"}).ldap)
    assert getattr(asked.look_up("eva").judgement, word) is False
    real = SimpleLDAPObject.search_s

    def search(self: SimpleLDAPObject, base: str, scope: int, *more: Any, **named: Any) -> Any:
        rule = f"(member:1.2.840.113556.1.4.1941:=uid=eva,{PEOPLE})"
        if (base, scope, more[:1]) == (f"cn=banned,{GROUPS}", ldap.SCOPE_BASE, (rule,)):
            return [(base, {})]
        return real(self, base, scope, *more, **named)

    monkeypatch.setattr(SimpleLDAPObject, "search_s", search)
    assert getattr(asked.look_up("eva").judgement, word) is True
    assert getattr(asked.look_up("max").judgement, word) is False


@pytest.mark.parametrize(
    ("attribute", "value", "disabled"),
    [
        ("accountExpires", "0", False),
        ("accountExpires", "9223372036854775807", False),
        ("accountExpires", "tomorrow", False),
        ("accountExpires", "yesterday", True),
        ("msDS-User-Account-Control-Computed", "16", True),
        ("msDS-User-Account-Control-Computed", "8388608", False),  # the password has expired: the bind says so
        ("userAccountControl", "66050", True),
        ("userAccountControl", "66048", False),
    ],
)
def test_accounts_that_are_locked_or_past_their_time_are_told_without_a_password(
    slapd: Slapd, directory: MakeDirectory, attribute: str, value: str, disabled: bool
) -> None:
    days = {"tomorrow": 1, "yesterday": -1}.get(value)
    value = value if days is None else ticks(datetime.now(UTC) + timedelta(days=days))
    dn = f"uid=timed,{PEOPLE}"
    slapd.add(person("timed", dn, classes="adPerson", **{attribute: value}))
    try:
        assert bool(Directory(directory().ldap).look_up("timed").disabled) is disabled
        found = Directory(directory("again").ldap).sign_in("timed", SECRET)
        if disabled:
            with pytest.raises(ProviderRefused, match=attribute):
                found.check()
    finally:
        slapd.change(f"dn: {dn}\nchangetype: delete\n")
