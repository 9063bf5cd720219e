"""Whom a provider's word makes somebody: found, linked, made, brought up to date or refused."""

import pytest

from accounts.models import Account
from accounts.roles import Role
from accounts.services.accounts import change_role
from audit.models import Entry
from sso.claims import Person, ProviderRefused
from sso.models import GroupRole, Identity
from sso.services.mapping import decide, settle, write_link
from tests.conftest import PASSWORD, Make
from tests.sso.conftest import MakeProvider

EVA = Person(subject="sub-1", username="eva", email="eva@example.org", first_name="Eva", last_name="Moser")


def refusal(provider: object, person: Person) -> str:
    with pytest.raises(ProviderRefused) as refused:
        decide(provider, person)  # type: ignore[arg-type]
    assert str(refused.value)
    return refused.value.reason


def test_the_first_sign_in_makes_an_account_with_the_role_of_new_ones(make: Make, provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic", new_account_role=Role.VIEWER)
    account = settle(clinic, EVA, actor=make.actor())
    assert (account.username, account.email, account.full_name, account.role) == (
        "eva", "eva@example.org", "Eva Moser", Role.VIEWER,
    )  # fmt: skip
    assert not account.has_usable_password()
    assert Identity.objects.get().account == account
    assert list(Entry.objects.values_list("event", "actor_name")) == [
        ("account.created", "Clinic"), ("identity.linked", "Clinic"), ("account.changed", "Clinic"),
    ]  # fmt: skip


def test_the_second_sign_in_finds_it_by_the_subject_and_refreshes_the_profile(
    make: Make, provider: MakeProvider
) -> None:
    clinic = provider("openid", "clinic")
    first = settle(clinic, EVA, actor=make.actor())
    again = settle(clinic, Person("sub-1", "eva.huber", last_name="Huber"), actor=make.actor())
    assert (again.pk, again.username, again.full_name, again.email) == (
        first.pk, "eva", "Eva Huber", "eva@example.org",
    )  # fmt: skip


def test_the_same_subject_and_address_of_two_providers_are_two_people(make: Make, provider: MakeProvider) -> None:
    clinic, studio = provider("openid", "clinic"), provider("saml", "studio")
    eva = settle(clinic, EVA, actor=make.actor())
    with pytest.raises(ProviderRefused, match="exists and is not linked"):
        settle(studio, EVA, actor=make.actor())
    other = settle(studio, Person("sub-1", "eva.m", email="eva@example.org"), actor=make.actor())
    assert other != eva
    assert settle(clinic, EVA, actor=make.actor()) == eva


def test_an_existing_account_is_linked_by_its_name_only_where_the_provider_says_so(
    make: Make, provider: MakeProvider
) -> None:
    eva = make.account("eva")
    assert refusal(provider("openid", "clinic"), EVA) == "username_taken"
    studio = provider("openid", "studio", link_by_username=True)
    assert settle(studio, EVA, actor=make.actor()) == eva
    assert refusal(studio, Person("sub-2", "EVA")) == "linked_elsewhere"


def test_a_superuser_is_never_linked_by_the_name_alone(provider: MakeProvider, root: Account) -> None:
    clinic = provider("openid", "clinic", link_by_username=True)
    assert refusal(clinic, Person("sub-9", "root")) == "superuser_not_linked"


def test_nobody_is_made_where_accounts_are_not_created(provider: MakeProvider) -> None:
    assert refusal(provider("openid", "clinic", create_accounts=False), EVA) == "not_created"


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        (Person("", "eva"), "no_subject"),
        (Person("x" * 256, "eva"), "no_subject"),
        (Person("a\0b", "eva"), "no_subject"),
        (Person("sub-1", ""), "no_username"),
        (Person("sub-1", "e\0va"), "no_username"),
        (Person("sub-1", "eva moser"), "username_not_usable"),
        (Person("sub-1", "e" * 151), "username_not_usable"),
        (Person("sub-1", "e\u202eva"), "username_not_usable"),
    ],
)
def test_names_that_can_not_be_used_are_refused(provider: MakeProvider, person: Person, reason: str) -> None:
    assert refusal(provider("openid", "clinic"), person) == reason


def test_locked_and_inactive_accounts_are_refused_with_a_reason_of_their_own(
    make: Make, provider: MakeProvider
) -> None:
    clinic = provider("openid", "clinic")
    eva = settle(clinic, EVA, actor=make.actor())
    Account.objects.filter(pk=eva.pk).update(is_active=False)
    assert refusal(clinic, EVA) == "account_inactive"
    Account.objects.filter(pk=eva.pk).update(locked_at=eva.created_at)
    assert refusal(clinic, EVA) == "account_locked"


def test_values_that_can_not_be_used_leave_the_profile_as_it_is(make: Make, provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic")
    settle(clinic, EVA, actor=make.actor())
    eva = settle(clinic, Person("sub-1", "eva", email="not an address", first_name="E\u202eva"), actor=make.actor())
    assert (eva.email, eva.first_name) == ("eva@example.org", "Eva")


def test_groups_give_a_role_and_leaving_them_takes_it_away(make: Make, provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic", new_account_role=Role.VIEWER)
    for position, (group, role) in enumerate([("Chiefs", Role.ADMINISTRATOR), ("staff", Role.EDITOR)]):
        GroupRole.objects.create(provider=clinic, position=position, group=group, role=role)

    def role_in(*groups: str) -> str:
        return settle(clinic, Person("sub-1", "eva", groups=groups), actor=make.actor()).role

    assert role_in("staff", "chiefs") == Role.ADMINISTRATOR  # the first line that fits, whatever its case
    assert role_in("staff") == Role.EDITOR
    assert role_in("others") == Role.VIEWER


def test_without_a_mapping_the_role_that_an_administrator_gave_stays(make: Make, provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic", new_account_role=Role.VIEWER)
    eva = settle(clinic, EVA, actor=make.actor())
    Account.objects.filter(pk=eva.pk).update(role=Role.SECURITY)
    assert settle(clinic, EVA, actor=make.actor()).role == Role.SECURITY


def test_the_superuser_group_gives_the_flag_and_leaving_it_takes_it_away(
    make: Make, provider: MakeProvider, root: Account
) -> None:
    clinic = provider("ldap", "clinic", new_account_role=Role.VIEWER)
    root.set_password(PASSWORD)
    root.save()

    def flag(word: bool | None) -> tuple[bool, str]:
        eva = settle(clinic, Person("sub-1", "eva", superuser=word), actor=make.actor())
        return eva.is_superuser, eva.role

    assert flag(None) == (False, Role.VIEWER)
    assert flag(True) == (True, Role.ADMINISTRATOR)
    assert flag(None) == (True, Role.ADMINISTRATOR)
    assert flag(False) == (False, Role.VIEWER)


def test_the_last_usable_superuser_keeps_the_flag_whatever_the_directory_says(
    make: Make, provider: MakeProvider
) -> None:
    clinic = provider("ldap", "clinic")
    settle(clinic, Person("sub-1", "eva", superuser=True), actor=make.actor())
    eva = settle(clinic, Person("sub-1", "eva", superuser=False), actor=make.actor())
    assert Account.objects.get(pk=eva.pk).is_superuser
    assert Entry.objects.filter(event="identity.superuser_kept").count() == 1


def test_no_account_that_another_provider_knows_is_made_superuser(
    make: Make, provider: MakeProvider, root: Account
) -> None:
    """An administrator could have linked it to a provider of their own before, and would come in as a superuser."""
    root.set_password(PASSWORD)
    root.save()
    clinic, theirs = provider("ldap", "clinic", new_account_role=Role.VIEWER), provider("openid", "theirs")
    eva, chief = make.account("eva"), Person("sub-1", "eva", superuser=True)
    for place, found in enumerate((clinic, theirs)):
        Identity.objects.create(provider=found, subject="sub-1", account=eva, created_at=eva.created_at, pk=place + 1)
    assert "No superuser, although the provider says so." in decide(clinic, chief).sentence
    assert not settle(clinic, chief, actor=make.actor()).is_superuser
    assert "linked to other providers" in Entry.objects.get(event="identity.superuser_not_made").details["reason"]
    change_role(eva, Role.ADMINISTRATOR, superuser=True, actor=make.actor(root))  # somebody who may looked at it
    assert settle(clinic, chief, actor=make.actor()).is_superuser
    change_role(eva, Role.VIEWER, superuser=False, actor=make.actor(root))
    Identity.objects.filter(provider=theirs).delete()
    assert settle(clinic, chief, actor=make.actor()).is_superuser


def test_deciding_writes_nothing(make: Make, provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic")
    found = decide(clinic, EVA)
    assert (found.how, found.username) == ("create", "eva")
    assert "create the account eva" in found.sentence
    assert not Account.objects.exists() and not Identity.objects.exists() and not Entry.objects.exists()


def test_two_first_sign_ins_at_once_link_the_account_once(make: Make, provider: MakeProvider) -> None:
    """Both decided before either wrote: the second is refused with a reason, not with an error."""
    clinic = provider("openid", "clinic", link_by_username=True)
    make.account("eva")
    wanted = decide(clinic, EVA)
    assert wanted.account is not None
    settle(clinic, EVA, actor=make.actor())
    with pytest.raises(ProviderRefused) as refused:
        write_link(clinic, EVA, wanted.account, actor=make.actor())
    assert refused.value.reason == "linked_elsewhere"
    assert Identity.objects.count() == 1
