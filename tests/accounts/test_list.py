"""The list of accounts: who sees it, what it shows, filters, order and pages in the URL."""

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape

from accounts.filters import AccountFilter
from accounts.models import Account, Authenticator
from accounts.services.locks import lock
from agora.base.actor import Actor
from tests.conftest import Make

LIST = "/accounts/"
SignedIn = Callable[[Account], Client]


def shown(answer: Any) -> list[str]:
    return re.findall(r'aria-label="Open card of ([^"]+)"', answer.content.decode())


def queries(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in caught]


def test_administrators_security_and_superusers_see_it(
    signed_in: SignedIn, root: Account, ada: Account, sam: Account
) -> None:
    for account in (root, ada, sam):
        assert shown(signed_in(account).get(LIST)) == ["ada", "root", "sam"]


@pytest.mark.parametrize("who", ["connie", "ed", "vic", "otto", "nell"])
def test_other_roles_are_told_who_may(signed_in: SignedIn, request: pytest.FixtureRequest, who: str) -> None:
    answer = signed_in(request.getfixturevalue(who)).get(LIST)
    assert answer.status_code == 403
    assert "administrators give roles" in answer.content.decode()


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    assert client.get(f"{LIST}?state=locked")["Location"] == "/sign-in/?next=/accounts/%3Fstate%3Dlocked"


def test_a_row_says_what_there_is_to_know(signed_in: SignedIn, ada: Account, make: Make) -> None:
    who = {"first_name": "Vic", "last_name": "Tor", "external_id": "AD-1"}
    vic = make.account("v.ictor", role="viewer", second_factor=True, **who)
    make.client(vic)
    row = signed_in(ada).get(f"{LIST}?q=AD-1").content.decode()
    for text in ("v.ictor", "Vic Tor · AD-1", "Viewer", "On", "1 open", "just now"):
        assert text in row


def test_an_unconfirmed_authenticator_does_not_count(signed_in: SignedIn, ada: Account, make: Make) -> None:
    Authenticator.objects.create(user=make.account("vic"), name="phone", confirmed=False, secret="JBSWY3DPEHPK3PXP")
    assert shown(signed_in(ada).get(f"{LIST}?second_factor=on")) == []
    assert shown(signed_in(ada).get(f"{LIST}?second_factor=off")) == ["ada", "vic"]


def test_a_username_alone_is_enough(signed_in: SignedIn, ada: Account, make: Make) -> None:
    make.account("x")
    page = signed_in(ada).get(LIST).content.decode()
    assert "None None" not in page
    assert "Never" in page


def test_states_come_with_their_counts(signed_in: SignedIn, ada: Account, make: Make) -> None:
    make.account("ina", is_active=False)
    lock(make.account("lou"), actor=Actor.system())
    client = signed_in(ada)
    assert shown(client.get(f"{LIST}?state=active")) == ["ada"]
    assert shown(client.get(f"{LIST}?state=locked")) == ["lou"]
    assert shown(client.get(f"{LIST}?state=inactive")) == ["ina"]
    page = client.get(LIST).content.decode()
    tabs = re.findall(r">(All|Active|Locked|Inactive) <span>([^<]+)</span>", page)
    assert tabs == [("All", "3"), ("Active", "1"), ("Locked", "1"), ("Inactive", "1")]


def test_counting_stops_at_999(signed_in: SignedIn, ada: Account) -> None:
    Account.objects.bulk_create(
        Account(username=f"u{n:04}", username_key=f"u{n:04}", search_text=f"u{n:04}") for n in range(1_005)
    )
    assert "All <span>999+</span>" in signed_in(ada).get(LIST).content.decode()


def test_roles_filter(signed_in: SignedIn, root: Account, ada: Account, vic: Account) -> None:
    client = signed_in(ada)
    assert shown(client.get(f"{LIST}?role=viewer")) == ["vic"]
    assert shown(client.get(f"{LIST}?role=administrator")) == ["ada", "root"]
    assert shown(client.get(f"{LIST}?role=superuser")) == ["root"]


def test_last_login_filters(signed_in: SignedIn, ada: Account, make: Make) -> None:
    make.account("never")
    old = make.account("old")
    old.last_login = timezone.now() - timedelta(days=91)
    old.save()
    client = signed_in(ada)
    assert shown(client.get(f"{LIST}?last_login=never")) == ["never"]
    assert shown(client.get(f"{LIST}?last_login=90")) == ["never", "old"]


@pytest.mark.parametrize("text", ["keller", "MIRIAM", "ad-77", "m.k", "m", "ＫＥＬＬＥＲ"])
def test_text_looks_in_username_names_and_external_id(signed_in: SignedIn, ada: Account, make: Make, text: str) -> None:
    make.account("m.keller", first_name="Miriam", last_name="Keller", external_id="AD-77")
    make.account("zzz")
    assert shown(signed_in(ada).get(LIST, {"q": text})) == ["m.keller"]


@pytest.mark.parametrize("text", ["%", "_", "\\", "'", '"', "--", "a%c"])
def test_text_is_text_and_no_pattern(signed_in: SignedIn, ada: Account, make: Make, text: str) -> None:
    make.account("abc")
    assert shown(signed_in(ada).get(LIST, {"q": text})) == []


def test_orders(signed_in: SignedIn, ada: Account, make: Make) -> None:
    make.account("Bea", role="viewer")
    make.account("carl", role="editor")
    client = signed_in(ada)
    assert shown(client.get(f"{LIST}?order=username")) == ["ada", "Bea", "carl"]
    assert shown(client.get(f"{LIST}?order=-username")) == ["carl", "Bea", "ada"]
    assert shown(client.get(f"{LIST}?order=role")) == ["ada", "carl", "Bea"]
    assert shown(client.get(f"{LIST}?order=-last_login"))[0] == "ada"
    assert shown(client.get(f"{LIST}?order=-created")) == ["carl", "Bea", "ada"]
    assert 'aria-sort="descending"' in client.get(f"{LIST}?order=-username").content.decode()


def test_filtering_keeps_the_order_and_the_state(signed_in: SignedIn, ada: Account) -> None:
    page = signed_in(ada).get(f"{LIST}?order=-created&state=active").content.decode()
    assert '<input type="hidden" name="order" value="-created">' in page
    assert '<input type="hidden" name="state" value="active">' in page


def test_pages_go_on_and_back_without_losing_anybody(signed_in: SignedIn, ada: Account, make: Make) -> None:
    for number in range(120):
        make.account(f"u{number:03}")
    client = signed_in(ada)
    everybody = ["ada", *(f"u{number:03}" for number in range(120))]
    url, seen, urls = LIST, [], []
    while url:
        page = client.get(url)
        seen += shown(page)
        urls.append(url)
        link = re.search(r'rel="next" href="([^"]+)"', page.content.decode())
        url = LIST + link[1].replace("&amp;", "&") if link else ""
    assert seen == everybody
    assert len(urls) == 3
    back = re.search(r'rel="prev" href="([^"]+)"', client.get(urls[2]).content.decode())
    assert back
    assert shown(client.get(LIST + back[1].replace("&amp;", "&"))) == everybody[50:100]


def test_chips_take_single_filters_away(signed_in: SignedIn, ada: Account) -> None:
    page = signed_in(ada).get(f"{LIST}?q=ada&role=administrator&order=-created").content.decode()
    chips = re.findall(r'<span class="chip">([^<]+)<a href="([^"]+)"', page)
    assert [label for label, _url in chips] == ["Search: ada", "Role: Administrator"]
    assert chips[0][1] == "?role=administrator&amp;order=-created"
    assert chips[1][1] == "?q=ada&amp;order=-created"
    assert "Clear all" in page


def test_no_chips_for_usual_values(signed_in: SignedIn, ada: Account) -> None:
    page = signed_in(ada).get(f"{LIST}?q=&role=").content.decode()
    assert "Clear all" not in page


def test_nobody_matches_says_so_and_offers_to_clear(signed_in: SignedIn, ada: Account) -> None:
    page = signed_in(ada).get(f"{LIST}?q=nobody-is-called-this").content.decode()
    assert "No user matches" in page
    assert f'<a class="btn" href="{LIST}">Clear all</a>' in page


@pytest.mark.parametrize(
    "query",
    [
        "state=lost",
        "role=emperor",
        "second_factor=maybe",
        "last_login=7",
        "order=password",
        "order=--username",
        "size=7",
    ],
)
def test_values_that_make_no_sense_filter_nothing(signed_in: SignedIn, ada: Account, vic: Account, query: str) -> None:
    answer = signed_in(ada).get(f"{LIST}?{query}")
    assert answer.status_code == 200
    assert shown(answer) == ["ada", "vic"]


@pytest.mark.parametrize("query", ["q=%00", "q=" + "x" * 201, "q=%F0%28%8C%28", "role=%00"])
def test_hostile_text_is_no_error(signed_in: SignedIn, ada: Account, query: str) -> None:
    assert signed_in(ada).get(f"{LIST}?{query}").status_code == 200


def cursor_of(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!!",
        cursor_of([]),
        cursor_of(None),
        cursor_of(["a", "b"]),
        cursor_of([None, None]),
        cursor_of(["a\0b", "1"]),
        cursor_of(["\ud800", "1"]),
        cursor_of(["a", "9" * 30]),
        cursor_of([["a"], "1"]),
        cursor_of(["a", "1", "1"]),
    ],
)
@pytest.mark.parametrize("way", ["after", "before"])
def test_damaged_page_links_are_told_so(signed_in: SignedIn, ada: Account, cursor: str, way: str) -> None:
    answer = signed_in(ada).get(LIST, {way: cursor})
    assert answer.status_code == 400
    assert "This page link is damaged." in answer.content.decode()


def test_names_are_text_and_never_markup(signed_in: SignedIn, ada: Account, make: Make) -> None:
    make.account("<b>bold</b>", first_name='"><script>alert(1)</script>')
    page = signed_in(ada).get(LIST).content.decode()
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page


def test_a_page_costs_the_same_queries_with_few_and_many_rows(signed_in: SignedIn, ada: Account, make: Make) -> None:
    client = signed_in(ada)
    few = queries(client, LIST)
    for number in range(10):
        client_of = make.account(f"u{number}", role="viewer")
        make.client(client_of)
    many = queries(client, LIST)
    assert len(few) == len(many) <= 5
    assert len(queries(client, f"{LIST}?q=u&state=active&role=viewer&order=-last_login")) <= 6


def test_security_is_offered_locks_but_no_passwords(signed_in: SignedIn, ada: Account, sam: Account) -> None:
    page = signed_in(sam).get(LIST).content.decode()
    assert "Lock ada" in page
    assert "New password" not in page
    assert "New User" not in page
    assert "Export" not in page


def test_the_links_to_cards_remember_the_list(signed_in: SignedIn, ada: Account, vic: Account) -> None:
    page = signed_in(ada).get(f"{LIST}?role=viewer&order=-created").content.decode()
    assert f'href="/accounts/{vic.pk}/?back=/accounts/%3Frole%3Dviewer%26order%3D-created"' in page


def test_the_answer_is_not_kept_by_browsers(signed_in: SignedIn, ada: Account) -> None:
    assert signed_in(ada).get(LIST)["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ["/accounts/?q=u-&order=-username", "/accounts/", "/accounts/?q=u-&before=WyIiXQ"])
def test_a_page_past_the_end_says_so(signed_in: SignedIn, ada: Account, address: str) -> None:
    cursor = "" if "before" in address else "after=" + ("WyIiXQ" if "order" in address else "WyJ6enoiXQ")
    page = signed_in(ada).get(f"{address}{'&' if '?' in address else '?'}{cursor}").content.decode()
    assert "This page is past the end of the list." in page
    assert "Nobody fits" not in page
    start = address.split("&before")[0].removeprefix("/accounts/") or "?"
    assert f'href="{escape(start)}">To the start of the list' in page


def test_the_filters_of_two_requests_know_only_their_own_choices(ada: Account, vic: Account) -> None:
    one = AccountFilter(QueryDict("role=viewer&q=vi"), queryset=Account.objects.all())
    other = AccountFilter(QueryDict("role=administrator"), queryset=Account.objects.all())
    assert one.values["role"] == "viewer"
    assert list(other.qs) == [ada]
    assert list(one.qs) == [vic]
    assert one.filters["role"].parent is one
    assert one.filters["role"] is not other.filters["role"]
