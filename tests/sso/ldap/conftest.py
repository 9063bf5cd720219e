"""Two directories with people of the same names, in one real server."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from sso import limits
from sso.models import Provider
from tests.services.slapd import PASSWORD, SUFFIXES, Slapd
from tests.sso.conftest import MakeProvider

CLINIC, STUDIO = SUFFIXES
SECRET = "a password of the directory"  # of everybody in the clinic; in the studio "… of the studio"
STUDIO_SECRET = "a password of the studio"


def person(uid: str, where: str, *, secret: str = SECRET, classes: str = "", **attributes: str) -> str:
    more = "".join(f"{name}: {value}\n" for name, value in attributes.items())
    kinds = "".join(f"objectClass: {name}\n" for name in ("inetOrgPerson", *classes.split()))
    values = f"cn: {uid}\nsn: {uid.title()}\n" if "cn" not in attributes else ""
    return f"dn: {where}\n{kinds}uid: {uid}\n{values}userPassword: {secret}\n{more}\n"


def tree(suffix: str) -> str:
    units = ("people", "groups")
    top = f"dn: {suffix}\nobjectClass: dcObject\nobjectClass: organization\no: test\n\n"
    return top + "".join(f"dn: ou={unit},{suffix}\nobjectClass: organizationalUnit\n\n" for unit in units)


def clinic() -> str:
    people, groups = f"ou=people,{CLINIC}", f"ou=groups,{CLINIC}"
    made = tree(CLINIC) + f"dn: ou=wards,{people}\nobjectClass: organizationalUnit\n\n"
    for uid in ("eva", "max", "dora", "olaf"):
        made += person(uid, f"uid={uid},{people}", mail=f"{uid}@example.org", givenName=uid.title())
    made += person("blind", f"uid=blind,{people}")  # may not see who is in which group
    made += person("words", f"cn=two words,{people}", cn="two words", sn="Words")
    made += f"dn: cn=twice,{people}\nobjectClass: inetOrgPerson\nuid: first\nuid: second\ncn: twice\nsn: Twice\n"
    made += f"userPassword: {SECRET}\n\n"
    made += f"dn: cn=plain,{people}\nobjectClass: person\ncn: plain\nsn: Plain\nuserPassword: {SECRET}\n\n"
    made += person("wanda", f"uid=wanda,ou=wards,{people}", mail="wanda@example.org")
    # A comma, a plus, a quote, a backslash, a hash, brackets and umlauts in the name itself.
    made += person("jane", f"cn=Doe\\, Jane \\+ \\22Ö\\22 (a\\5Cb)*,ou=wards,{people}", cn='Doe, Jane + "Ö" (a\\b)*',
                   sn="Doe").replace('cn: Doe, Jane + "Ö" (a\\b)*\n', "")  # fmt: skip
    made += person("gone", f"uid=gone,{people}", classes="adPerson", userAccountControl="514")
    made += person("past", f"uid=past,{people}", classes="shadowAccount", shadowExpire="1")
    made += person("pia", f"uid=pia,{people}", classes="posixAccount", uidNumber="1001", gidNumber="5001",
                   homeDirectory="/")  # fmt: skip

    def group(name: str, *members: str, kind: str = "groupOfNames", attribute: str = "member") -> str:
        lines = "".join(f"{attribute}: {member}\n" for member in members)
        return f"dn: cn={name},{groups}\nobjectClass: {kind}\ncn: {name}\n{lines}\n"

    eva, max_, dora, wanda = (f"uid={uid},{people}" for uid in ("eva", "max", "dora", "wanda"))
    wanda = f"uid=wanda,ou=wards,{people}"
    jane = f"cn=Doe\\, Jane \\+ \\22Ö\\22 (a\\5Cb)*,ou=wards,{people}"
    made += group("chiefs", eva)
    made += group("staff", f"cn=chiefs,{groups}", max_, dora, wanda, jane, f"uid=gone,{people}", f"uid=past,{people}")
    made += group("banned", dora)
    made += group("unique", eva, kind="groupOfUniqueNames", attribute="uniqueMember")
    made += f"dn: cn=posix,{groups}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 5002\nmemberUid: eva\n\n"
    made += f"dn: cn=outside,{groups}\nobjectClass: posixGroup\ncn: outside\ngidNumber: 5003\n"
    made += "memberUid: second\nmemberUid: plain\n\n"
    made += f"dn: cn=primary,{groups}\nobjectClass: posixGroup\ncn: primary\ngidNumber: 5001\n\n"
    return made


def studio() -> str:
    made = tree(STUDIO)
    for uid in ("eva", "stella"):
        made += person(uid, f"uid={uid},ou=people,{STUDIO}", secret=STUDIO_SECRET, mail=f"{uid}@example.org")
    return made


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    server = Slapd()
    server.add(clinic())
    server.add(studio(), STUDIO)
    yield server
    server.stop()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


MakeDirectory = Callable[..., Provider]


@pytest.fixture
def directory(slapd: Slapd, provider: MakeProvider) -> Iterator[MakeDirectory]:
    """``directory("clinic", require_group=…)``: a provider with the fields that fit the real server."""
    limits.forget()

    def make(alias: str = "clinic", *, suffix: str = CLINIC, tls: str = "start", **fields: Any) -> Provider:
        usual = {
            "server_address": "127.0.0.1",
            "port": slapd.port,
            "use_tls": tls != "off",
            "ca_certificate": slapd.authority.file.read_text(),
            "admin_bind_dn": f"cn=admin,{suffix}",
            "admin_bind_password": PASSWORD,
            "user_search_dn": f"ou=people,{suffix}",
            "group_search_dn": f"ou=groups,{suffix}",
        }
        return provider("ldap", alias, **usual | fields)

    yield make
    limits.forget()


def sign_in(username: str, password: str, *, client: Client | None = None) -> Any:
    return (client or Client()).post("/sign-in/", {"username": username, "password": password})


def reason() -> str:
    entry = Entry.objects.filter(event="session.opened").latest("pk")
    return str(entry.details.get("reason", "")) if entry.outcome == "failed" else entry.outcome
