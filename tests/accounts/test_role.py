"""Changing a role: what is gained and lost is shown first, and nothing ends silently."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from accounts.roles import Role
from audit.models import Entry, Outcome
from tests.conftest import Make

SignedIn = Callable[[Account], Client]


def url(account: Account) -> str:
    return f"/accounts/{account.pk}/role/"


def test_first_it_only_shows(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    page = signed_in(ada).post(url(vic), {"role": "observer"}).content.decode()
    for text in ("Change the role of vic to Observer?", "Gains", "See the task queue", "Loses", "Create streams"):
        assert text in page
    assert "Edit all streams" not in page
    vic.refresh_from_db()
    assert vic.role == Role.VIEWER


def test_confirmed_it_changes_and_ends_no_session(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    browser = signed_in(vic)
    assert browser.get("/accounts/").status_code == 403
    answer = signed_in(ada).post(url(vic), {"role": "security", "confirmed": "1"})
    assert answer["Location"] == f"/accounts/{vic.pk}/"
    vic.refresh_from_db()
    assert vic.role == Role.SECURITY
    assert browser.get("/accounts/").status_code == 200
    assert Entry.objects.get(event="account.role_changed").details["changes"] == {"role": ["viewer", "security"]}


def test_the_same_role_again_is_told_so(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    assert "Nothing would change" in client.post(url(vic), {"role": "viewer"}).content.decode()
    page = client.post(url(vic), {"role": "viewer", "confirmed": "1"}, follow=True).content.decode()
    assert "Nothing changed." in page and "is changed." not in page
    assert not Entry.objects.filter(event="account.role_changed").exists()


def hidden(page: str) -> dict[str, str]:
    """What the confirmation sends."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.partition("<main")[2]))


def test_what_was_reviewed_is_what_is_confirmed(
    signed_in: SignedIn, root: Account, ada: Account, nell: Account
) -> None:
    """Somebody else's change comes between the question and its answer: the question is asked anew, of what is now."""
    client = signed_in(ada)
    page = client.post(url(nell), {"role": "security"}).content.decode()
    assert "Changed meanwhile" not in page and "Edit all streams" not in page
    sent = hidden(page)
    signed_in(root).post(url(nell), {"role": "content_manager", "confirmed": "1"})
    answer = client.post(url(nell), sent)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody else changed this role in the meantime." in page and "Edit all streams" in page
    nell.refresh_from_db()
    assert nell.role == Role.CONTENT_MANAGER
    refused = Entry.objects.filter(event="account.role_changed").latest("pk")
    assert (refused.outcome, refused.details["code"]) == (Outcome.DENIED, "role_changed_meanwhile")
    assert client.post(url(nell), hidden(page)).status_code == 302
    nell.refresh_from_db()
    assert nell.role == Role.SECURITY


def test_the_flag_is_reviewed_too(signed_in: SignedIn, make: Make, root: Account) -> None:
    other, client = make.account("other", role="administrator", is_superuser=True), signed_in(root)
    sent = hidden(client.post(url(other), {"role": "viewer"}).content.decode())
    assert sent["reviewed_superuser"] == "on"
    Account.objects.filter(pk=other.pk).update(is_superuser=False)
    assert client.post(url(other), sent).status_code == 409
    assert Account.objects.get(pk=other.pk).role == Role.ADMINISTRATOR


def test_the_same_meant_by_two_is_told_so(signed_in: SignedIn, ada: Account, nell: Account) -> None:
    client = signed_in(ada)
    sent = hidden(client.post(url(nell), {"role": "security"}).content.decode())
    Account.objects.filter(pk=nell.pk).update(role="security")
    answer = client.post(url(nell), sent)
    assert answer.status_code == 409
    assert "Nothing would change" in answer.content.decode() and "Changed meanwhile" in answer.content.decode()


@pytest.mark.parametrize("nonsense", ["", "\x00", "x" * 1_000_000])
def test_a_review_of_nothing_is_asked_anew(signed_in: SignedIn, ada: Account, nell: Account, nonsense: str) -> None:
    answer = signed_in(ada).post(url(nell), {"role": "security", "confirmed": "1", "reviewed_role": nonsense})
    assert answer.status_code == 409
    nell.refresh_from_db()
    assert nell.role == Role.NONE


@pytest.mark.parametrize("role", ["", "emperor", "viewer\x00", "Viewer"])
def test_unknown_roles_are_refused(signed_in: SignedIn, ada: Account, vic: Account, role: str) -> None:
    answer = signed_in(ada).post(url(vic), {"role": role, "confirmed": "1"})
    assert answer.status_code == 422
    assert 'id="id_role_error"' in answer.content.decode()
    vic.refresh_from_db()
    assert vic.role == Role.VIEWER


def test_nobody_raises_their_own(signed_in: SignedIn, make: Make) -> None:
    root = make.account("root", role="administrator", is_superuser=True)
    ada = make.account("ada", role="administrator")
    answer = signed_in(ada).post(url(ada), {"role": "administrator", "superuser": "on", "confirmed": "1"})
    assert answer.status_code == 403
    ada.refresh_from_db()
    assert not ada.is_superuser
    assert signed_in(ada).post(url(root), {"role": "viewer", "confirmed": "1"}).status_code == 403


def test_lowering_ones_own_is_allowed_and_counts_at_once(signed_in: SignedIn, root: Account, ada: Account) -> None:
    client = signed_in(ada)
    client.post(url(ada), {"role": "viewer", "confirmed": "1"})
    assert client.get("/accounts/").status_code == 403


def test_superusers_make_superusers(signed_in: SignedIn, root: Account, vic: Account) -> None:
    client = signed_in(root)
    values = {"role": "viewer", "superuser": "on"}
    page = client.post(url(vic), values).content.decode()
    assert "Change the role of vic to Superuser?" in page
    assert "Impersonate accounts" in page
    client.post(url(vic), values | {"confirmed": "1"})
    vic.refresh_from_db()
    assert vic.is_superuser
    assert vic.role == Role.ADMINISTRATOR


def test_the_flag_is_offered_to_superusers_only(signed_in: SignedIn, root: Account, ada: Account, vic: Account) -> None:
    assert 'name="superuser"' in signed_in(root).get(f"/accounts/{vic.pk}/").content.decode()
    assert 'name="superuser"' not in signed_in(ada).get(f"/accounts/{vic.pk}/").content.decode()


@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "1"}])
def test_the_flag_is_refused_to_others_and_recorded(
    signed_in: SignedIn, ada: Account, vic: Account, confirmed: dict[str, str]
) -> None:
    answer = signed_in(ada).post(url(vic), {"role": "administrator", "superuser": "on"} | confirmed)
    assert answer.status_code == 403
    assert "Only a superuser may do this to a superuser, or make one." in answer.content.decode()
    vic.refresh_from_db()
    assert (vic.role, vic.is_superuser) == (Role.VIEWER, False)
    entry = Entry.objects.get(event="account.role_changed")
    assert (entry.outcome, entry.target_id) == (Outcome.DENIED, str(vic.pk))
    assert entry.details["changes"]["superuser"] == [False, True]


def test_the_last_superuser_stays_one(signed_in: SignedIn, root: Account) -> None:
    answer = signed_in(root).post(url(root), {"role": "administrator", "confirmed": "1"})
    assert answer.status_code == 403
    assert "This is the last superuser who can sign in." in answer.content.decode()
    root.refresh_from_db()
    assert root.is_superuser
    assert Entry.objects.get(event="account.role_changed").outcome == Outcome.DENIED


@pytest.mark.parametrize("who", ["sam", "connie", "ed", "otto", "nell"])
def test_other_roles_may_not(signed_in: SignedIn, vic: Account, request: pytest.FixtureRequest, who: str) -> None:
    client = signed_in(request.getfixturevalue(who))
    assert client.post(url(vic), {"role": "administrator", "confirmed": "1"}).status_code == 403
    vic.refresh_from_db()
    assert vic.role == Role.VIEWER


def test_visitors_and_lookers_change_nothing(client: Client, signed_in: SignedIn, ada: Account, vic: Account) -> None:
    assert client.post(url(vic), {"role": "administrator", "confirmed": "1"})["Location"].startswith("/sign-in/")
    assert signed_in(ada).get(f"{url(vic)}?role=administrator&confirmed=1").status_code == 405
    vic.refresh_from_db()
    assert vic.role == Role.VIEWER
