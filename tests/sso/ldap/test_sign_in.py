"""Signing in by the page with a directory's password: who is asked, in which order, and what becomes of it."""

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client
from ldap.ldapobject import SimpleLDAPObject

from accounts.models import Account
from accounts.roles import Role
from sessions_admin.models import Elevation, Session
from settings_admin.models import ServerSettings
from sso.ldap import directory as directory_module
from sso.models import Identity, Ldap, Provider
from tests.conftest import PASSWORD, Make
from tests.sso.ldap.conftest import CLINIC, SECRET, STUDIO, STUDIO_SECRET, MakeDirectory, reason, sign_in

GROUPS = f"ou=groups,{CLINIC}"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The aliases of the directories that were asked, in order; they answer as always."""
    seen: list[str] = []
    real = directory_module.Directory.sign_in

    def watched(self: Any, username: str, password: str) -> Any:
        seen.append(self.row.provider.alias)
        return real(self, username, password)

    monkeypatch.setattr(directory_module.Directory, "sign_in", watched)
    return seen


def test_somebody_unknown_here_signs_in_with_the_directorys_password(directory: MakeDirectory) -> None:
    clinic = directory(new_account_role=Role.VIEWER)
    client = Client()
    response = sign_in("eva", SECRET, client=client)
    assert response.headers["Location"] == "/"
    eva = Account.objects.named("eva").get()
    assert (eva.role, eva.email, eva.has_usable_password()) == (Role.VIEWER, "eva@example.org", False)
    session = Session.objects.not_closed().of_account(eva.pk).get()
    assert (session.method, session.provider_id, session.provider_name) == ("ldap", clinic.pk, "Clinic")
    assert session.provider_subject == Identity.objects.get().subject
    assert client.get("/profile/").status_code == 200
    assert reason() == "success"
    client.post("/sign-out/")
    assert Session.objects.get(pk=session.pk).cause == "signed_out"
    assert sign_in("eva", SECRET).headers["Location"] == "/"
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    ("username", "password", "why"),
    [("eva", "wrong", "wrong_password"), ("nobody-there", SECRET, "unknown_username"), ("gone", SECRET, "disabled")],
)
def test_a_refusal_has_its_reason_in_the_log_and_one_sentence_on_the_page(
    directory: MakeDirectory, username: str, password: str, why: str
) -> None:
    directory()
    response = sign_in(username, password)
    assert response.status_code == 422
    assert "Username or password is not right, or the account may not sign in." in response.content.decode()
    assert reason() == why
    assert not Account.objects.exists()


def test_a_username_with_a_password_of_ours_is_never_sent_to_a_directory(
    make: Make, directory: MakeDirectory, asked: list[str]
) -> None:
    directory(link_by_username=True)
    make.account("eva", password=PASSWORD)
    assert sign_in("eva", SECRET).status_code == 422
    assert sign_in("eva", PASSWORD).status_code == 302
    assert asked == []


def test_somebody_unknown_is_tried_on_each_enabled_directory_in_order(
    directory: MakeDirectory, asked: list[str]
) -> None:
    directory("studio", suffix=STUDIO)
    directory("off", enabled=False)
    directory("clinic")
    assert sign_in("max", SECRET).status_code == 302
    assert asked == ["studio", "clinic"]


def test_a_linked_account_is_checked_only_at_its_directory(directory: MakeDirectory, asked: list[str]) -> None:
    directory("clinic")
    assert sign_in("eva", SECRET).status_code == 302
    studio = directory("studio", suffix=STUDIO)
    Provider.objects.filter(pk=studio.pk).update(position=0)
    Provider.objects.filter(alias="clinic").update(position=1)
    asked.clear()
    assert sign_in("eva", STUDIO_SECRET).status_code == 422
    assert asked == ["clinic"]


def test_an_account_of_a_disabled_directory_is_asked_for_at_no_other_one(
    directory: MakeDirectory, asked: list[str]
) -> None:
    clinic = directory("clinic")
    assert sign_in("eva", SECRET).status_code == 302
    Provider.objects.filter(pk=clinic.pk).update(enabled=False)
    directory("studio", suffix=STUDIO, link_by_username=True)
    asked.clear()
    assert sign_in("eva", STUDIO_SECRET).status_code == 422
    assert (asked, reason()) == ([], "disabled")
    assert Identity.objects.get().provider == clinic
    assert sign_in("stella", STUDIO_SECRET).status_code == 302


def test_two_directories_with_the_same_username_and_address_are_never_confused(directory: MakeDirectory) -> None:
    directory("clinic")
    directory("studio", suffix=STUDIO)
    assert sign_in("eva", SECRET).status_code == 302
    clinics = Account.objects.get()
    assert sign_in("eva", STUDIO_SECRET).status_code == 422
    assert Account.objects.get() == clinics
    assert Identity.objects.get().provider.alias == "clinic"


def test_the_same_person_in_two_directories_that_link_by_name_is_asked_for_at_the_first_only(
    make: Make, directory: MakeDirectory
) -> None:
    make.account("eva")
    directory("studio", suffix=STUDIO, link_by_username=True)
    directory("clinic", link_by_username=True)
    assert sign_in("eva", STUDIO_SECRET).status_code == 302
    assert sign_in("eva", SECRET).status_code == 422
    assert Identity.objects.get().provider.alias == "studio"


def test_an_existing_account_without_a_link_is_not_taken_over(make: Make, directory: MakeDirectory) -> None:
    make.account("eva", role=Role.ADMINISTRATOR)
    directory()
    assert sign_in("eva", SECRET).status_code == 422
    assert reason() == "username_taken"
    assert not Identity.objects.exists()


def test_somebody_else_who_got_the_username_later_does_not_get_the_account(directory: MakeDirectory) -> None:
    directory()
    assert sign_in("eva", SECRET).status_code == 302
    Identity.objects.update(subject="00000000-0000-0000-0000-000000000000")
    assert sign_in("eva", SECRET).status_code == 422
    assert reason() == "other_subject"


def test_locked_and_inactive_accounts_are_refused_with_the_same_sentence(directory: MakeDirectory) -> None:
    directory()
    sign_in("eva", SECRET)
    Account.objects.update(is_active=False)
    response = sign_in("eva", SECRET)
    assert (response.status_code, reason()) == (422, "account_inactive")
    assert "or the account may not sign in" in response.content.decode()


def test_our_second_factor_is_asked_for_as_after_a_local_password(directory: MakeDirectory) -> None:
    directory()
    ServerSettings.objects.update(two_factor_required=True)
    client = Client()
    assert sign_in("eva", SECRET, client=client).headers["Location"].startswith("/sign-in/second-factor/")
    assert client.get("/profile/").status_code == 302
    assert not Session.objects.open().exists()


def test_the_superuser_group_makes_superusers_and_leaving_it_takes_the_flag_away(
    root: Account, directory: MakeDirectory
) -> None:
    clinic = directory(superuser_group=f"cn=chiefs,{GROUPS}")
    root.set_password(PASSWORD)
    root.save()
    sign_in("eva", SECRET)
    sign_in("max", SECRET)
    assert set(Account.objects.superusers().values_list("username", flat=True)) == {"root", "eva"}
    clinic.ldap.superuser_group = f"cn=banned,{GROUPS}"
    clinic.ldap.save()
    sign_in("eva", SECRET)
    assert set(Account.objects.superusers().values_list("username", flat=True)) == {"root"}


@pytest.mark.parametrize("kind", ["group_of_names", "posix_group", "member_of"])
@pytest.mark.parametrize("field", ["superuser_group", "require_group"])
def test_a_group_that_is_gone_says_nothing_about_its_members(
    make: Make, directory: MakeDirectory, kind: str, field: str
) -> None:
    make.account("boss", password=PASSWORD, role=Role.ADMINISTRATOR, is_superuser=True)
    clinic = directory(superuser_group=f"cn=chiefs,{GROUPS}")
    sign_in("eva", SECRET)
    fields = {"group_type": kind, "superuser_group": "", field: f"cn=renamed,{GROUPS}"}
    Ldap.objects.filter(pk=clinic.pk).update(**fields)
    response = sign_in("eva", SECRET)
    assert (response.status_code, reason()) == (503, f"{field}_missing")
    assert "Tell your administrators." in response.content.decode()
    assert Account.objects.named("eva").get().is_superuser


def test_a_password_is_tried_for_the_username_whose_guesses_are_counted_and_for_no_other_spelling(
    make: Make, directory: MakeDirectory
) -> None:
    directory(link_by_username=True, user_id_attribute="cn")
    make.account("two words")
    assert sign_in("Two  words", SECRET).status_code == 422
    assert reason() == "unknown_username"
    assert sign_in("Two words", SECRET).status_code == 302


def test_the_right_password_ends_the_count_of_the_name_that_was_typed(make: Make, directory: MakeDirectory) -> None:
    """Also where the directory's name for somebody is not that of the account."""
    clinic = directory()
    sign_in("eva", SECRET)
    Account.objects.filter(username="eva").update(username="eva.moser", username_key="eva.moser")
    assert Identity.objects.get(provider=clinic).username == "eva"
    for _ in range(3):
        for _ in range(3):
            assert sign_in("eva", "another").status_code == 422
        assert sign_in("eva", SECRET).status_code == 302


@pytest.mark.parametrize("typed", ["two  words", "two\u00adwords", "two\u00a0 words", "two \t words"])
def test_an_account_with_a_password_of_ours_is_not_entered_by_another_spelling(
    make: Make, directory: MakeDirectory, typed: str
) -> None:
    make.account("two words", password=PASSWORD)
    directory(link_by_username=True, user_id_attribute="cn")
    assert sign_in(typed, SECRET).status_code == 422
    assert not Identity.objects.exists()


def test_an_account_that_got_a_password_of_ours_is_not_entered_by_its_name_in_the_directory(
    directory: MakeDirectory,
) -> None:
    directory()
    sign_in("eva", SECRET)
    eva = Account.objects.get()
    eva.username = "berg"
    eva.set_password(PASSWORD)
    eva.save()
    assert sign_in("eva", SECRET).status_code == 422
    assert reason() == "local_password"
    assert sign_in("berg", PASSWORD).status_code == 302


def test_nobody_gives_themselves_a_password_here_with_the_directorys(directory: MakeDirectory) -> None:
    """Else who leaves the house would still come in."""
    directory()
    client = Client()
    sign_in("eva", SECRET, client=client)
    sent = {"new_password": "another long password", "repeated": "another long password"}
    for current in ("wrong", SECRET):
        assert client.post("/profile/password/", sent | {"current_password": current}).status_code == 422
    assert not Account.objects.named("eva").get().has_usable_password()


def test_a_superuser_of_the_directory_confirms_admin_mode_with_its_password(
    root: Account, directory: MakeDirectory
) -> None:
    directory(superuser_group=f"cn=chiefs,{GROUPS}")
    client = Client()
    sign_in("eva", SECRET, client=client)
    Account.objects.named("eva").update(email="old@example.org")
    assert client.post("/admin-mode/", {"reason": "Ticket 1", "password": "wrong"}).status_code == 422
    assert client.post("/admin-mode/", {"reason": "Ticket 1", "password": SECRET}).status_code == 302
    assert Elevation.objects.running().count() == 1
    assert Account.objects.named("eva").get().email == "old@example.org"  # to be asked again is no sign-in


def test_a_bind_password_that_can_not_be_read_is_no_empty_one(
    directory: MakeDirectory, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory()
    settings.ENCRYPTION_KEY = Fernet.generate_key().decode()
    bound: list[str] = []
    monkeypatch.setattr(SimpleLDAPObject, "simple_bind_s", lambda _self, who, *_more: bound.append(who))
    assert (sign_in("eva", SECRET).status_code, reason(), bound) == (503, "unreadable_secret", [])
