"""Test of a directory's form, saved or not: a report, and no other row."""

import re
from typing import Any

import ldap
import pytest
from django.test import Client
from ldap.ldapobject import SimpleLDAPObject

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from sso.models import Identity, Provider, Report
from sso.services.upkeep import purge
from tests.conftest import Make
from tests.services.slapd import PASSWORD, Slapd
from tests.sso.core.test_providers import LIST, NEW, form
from tests.sso.ldap.conftest import CLINIC

GROUPS = f"ou=groups,{CLINIC}"


@pytest.fixture
def sent(slapd: Slapd) -> dict[str, Any]:
    """What ada typed, rightly."""
    return form(
        server_address="127.0.0.1", port=str(slapd.port), ca_certificate=slapd.authority.file.read_text(),
        admin_bind_dn=f"cn=admin,{CLINIC}", admin_bind_password=PASSWORD, user_search_dn=f"ou=people,{CLINIC}",
        group_search_dn=GROUPS, require_group=f"cn=staff,{GROUPS}", deny_group=f"cn=banned,{GROUPS}",
        superuser_group=f"cn=chiefs,{GROUPS}", new_account_role="viewer", test_username="max",
    )  # fmt: skip


def report_of(client: Client, sent: dict[str, Any]) -> str:
    response = client.post(NEW + "test/", sent)
    assert response.status_code == 302, response.content.decode()
    page = client.get(response.headers["Location"]).content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_the_report_says_what_was_checked_and_who_it_would_be(make: Make, ada: Account, sent: dict[str, Any]) -> None:
    adas = make.client(ada)
    people, sessions = Account.objects.count(), Session.objects.count()
    report = report_of(adas, sent)
    for part in (
        "The test passed",
        "Encrypted, and the certificate is right.",
        f"Bound as cn=admin,{CLINIC}.",
        f"cn=staff,{GROUPS} is there.",
        f"Found uid=max,ou=people,{CLINIC}.",
        "max is a member of the Require Group.",
        "max is not a member of the Deny Group.",
        "max is not a member of the Superuser Group.",
        "Would create the account max and sign in as it. Role: Viewer.",
        "max@example.org",
    ):
        assert part in report
    assert "{SSHA}" not in report and PASSWORD not in report
    assert (Account.objects.count(), Session.objects.count()) == (people, sessions)
    assert not Provider.objects.exists() and not Identity.objects.exists()
    assert Report.objects.get().tried == ""
    assert Entry.objects.filter(event="provider.tested").get().outcome == "success"


@pytest.mark.parametrize(
    ("username", "outcome"),
    [
        ("eva", "Would create the account eva and sign in as it. Role: Superuser."),
        ("dora", "Would be refused: uid=dora,ou=people,dc=clinic,dc=test is in the Deny Group."),
        ("olaf", "Would be refused: uid=olaf,ou=people,dc=clinic,dc=test is not in the Require Group."),
        ("gone", "Would be refused: The account is disabled in the directory (userAccountControl)."),
        ("ada", "Nobody, or more than one, has uid “ada” in the User Search."),
        ("", "Type a username to find."),
    ],
)
def test_the_outcome_for_each_of_them(
    make: Make, ada: Account, sent: dict[str, Any], username: str, outcome: str
) -> None:
    assert outcome in report_of(make.client(ada), sent | {"test_username": username})


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("port", "1", "Connection"),
        ("ca_certificate", "", "Is its certificate signed by the authority that this form names"),
        ("admin_bind_password", "wrong", "refuses the Admin Bind DN or its password"),
        ("user_search_dn", f"ou=nobody,{CLINIC}", f"There is no ou=nobody,{CLINIC}"),
        ("deny_group", f"cn=baned,{GROUPS}", f"There is no cn=baned,{GROUPS}"),
    ],
)
def test_what_is_wrong_is_said_and_the_test_does_not_pass(
    make: Make, ada: Account, sent: dict[str, Any], field: str, value: str, says: str
) -> None:
    adas = make.client(ada)
    report = report_of(adas, sent | {field: value})
    assert "The test did not pass." in report and says in report
    assert adas.post(NEW, sent | {field: value}).status_code == 409


def test_settings_that_passed_are_saved_without_being_asked_and_stay_tested(
    make: Make, ada: Account, sent: dict[str, Any]
) -> None:
    adas = make.client(ada)
    report_of(adas, sent)
    assert adas.post(NEW, sent).status_code == 403, "only a superuser settles who is one"
    sent |= {"superuser_group": ""}
    report_of(adas, sent)
    assert adas.post(NEW, sent).status_code == 302
    assert "Not tested" not in adas.get(LIST).content.decode()
    pk = Provider.objects.get().pk
    # Another name changes nothing about what was tested, another group does.
    again = sent | {"version": "1", "admin_bind_password": "", "name": "House"}
    assert adas.post(f"{LIST}{pk}/", again).status_code == 302
    assert adas.post(f"{LIST}{pk}/", again | {"version": "2", "deny_group": ""}).status_code == 409


def test_a_report_is_for_the_person_who_tested_and_for_ten_minutes(
    make: Make, ada: Account, root: Account, sent: dict[str, Any]
) -> None:
    adas = make.client(ada)
    address = adas.post(NEW + "test/", sent).headers["Location"]
    assert make.client(root).get(address).status_code == 404
    row = Report.objects.get()
    Report.objects.update(created_at=row.created_at - (row.expires_at - row.created_at) / 2)
    assert "This report is gone" in adas.get(address).content.decode()
    purge(now=row.created_at)
    assert Report.objects.get().content == ""


def test_a_form_with_mistakes_is_not_tested(make: Make, ada: Account, sent: dict[str, Any]) -> None:
    response = make.client(ada).post(NEW + "test/", sent | {"user_search_dn": "people"})
    assert response.status_code == 422
    assert "This is no DN." in response.content.decode()
    assert not Report.objects.exists()


def test_a_directory_links_by_its_username(make: Make, ada: Account, vic: Account, sent: dict[str, Any]) -> None:
    adas = make.client(ada)
    adas.post(NEW, sent | {"untested": "1", "superuser_group": ""})
    link = f"/accounts/{vic.pk}/identities/link/"
    provider = Provider.objects.get().pk
    assert adas.post(link, {"provider": provider, "subject": "nobody-there"}).status_code == 422
    assert adas.post(link, {"provider": provider, "subject": "max"}).status_code == 302
    found = Identity.objects.get()
    assert (found.username, len(found.subject), found.account) == ("max", 36, vic)


def test_a_directory_that_does_not_tell_who_is_asking_passes_as_well(
    make: Make, ada: Account, sent: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samba lacks "Who am I?" (RFC 4532)."""

    def lacks(*_: Any) -> None:
        raise ldap.PROTOCOL_ERROR({"desc": "Protocol error", "info": "Extended Operation not supported"})

    monkeypatch.setattr(SimpleLDAPObject, "whoami_s", lacks)
    assert "The test passed" in report_of(make.client(ada), sent)
