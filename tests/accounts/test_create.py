"""A new account."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from accounts.roles import Role
from audit.models import Entry
from tests.conftest import Make

SignedIn = Callable[[Account], Client]
NEW = "/accounts/new/"
CHECK = "/accounts/new/check-username/"
PASSWORD = "seven swans a-swimming north"


def filled(**changes: str) -> dict[str, str]:
    values = {
        "username": "new.one",
        "role": "viewer",
        "credentials": "password",
        "password": PASSWORD,
        "temporary": "on",
    }
    return values | changes


def test_a_username_and_a_password_are_enough(signed_in: SignedIn, ada: Account) -> None:
    client = signed_in(ada)
    answer = client.post(NEW, filled())
    account = Account.objects.named("new.one").get()
    assert answer["Location"] == f"/accounts/{account.pk}/"
    assert (account.role, account.is_superuser, account.must_change_password) == (Role.VIEWER, False, True)
    assert account.check_password(PASSWORD)
    entry = Entry.objects.get(event="account.created")
    assert (entry.actor_id, entry.target_id) == (ada.pk, str(account.pk))
    assert PASSWORD not in str(entry.details)
    assert "new.one is created." in client.get(answer["Location"]).content.decode()


def test_no_password_yet(signed_in: SignedIn, ada: Account) -> None:
    signed_in(ada).post(NEW, filled(credentials="none", password="tiny"))
    account = Account.objects.named("new.one").get()
    assert not account.has_usable_password()
    assert not account.must_change_password


def test_a_lasting_password(signed_in: SignedIn, ada: Account) -> None:
    values = filled()
    del values["temporary"]
    signed_in(ada).post(NEW, values)
    assert not Account.objects.named("new.one").get().must_change_password


def test_with_a_profile(signed_in: SignedIn, ada: Account) -> None:
    profile = {"first_name": "Noa", "last_name": "Levi", "email": "noa@example.org", "external_id": "AD-5"}
    signed_in(ada).post(NEW, filled(**profile))
    account = Account.objects.named("new.one").get()
    assert {name: getattr(account, name) for name in profile} == profile


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("username", "", "required"),
        ("username", "ADA", "This username is taken."),
        ("username", "ａｄａ", "This username is taken."),
        ("username", "two words", "A username has no spaces."),
        ("username", "x" * 1_000_000, "at most 150 characters"),
        ("username", "a\x00b", "Null characters are not allowed."),
        ("username", "---", "at least one letter or digit"),
        ("external_id", "AD-1", "Another account has this external account id."),
        ("role", "emperor", "Select a valid choice."),
        ("credentials", "", "required"),
        ("password", "", "Type a password, or choose"),
        ("password", "tiny", "at least 12 characters"),
        ("email", "nowhere", "valid email address"),
    ],
)
def test_errors_stand_under_the_field_and_what_was_typed_stays(
    signed_in: SignedIn, make: Make, field: str, value: str, sentence: str
) -> None:
    ada = make.account("ada", role="administrator", external_id="AD-1")
    answer = signed_in(ada).post(NEW, filled(**{"last_name": "Kept", field: value}))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert f'id="id_{field}_error"' in page
    assert 'value="Kept"' in page
    assert PASSWORD not in page
    assert 'value="tiny"' not in page
    assert Account.objects.count() == 1


def test_a_password_like_the_names_is_refused(signed_in: SignedIn, ada: Account) -> None:
    values = filled(last_name="Mustermann-Lindqvist", password="mustermann-lindqvist1")
    assert "too similar to the Last name" in signed_in(ada).post(NEW, values).content.decode()
    assert not Account.objects.named("new.one").exists()


def test_combining_characters_name_the_same_account(signed_in: SignedIn, ada: Account, make: Make) -> None:
    make.account("jos\u00e9")
    answer = signed_in(ada).post(NEW, filled(username="JOSE\u0301"))
    assert "This username is taken." in answer.content.decode()


def test_only_superusers_make_superusers(signed_in: SignedIn, root: Account, ada: Account) -> None:
    assert 'name="superuser"' not in signed_in(ada).get(NEW).content.decode()
    answer = signed_in(ada).post(NEW, filled(superuser="on"))
    assert answer.status_code == 403 and "Only a superuser may do this" in answer.content.decode()
    assert not Account.objects.named("new.one").exists()
    entry = Entry.objects.get(event="account.created")
    assert (entry.outcome, entry.details["username"], entry.details["superuser"]) == ("denied", "new.one", True)
    signed_in(ada).post(NEW, filled(is_superuser="on"))
    assert not Account.objects.named("new.one").get().is_superuser
    signed_in(root).post(NEW, filled(username="second", superuser="on"))
    second = Account.objects.named("second").get()
    assert second.is_superuser
    assert second.role == Role.ADMINISTRATOR


@pytest.mark.parametrize("who", ["sam", "connie", "ed", "vic", "otto", "nell"])
def test_other_roles_may_not(signed_in: SignedIn, request: pytest.FixtureRequest, who: str) -> None:
    client = signed_in(request.getfixturevalue(who))
    assert client.get(NEW).status_code == 403
    assert client.post(NEW, filled()).status_code == 403
    assert client.get(f"{CHECK}?username=x").status_code == 403
    assert not Account.objects.named("new.one").exists()


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    assert client.get(NEW)["Location"].startswith("/sign-in/")
    assert client.post(NEW, filled())["Location"].startswith("/sign-in/")
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    ("username", "sentence"),
    [
        ("free", "free is free"),
        ("Ada", "This username is taken."),
        ("a b", "A username has no spaces."),
        ("<b>", "&lt;b&gt; is free"),
        ("a\x00", "be seen"),
    ],
)
def test_the_name_is_checked_when_the_field_is_left(
    signed_in: SignedIn, ada: Account, username: str, sentence: str
) -> None:
    fragment = signed_in(ada).get(CHECK, {"username": username}, headers={"HX-Request": "true"}).content.decode()
    assert sentence in fragment
    assert "<html" not in fragment
