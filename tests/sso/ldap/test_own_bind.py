"""What directories say of somebody's own name and password besides yes and no, and where the password goes then."""

import ldap
import pytest
from ldap.ldapobject import SimpleLDAPObject

from accounts.models import Account, SignInThrottle
from audit.models import Entry
from sso.models import Ldap, Provider
from tests.sso.ldap.conftest import CLINIC, SECRET, STUDIO, MakeDirectory, reason, sign_in

SHORT = "80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data %s, v4563"


def binds_end_with(error: ldap.LDAPError, monkeypatch: pytest.MonkeyPatch) -> None:
    """People's binds do; that of the Admin Bind DN goes on as always."""
    real = SimpleLDAPObject.simple_bind_s

    def bind(self: SimpleLDAPObject, who: str, *args: object) -> object:
        if who.startswith("uid="):
            raise error
        return real(self, who, *args)

    monkeypatch.setattr(SimpleLDAPObject, "simple_bind_s", bind)


@pytest.mark.parametrize(
    "error",
    [
        ldap.UNWILLING_TO_PERFORM({"desc": "Server is unwilling to perform", "info": "Account inactivated."}),
        ldap.CONSTRAINT_VIOLATION({"desc": "Constraint violation", "info": "Exceed password retry limit."}),
        ldap.INAPPROPRIATE_AUTH({"desc": "Inappropriate authentication"}),
    ],
)
def test_a_bind_that_is_refused_for_the_persons_sake_is_a_wrong_password_to_strangers(
    directory: MakeDirectory, monkeypatch: pytest.MonkeyPatch, error: ldap.LDAPError
) -> None:
    """389 Directory Server and eDirectory say so of accounts that are disabled or locked."""
    directory()
    wrong = sign_in("eva", "another")
    binds_end_with(error, monkeypatch)
    refused = sign_in("eva", SECRET)
    assert (refused.status_code, reason()) == (wrong.status_code, "refused_there") == (422, "refused_there")
    assert str(error.args[0]["desc"]) in Entry.objects.latest("pk").details["sentence"]
    assert {row.failures for row in SignInThrottle.objects.all()} == {2}
    assert not Account.objects.filter(username="eva").exists()


@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("52e", "wrong_password"),
        ("533", "disabled"),
        ("701", "disabled"),
        ("775", "locked_there"),
        ("532", "password_expired"),
        ("773", "password_expired"),
        ("530", "not_now"),
        ("531", "not_from_here"),
    ],
)
def test_active_directorys_reason_is_in_the_log_and_not_on_the_page(
    directory: MakeDirectory, monkeypatch: pytest.MonkeyPatch, number: str, says: str
) -> None:
    directory()
    binds_end_with(ldap.INVALID_CREDENTIALS({"desc": "Invalid credentials", "info": SHORT % number}), monkeypatch)
    refused = sign_in("eva", SECRET)
    assert (refused.status_code, reason()) == (422, says)
    assert "Username or password is not right" in refused.content.decode()


@pytest.mark.parametrize(("number", "asked"), [("775", 2), ("52e", 2), ("533", 1)])
def test_the_next_directory_is_asked_unless_the_first_one_knew_the_password(
    directory: MakeDirectory, monkeypatch: pytest.MonkeyPatch, number: str, asked: int
) -> None:
    """Active Directory says of a locked account that it is, whatever was typed: somebody else may have this name."""
    directory()
    directory("second")
    binds_end_with(ldap.INVALID_CREDENTIALS({"desc": "Invalid credentials", "info": SHORT % number}), monkeypatch)
    sign_in("eva", "another")
    assert len(Entry.objects.latest("pk").details["asked"]) == asked


@pytest.mark.parametrize("fields", [{"deny_group": f"cn=renamed,ou=groups,{CLINIC}"}, {"group_search_dn": "ou=gone"}])
def test_a_password_that_one_directory_took_goes_to_no_other(
    directory: MakeDirectory, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str]
) -> None:
    """Whoever the first one would keep out does not come in as somebody of the second."""
    clinic = directory(**fields)
    directory("second")
    asked: list[str] = []
    real = SimpleLDAPObject.simple_bind_s

    def bind(self: SimpleLDAPObject, who: str, *args: object) -> object:
        asked.append(who)
        return real(self, who, *args)

    monkeypatch.setattr(SimpleLDAPObject, "simple_bind_s", bind)
    response = sign_in("eva", SECRET)
    assert (response.status_code, len([who for who in asked if who.startswith("uid=")])) == (503, 1)
    assert f"{clinic.name} can&#39;t be asked at the moment." in response.content.decode()
    assert Entry.objects.latest("pk").details["asked"][0]["provider"] == clinic.name
    Ldap.objects.filter(pk=clinic.pk).update(deny_group="", group_search_dn=f"ou=groups,{CLINIC}")
    assert sign_in("eva", SECRET).status_code == 302
    assert Provider.objects.get(pk=clinic.pk).identities.count() == 1


def test_a_password_that_no_directory_took_goes_to_the_next(directory: MakeDirectory) -> None:
    directory(user_search_dn="ou=gone")
    directory("studio", suffix=STUDIO)
    assert sign_in("stella", "a password of the studio").status_code == 302
