"""A new password from a row of the list."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry, Outcome
from sessions_admin.models import Cause, Session
from tests.conftest import PASSWORD, Make

SignedIn = Callable[[Account], Client]
NEW = "seven swans a-swimming north"


def url(account: Account) -> str:
    return f"/accounts/{account.pk}/set-password/"


def test_htmx_gets_the_row_and_a_toast(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    answer = signed_in(ada).post(url(vic), {"new_password": NEW}, headers={"HX-Request": "true"})
    row = answer.content.decode()
    assert answer.status_code == 200
    assert row.lstrip().startswith(f'<tr id="account-{vic.pk}"')
    assert "Changed" in row
    assert "Password of vic changed." in row
    assert "<html" not in row
    assert NEW not in row


def test_the_password_is_temporary_and_ends_all_sessions(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    browser = signed_in(vic)
    assert browser.get("/profile/").status_code == 200
    signed_in(ada).post(url(vic), {"new_password": NEW})
    vic.refresh_from_db()
    assert vic.check_password(NEW)
    assert vic.must_change_password
    assert Session.objects.get(account=vic).cause == Cause.PASSWORD_CHANGED
    assert browser.get("/profile/").status_code == 302


def test_it_is_recorded_without_the_password(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    signed_in(ada).post(url(vic), {"new_password": NEW})
    entry = Entry.objects.get(event="account.password_changed")
    assert (entry.actor_id, entry.target_id, entry.outcome) == (ada.pk, str(vic.pk), Outcome.SUCCESS)
    assert NEW not in str(entry.details) + entry.search_text


def test_without_javascript_it_leads_back_to_the_list(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    answer = client.post(url(vic), {"new_password": NEW, "next": "/accounts/?role=viewer"})
    assert answer["Location"] == "/accounts/?role=viewer"
    assert "Password of vic changed." in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "Type a password first."),
        ("tiny", "at least 12 characters"),
        ("password1234", "too common"),
        ("x" * 129, "at most 128 characters"),
        ("a\x00" + NEW, "Null characters are not allowed."),
    ],
)
def test_errors_stand_under_the_field(
    signed_in: SignedIn, ada: Account, vic: Account, password: str, sentence: str
) -> None:
    client = signed_in(ada)
    row = client.post(url(vic), {"new_password": password}, headers={"HX-Request": "true"})
    whole = client.post(url(vic), {"new_password": password})
    for answer in (row, whole):
        page = answer.content.decode()
        assert answer.status_code == 422
        assert sentence in page
        assert 'aria-invalid="true"' in page
        assert not password or password not in page
    assert "<html" in whole.content.decode()
    vic.refresh_from_db()
    assert not vic.has_usable_password()


def test_a_password_like_the_username_is_refused(signed_in: SignedIn, ada: Account, make: Make) -> None:
    account = make.account("maximilian.mustermann")
    answer = signed_in(ada).post(url(account), {"new_password": "maximilian.mustermann1"})
    assert "too similar" in answer.content.decode()


def test_ones_own_is_changed_on_the_profile(signed_in: SignedIn, make: Make) -> None:
    ada = make.account("ada", role="administrator", password=PASSWORD)
    client = signed_in(ada)
    assert "On your profile" in client.get("/accounts/").content.decode()
    answer = client.post(url(ada), {"new_password": NEW})
    assert answer.status_code == 403
    assert "Change your own password on your profile" in answer.content.decode()
    assert Entry.objects.get(event="account.password_changed").outcome == Outcome.DENIED
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize("htmx", [True, False])
def test_only_superusers_set_a_superusers(signed_in: SignedIn, root: Account, ada: Account, htmx: bool) -> None:
    client = signed_in(ada)
    assert "New password for root" not in client.get("/accounts/").content.decode()
    answer = client.post(url(root), {"new_password": NEW}, headers={"HX-Request": "true"} if htmx else {})
    assert answer.status_code == (422 if htmx else 403)
    assert "Only a superuser may do this to a superuser" in answer.content.decode()
    assert Entry.objects.get(event="account.password_changed").outcome == Outcome.DENIED
    root.refresh_from_db()
    assert not root.has_usable_password()


def test_a_superuser_sets_a_superusers(signed_in: SignedIn, root: Account, make: Make) -> None:
    rita = make.account("rita", role="administrator", is_superuser=True)
    assert signed_in(root).post(url(rita), {"new_password": NEW}).status_code == 302


@pytest.mark.parametrize("who", ["sam", "connie", "ed", "vic", "otto", "nell"])
def test_nobody_else_sets_passwords(signed_in: SignedIn, make: Make, request: pytest.FixtureRequest, who: str) -> None:
    target = make.account("target")
    assert signed_in(request.getfixturevalue(who)).post(url(target), {"new_password": NEW}).status_code == 403
    target.refresh_from_db()
    assert not target.has_usable_password()
    assert Entry.objects.get(event="access.denied").outcome == Outcome.DENIED


def test_visitors_sign_in_first(client: Client, vic: Account) -> None:
    assert client.post(url(vic), {"new_password": NEW})["Location"].startswith("/sign-in/")


def test_looking_changes_nothing(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    assert signed_in(ada).get(f"{url(vic)}?new_password={NEW}").status_code == 405


def test_there_is_no_such_account(signed_in: SignedIn, ada: Account) -> None:
    client = signed_in(ada)
    for number in ("987654", "9" * 40):
        assert client.post(f"/accounts/{number}/set-password/", {"new_password": NEW}).status_code == 404
