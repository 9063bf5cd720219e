"""Pages of sessions: who is signed in, who was and why not any more, and ending it."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.services import locks
from audit.models import Entry
from sessions_admin.models import Cause, Session
from sessions_admin.services import end_sessions_of
from tests.conftest import Make


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


def test_the_number_of_queries_does_not_grow_with_the_rows(
    make: Make, sam: Account, vic: Account, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    client = make.client(sam)
    for address in ("/sessions/", "/sessions/?tab=closed"):
        for rows in (1, 10):
            for _row in range(rows):
                make.client(vic)
            if "closed" in address:
                end_sessions_of(vic.pk, cause=Cause.LOCKED, actor=make.actor(sam))
            with django_assert_max_num_queries(5):
                client.get(address)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=vic", ["vic"]),
        ("q=VON+GUNTEN", ["vic"]),
        ("q=10.20.", ["vic"]),
        ("q=2001:DB8", ["ed"]),
        ("q=10.20.99", []),
        ("q=.", []),
        ("q=%25", []),
        ("q=s-0", []),
        ("q=s-99999999999999999999", []),
        ("method=password", ["ed"]),
        ("period=24h", ["ed", "vic"]),
        ("q=ed&method=password&period=7d", ["ed"]),
    ],
)
def test_the_filter_of_the_url(make: Make, sam: Account, query: str, found: list[str]) -> None:
    client = make.client(sam)
    for name, address, method, names in (
        ("vic", "10.20.30.40", "", {"first_name": "Vic", "last_name": "von Gunten"}),
        ("ed", "2001:db8::7", "password", {}),
    ):
        make.client(make.account(name, **names))
        Session.objects.filter(account__username=name).update(address=address, method=method)
    Session.objects.filter(account=sam).update(opened_at=timezone.now() - timedelta(days=5), address=None)
    assert [name for name in usernames(client, query) if name != "sam"] == found


def test_a_session_is_found_by_its_number(make: Make, sam: Account, vic: Account) -> None:
    make.client(vic)
    session = Session.objects.get(account=vic)
    assert usernames(make.client(sam), f"q=S-{session.pk}") == ["vic"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("method=magic", "magic is not one of the available choices"),
        ("tab=closed&cause=magic", "magic is not one of the available choices"),
        ("period=century", "century is not one of the available choices"),
        (f"q={'x' * 10_000}", "at most 200 characters"),
        ("q=%00", "Null characters are not allowed"),
    ],
)
def test_a_filter_that_makes_no_sense_is_named(make: Make, sam: Account, query: str, sentence: str) -> None:
    answer = make.client(sam).get(f"/sessions/?{query}")
    assert answer.status_code == 200
    assert sentence in html.unescape(answer.content.decode())


@pytest.mark.parametrize("query", ["order=key_digest", "order=-account__password", "order=", "tab=nonsense", "size=7"])
def test_only_listed_orders_tabs_and_sizes_count(make: Make, sam: Account, query: str) -> None:
    assert usernames(make.client(sam), query) == ["sam"]


def test_chips_lead_to_the_list_without_them_and_stay_in_the_tab(make: Make, sam: Account) -> None:
    page = make.client(sam).get("/sessions/?tab=closed&cause=locked&q=vic").content.decode()
    assert 'href="?tab=closed&amp;q=vic"' in page
    assert 'href="/sessions/?tab=closed"' in page


def test_ones_own_session_is_marked_and_an_account_without_names_is_its_username(make: Make, sam: Account) -> None:
    page = make.client(sam).get("/sessions/").content.decode()
    assert page.count("this session") == 1
    assert "None" not in page
    card = make.client(sam).get(f"/sessions/{Session.objects.filter(account=sam).latest('pk').pk}/").content.decode()
    assert "None" not in card


def test_the_card_offers_to_end_all_of_the_account(make: Make, sam: Account, vic: Account) -> None:
    for _browser in range(2):
        make.client(vic)
    client = make.client(sam)
    card = client.get(f"/sessions/{Session.objects.filter(account=vic).latest('pk').pk}/").content.decode()
    assert f'href="/accounts/end-sessions/?id={vic.pk}&amp;next=' in card
    client.post("/accounts/end-sessions/", {"id": [vic.pk]})
    assert {session.cause for session in Session.objects.filter(account=vic)} == {"ended"}


def test_what_is_past_a_limit_is_counted_below_the_open_ones(make: Make, sam: Account, vic: Account) -> None:
    make.client(vic)
    client = make.client(sam)
    assert "past a limit" not in client.get("/sessions/").content.decode()
    Session.objects.filter(account=vic).update(last_seen_at=timezone.now() - timedelta(hours=9))
    assert "1 more session is past a limit" in client.get("/sessions/").content.decode()


def test_an_account_sees_nothing_of_others_sessions(make: Make, vic: Account, ed: Account) -> None:
    make.client(ed)
    others = Session.objects.get(account=ed)
    client = make.client(vic)
    assert client.get("/sessions/").status_code == 403
    assert client.get(f"/sessions/{others.pk}/").status_code == 403
    assert client.post(f"/profile/sessions/{others.pk}/end/").status_code == 404
    others.refresh_from_db()
    assert others.is_open
