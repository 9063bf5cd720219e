"""Pages of sessions: who is signed in, who was and why not any more, and ending it."""

import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.services import locks
from audit.models import Entry
from sessions_admin.models import Cause, Session
from sessions_admin.services import VISITORS_KEPT, purge_sessions
from tests.conftest import PASSWORD, Make


def usernames(client: Client, query: str = "") -> list[str]:
    page = client.get(f"/sessions/?{query}").content.decode()
    found = re.findall(r'<tr id="session-(\d+)"', page)
    return [str(Session.objects.select_related("account").get(pk=pk).account) for pk in found]


def test_open_and_closed_are_two_lists(make: Make, sam: Account, vic: Account, ed: Account) -> None:
    make.client(vic)
    make.client(ed)
    locks.lock(ed, actor=make.actor(sam))
    client = make.client(sam)
    assert usernames(client) == ["sam", "vic"]
    assert usernames(client, "tab=closed") == ["ed"]
    assert "Account locked" in client.get("/sessions/?tab=closed").content.decode()


def test_the_open_list_leaves_out_what_the_next_request_would_refuse(make: Make, sam: Account, vic: Account) -> None:
    make.client(vic)
    Session.objects.filter(account=vic).update(last_seen_at=timezone.now() - timedelta(hours=9))
    assert usernames(make.client(sam)) == ["sam"]


def test_filters_of_the_url(make: Make, sam: Account, vic: Account) -> None:
    make.client(vic)
    client = make.client(sam)
    assert usernames(client, "q=VI") == ["vic"]
    assert usernames(client, "q=nobody") == []
    assert usernames(client, "method=password") == []
    assert usernames(client, "order=opened") == ["vic", "sam"]


def test_logging_out_a_session_refuses_its_next_request(make: Make, sam: Account, vic: Account) -> None:
    other = make.client(vic)
    session = Session.objects.get(account=vic)
    client = make.client(sam)
    answer = client.post(f"/sessions/{session.pk}/end/", follow=True)
    assert "The session of vic has ended." in answer.content.decode()
    assert other.get("/profile/").status_code == 302
    session.refresh_from_db()
    assert (session.cause, session.closed_by_name, session.cause_label) == ("ended", "sam", "Ended by sam")
    entry = Entry.objects.get(event="session.closed")
    assert (entry.actor_name, entry.details["account"]) == ("sam", "vic")


def test_a_closed_session_is_not_offered_for_ending_and_ending_it_again_is_refused(
    make: Make, sam: Account, vic: Account
) -> None:
    make.client(vic)
    session = Session.objects.get(account=vic)
    client = make.client(sam)
    client.post(f"/sessions/{session.pk}/end/")
    assert f"/sessions/{session.pk}/end/" not in client.get(f"/sessions/{session.pk}/").content.decode()
    again = client.post(f"/sessions/{session.pk}/end/")
    assert again.status_code == 409
    assert "already ended" in again.content.decode()


def test_ending_ones_own_session_signs_out(make: Make, sam: Account) -> None:
    client = make.client(sam)
    client.post(f"/sessions/{Session.objects.get().pk}/end/")
    assert client.get("/sessions/").status_code == 302


def test_ending_several_ends_each_with_its_own_entry(make: Make, sam: Account, vic: Account, ed: Account) -> None:
    for account in (vic, ed):
        make.client(account)
    ids = list(Session.objects.values_list("pk", flat=True))
    client = make.client(sam)
    assert "2 sessions" in client.get("/sessions/end/", {"id": ids}).content.decode()
    client.post("/sessions/end/", {"id": ids})
    entries = Entry.objects.filter(event="session.closed")
    assert {entry.details["account"] for entry in entries} == {"vic", "ed"}
    assert len({entry.details["batch"] for entry in entries}) == 1


def test_the_card_lists_what_was_done_in_the_session(make: Make, ada: Account, sam: Account, vic: Account) -> None:
    make.client(ada).post(f"/accounts/{vic.pk}/lock/")
    session = Session.objects.get(account=ada)
    assert "account.locked" in make.client(sam).get(f"/sessions/{session.pk}/").content.decode()


def test_last_seen_is_written_at_most_once_a_minute(make: Make, vic: Account) -> None:
    client = make.client(vic)
    just_now = timezone.now() - timedelta(seconds=50)
    Session.objects.update(last_seen_at=just_now)
    client.get("/profile/")
    assert Session.objects.get().last_seen_at == just_now
    Session.objects.update(last_seen_at=timezone.now() - timedelta(seconds=70))
    client.get("/profile/")
    assert timezone.now() - Session.objects.get().last_seen_at < timedelta(seconds=30)


def test_a_session_past_its_limit_is_written_down_at_its_next_request(make: Make, vic: Account) -> None:
    client = make.client(vic)
    Session.objects.update(last_seen_at=timezone.now() - timedelta(hours=9))
    assert client.get("/profile/").status_code == 302
    session = Session.objects.get()
    assert (session.cause, session.is_open) == (Cause.IDLE, False)
    assert Entry.objects.get(event="session.closed").details["cause"] == "idle"


def test_purging_writes_down_limits_and_removes_what_is_a_year_old(make: Make, vic: Account, ed: Account) -> None:
    now = timezone.now()
    for account in (vic, ed):
        make.client(account)
    Session.objects.filter(account=vic).update(opened_at=now - timedelta(days=8))
    Session.objects.filter(account=ed).update(closed_at=now - timedelta(days=366), cause=Cause.SIGNED_OUT, data="")
    Client().post("/sign-in/", {"username": "vic", "password": PASSWORD})
    counts = purge_sessions(now=now)
    assert (counts["absolute"], counts["idle"], counts["removed"]) == (1, 0, 1)
    assert list(Session.objects.values_list("account__username", "cause")) == [("vic", "absolute")]


def test_purging_removes_visits_that_never_signed_in(make: Make, vic: Account) -> None:
    vic.set_password(PASSWORD)
    vic.must_change_password = True
    vic.save()
    Client().post("/sign-in/", {"username": "vic", "password": PASSWORD})
    visit = Session.objects.get()
    assert visit.account is None
    assert purge_sessions(now=timezone.now())["visitors"] == 0
    assert purge_sessions(now=timezone.now() + VISITORS_KEPT * 2)["visitors"] == 1


def test_an_account_sees_nothing_of_others_sessions(make: Make, vic: Account, ed: Account) -> None:
    make.client(ed)
    others = Session.objects.get(account=ed)
    client = make.client(vic)
    assert client.get("/sessions/").status_code == 403
    assert client.get(f"/sessions/{others.pk}/").status_code == 403
    assert client.post(f"/profile/sessions/{others.pk}/end/").status_code == 404
    others.refresh_from_db()
    assert others.is_open
