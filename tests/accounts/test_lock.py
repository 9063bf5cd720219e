"""Locking from the list or the card: asked first, with what will happen."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from accounts.services.locks import lock
from agora.base.actor import Actor
from audit.models import Entry, Outcome
from sessions_admin.models import Cause, Session
from tests.conftest import Make

SignedIn = Callable[[Account], Client]
HTMX = {"HX-Request": "true"}


def url(account: Account, verb: str = "lock") -> str:
    return f"/accounts/{account.pk}/{verb}/"


def test_the_question_names_the_account_and_what_will_happen(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    signed_in(vic)
    signed_in(vic)
    page = signed_in(ada).get(url(vic)).content.decode()
    for text in ("Lock vic?", "2 open sessions end at once", "go into the audit log", "Lock account", "<html"):
        assert text in page
    vic.refresh_from_db()
    assert not vic.is_locked


def test_htmx_gets_the_question_as_a_dialog(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    fragment = signed_in(ada).get(url(vic), headers=HTMX).content.decode()
    assert "<dialog" in fragment
    assert "No session is open now" in fragment
    assert "<html" not in fragment


def test_a_lock_ends_every_session_at_once(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    browsers = [signed_in(vic), signed_in(vic)]
    answer = signed_in(ada).post(url(vic), {"reason": "Laptop lost", "next": "/accounts/?state=active"})
    assert answer["Location"] == "/accounts/?state=active"
    assert [browser.get("/profile/").status_code for browser in browsers] == [302, 302]
    assert {session.cause for session in Session.objects.of_account(vic.pk)} == {Cause.LOCKED}
    vic.refresh_from_db()
    assert (vic.locked_by_id, vic.locked_by_name, vic.lock_reason) == (ada.pk, "ada", "Laptop lost")
    entry = Entry.objects.get(event="account.locked")
    assert (entry.actor_id, entry.target_id, entry.outcome) == (ada.pk, str(vic.pk), Outcome.SUCCESS)
    assert entry.details == {"reason": "Laptop lost", "sessions_ended": 2}


def test_the_reason_is_optional_and_has_an_end(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    answer = client.post(url(vic), {"reason": "x" * 501})
    assert answer.status_code == 422
    assert "at most 500 characters" in answer.content.decode()
    vic.refresh_from_db()
    assert not vic.is_locked
    assert client.post(url(vic), {}).status_code == 302


def test_security_locks_even_superusers(signed_in: SignedIn, root: Account, sam: Account, make: Make) -> None:
    rita = make.account("rita", role="administrator", is_superuser=True)
    assert signed_in(sam).post(url(rita)).status_code == 302
    rita.refresh_from_db()
    assert rita.is_locked


def test_the_last_superuser_who_can_sign_in_stays(signed_in: SignedIn, root: Account, sam: Account, make: Make) -> None:
    make.account("old", role="administrator", is_superuser=True, is_active=False)
    client = signed_in(sam)
    assert "last superuser" in client.get(url(root)).content.decode()
    answer = client.post(url(root))
    assert answer.status_code == 403
    assert "This is the last superuser who can sign in." in answer.content.decode()
    root.refresh_from_db()
    assert not root.is_locked
    assert Entry.objects.get(event="account.locked").outcome == Outcome.DENIED


def test_nobody_locks_themselves(signed_in: SignedIn, sam: Account) -> None:
    client = signed_in(sam)
    assert "Nobody locks their own account." in client.get(url(sam)).content.decode()
    assert client.post(url(sam)).status_code == 403
    sam.refresh_from_db()
    assert not sam.is_locked
    assert Entry.objects.get(event="account.locked").outcome == Outcome.DENIED


def test_twice_is_told_so(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    client.post(url(vic), {"reason": "first"})
    answer = client.post(url(vic), {"reason": "second"})
    assert answer.status_code == 409
    assert "locked already" in answer.content.decode()
    vic.refresh_from_db()
    assert vic.lock_reason == "first"


def test_the_card_says_who_locked_it_when_and_why(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    client.post(url(vic), {"reason": "Laptop lost"})
    card = client.get(f"/accounts/{vic.pk}/").content.decode()
    assert "by ada" in card
    assert "Reason: Laptop lost" in card
    assert "Unlock" in card


def test_unlocking_lets_in_again_and_keeps_ended_sessions_ended(
    signed_in: SignedIn, sam: Account, vic: Account
) -> None:
    browser = signed_in(vic)
    lock(vic, actor=Actor.system(), reason="Laptop lost")
    assert signed_in(sam).post(url(vic, "unlock")).status_code == 302
    vic.refresh_from_db()
    assert vic.is_usable
    assert vic.lock_reason == ""
    assert browser.get("/profile/").status_code == 302
    assert Entry.objects.get(event="account.unlocked").details["lock_reason"] == "Laptop lost"


def test_unlocking_what_is_not_locked_is_told_so(signed_in: SignedIn, sam: Account, vic: Account) -> None:
    assert signed_in(sam).post(url(vic, "unlock")).status_code == 409


@pytest.mark.parametrize("who", ["connie", "ed", "vic", "otto", "nell"])
@pytest.mark.parametrize("verb", ["lock", "unlock"])
def test_other_roles_may_not(
    signed_in: SignedIn, make: Make, request: pytest.FixtureRequest, who: str, verb: str
) -> None:
    target = make.account("target")
    client = signed_in(request.getfixturevalue(who))
    assert client.post(url(target, verb)).status_code == 403
    assert client.get(url(target, verb)).status_code in (403, 405)
    target.refresh_from_db()
    assert not target.is_locked


def test_visitors_sign_in_first(client: Client, vic: Account) -> None:
    assert client.post(url(vic))["Location"].startswith("/sign-in/")


def test_next_never_leads_away(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    assert signed_in(ada).post(url(vic), {"next": "//evil.example/"})["Location"] == "/accounts/"


class TestDeactivating:
    def test_it_asks_then_ends_the_sessions(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        browser, client = signed_in(vic), signed_in(ada)
        assert "1 open session ends at once" in client.get(url(vic, "deactivate")).content.decode()
        assert client.post(url(vic, "deactivate")).status_code == 302
        assert browser.get("/profile/").status_code == 302
        assert Session.objects.get(account=vic).cause == Cause.DEACTIVATED
        assert Entry.objects.get(event="account.deactivated").details["changes"] == {"active": [True, False]}

    def test_and_back(self, signed_in: SignedIn, ada: Account, make: Make) -> None:
        ina = make.account("ina", is_active=False)
        client = signed_in(ada)
        assert client.get(url(ina, "activate")).status_code == 405
        assert client.post(url(ina, "activate"))["Location"] == f"/accounts/{ina.pk}/"
        ina.refresh_from_db()
        assert ina.is_active

    def test_nobody_deactivates_themselves(self, signed_in: SignedIn, ada: Account) -> None:
        client = signed_in(ada)
        assert "Nobody deactivates their own account." in client.get(url(ada, "deactivate")).content.decode()
        assert client.post(url(ada, "deactivate")).status_code == 403
        ada.refresh_from_db()
        assert ada.is_active

    def test_only_superusers_deactivate_superusers(
        self, signed_in: SignedIn, root: Account, ada: Account, make: Make
    ) -> None:
        rita = make.account("rita", role="administrator", is_superuser=True)
        assert signed_in(ada).post(url(rita, "deactivate")).status_code == 403
        assert signed_in(root).post(url(rita, "deactivate")).status_code == 302

    def test_security_may_not(self, signed_in: SignedIn, sam: Account, vic: Account) -> None:
        client = signed_in(sam)
        assert client.post(url(vic, "deactivate")).status_code == 403
        assert "Deactivate" not in client.get(f"/accounts/{vic.pk}/").content.decode()


def test_the_address_of_a_change_opened_as_a_page_says_so(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    response = signed_in(ada).get(url(vic, "activate"))
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "carries out a change" in response.content.decode()
