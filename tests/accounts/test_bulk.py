"""Locking several accounts and ending their sessions: asked first, each for itself, one entry each."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils.html import escape

from accounts.models import Account
from audit.models import Entry, Outcome
from sessions_admin.models import Cause, Session
from tests.conftest import Make

SignedIn = Callable[[Account], Client]
LOCK = "/accounts/lock/"
END = "/accounts/end-sessions/"


def test_the_question_lists_whom_and_what(signed_in: SignedIn, ada: Account, vic: Account, ed: Account) -> None:
    signed_in(vic)
    signed_in(ed)
    page = signed_in(ada).get(f"{LOCK}?id={vic.pk}&id={ed.pk}").content.decode()
    for text in ("Lock 2 users?", "ed, vic", "2 open sessions end at once"):
        assert text in page
    assert not Account.objects.locked().exists()


def test_each_lock_has_its_own_entry_in_one_batch(signed_in: SignedIn, ada: Account, vic: Account, ed: Account) -> None:
    browser = signed_in(vic)
    answer = signed_in(ada).post(LOCK, {"id": [vic.pk, ed.pk], "reason": "Break-in"}, follow=True)
    assert "2 of 2 done" in answer.content.decode()
    assert browser.get("/profile/").status_code == 302
    entries = Entry.objects.filter(event="account.locked", outcome=Outcome.SUCCESS)
    assert {entry.target_name for entry in entries} == {"vic", "ed"}
    assert len({entry.details["batch"] for entry in entries}) == 1
    assert {entry.details["reason"] for entry in entries} == {"Break-in"}


def test_one_refusal_does_not_stop_the_others(signed_in: SignedIn, ada: Account, root: Account, vic: Account) -> None:
    answer = signed_in(ada).post(LOCK, {"id": [ada.pk, root.pk, vic.pk]}, follow=True)
    page = answer.content.decode()
    assert "1 of 3 done" in page
    assert "Nobody locks or deactivates their own account." in page
    assert "This is the last superuser who can sign in." in page
    assert [account.username for account in Account.objects.locked()] == ["vic"]
    entries = Entry.objects.filter(event="account.locked")
    assert sorted(entry.outcome for entry in entries) == ["denied", "denied", "success"]
    assert len({entry.details["batch"] for entry in entries}) == 1


def test_ending_sessions_of_several(signed_in: SignedIn, sam: Account, vic: Account, ed: Account) -> None:
    browsers = [signed_in(vic), signed_in(vic), signed_in(ed)]
    client = signed_in(sam)
    question = client.get(f"{END}?id={vic.pk}&id={ed.pk}").content.decode()
    assert "End all sessions of 2 users?" in question
    assert "3 open sessions end at once" in question
    answer = client.post(END, {"id": [vic.pk, ed.pk]}, follow=True).content.decode()
    assert "2 sessions ended" in answer
    assert "1 session ended" in answer
    assert [browser.get("/profile/").status_code for browser in browsers] == [302, 302, 302]
    assert {session.cause for session in Session.objects.closed()} == {Cause.ENDED}
    entries = Entry.objects.filter(event="session.ended_all")
    assert {(entry.target_name, entry.details["sessions_ended"]) for entry in entries} == {("vic", 2), ("ed", 1)}
    assert len({entry.details["batch"] for entry in entries}) == 1


def test_ones_own_session_stays(signed_in: SignedIn, sam: Account) -> None:
    other, client = signed_in(sam), signed_in(sam)
    client.post(END, {"id": [sam.pk]})
    assert other.get("/profile/").status_code == 302
    assert client.get("/profile/").status_code == 200


@pytest.mark.parametrize("url", [LOCK, END])
@pytest.mark.parametrize("ids", [[], ["x"], ["-1"], ["1; drop table"], ["١٢"], ["9" * 40], [""]])
def test_nothing_sensible_selected(signed_in: SignedIn, ada: Account, url: str, ids: list[str]) -> None:
    client = signed_in(ada)
    for answer in (client.get(url, {"id": ids}), client.post(url, {"id": ids})):
        assert answer.status_code == 400
        assert "No user is selected." in answer.content.decode()


def test_ids_of_nobody_lock_nobody(signed_in: SignedIn, ada: Account) -> None:
    answer = signed_in(ada).post(LOCK, {"id": ["987654"]})
    assert answer.status_code == 400
    assert not Entry.objects.filter(event="account.locked").exists()


def test_at_most_500_at_once(signed_in: SignedIn, ada: Account) -> None:
    answer = signed_in(ada).post(LOCK, {"id": [str(number) for number in range(1_000, 1_501)]})
    assert answer.status_code == 400
    assert "More than 500 users are selected." in answer.content.decode()


def test_twice_the_same_counts_once(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    assert "1 of 1 done" in signed_in(ada).post(LOCK, {"id": [vic.pk, vic.pk]}, follow=True).content.decode()


@pytest.mark.parametrize("who", ["connie", "ed", "vic", "otto", "nell"])
@pytest.mark.parametrize("url", [LOCK, END])
def test_other_roles_may_not(
    signed_in: SignedIn, make: Make, request: pytest.FixtureRequest, who: str, url: str
) -> None:
    target = make.account("target")
    make.client(target)
    client = signed_in(request.getfixturevalue(who))
    assert client.get(url, {"id": target.pk}).status_code == 403
    assert client.post(url, {"id": target.pk}).status_code == 403
    target.refresh_from_db()
    assert not target.is_locked
    assert Session.objects.not_closed().of_account(target.pk).exists()


def test_visitors_sign_in_first(client: Client, vic: Account) -> None:
    assert client.post(LOCK, {"id": vic.pk})["Location"].startswith("/sign-in/")


def test_the_result_is_a_page_that_does_nothing_again(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client, back = signed_in(ada), "/accounts/?q=vi&order=-username"
    answer = client.post(LOCK, {"id": [vic.pk], "next": back})
    assert answer.status_code == 302
    entries = Entry.objects.count()
    for _ in range(2):
        page = client.get(answer["Location"])
        assert page.status_code == 200
        assert "1 of 1 done" in page.content.decode()
        assert f'href="{escape(back)}"' in page.content.decode()
    assert Entry.objects.count() == entries


def test_a_result_is_shown_to_the_session_that_acted_only(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    there = signed_in(ada).post(LOCK, {"id": [vic.pk]})["Location"]
    answer = signed_in(ada).get(there)
    assert answer.status_code == 404
    assert "This result is gone" in answer.content.decode()
    assert 'href="/accounts/"' in answer.content.decode()


def test_a_session_keeps_few_results_and_no_long_addresses(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    long = "/accounts/?q=" + "x" * 3_000
    pages = [client.post(LOCK, {"id": [vic.pk], "next": long})["Location"] for _ in range(4)]
    assert [client.get(page).status_code for page in pages] == [404, 200, 200, 200]
    assert len(Session.objects.of_account(ada.pk).get().data) < 3_000


def test_a_result_of_an_account_that_is_gone(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    there = client.post(END, {"id": [vic.pk]})["Location"]
    vic.delete()
    assert "No longer there" in client.get(there).content.decode()
