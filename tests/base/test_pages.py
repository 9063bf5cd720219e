"""Lists: whatever the rows, walking yields each exactly once; whatever the text, searching finds what a scan does."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.http import QueryDict
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account
from accounts.roles import Role
from agora.base import search
from agora.base.errors import BadRequest
from agora.base.models import fold
from agora.base.pages import Planned, bounded_count, counts_of_all, keyset_page
from agora.base.search import matching

few = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
START = datetime(2026, 11, 20, 12, tzinfo=UTC)
# Letters that databases, patterns and Unicode treat specially, and few of them: so that they meet.
letters = st.sampled_from([*"aAbB01%_\\'\"*[]?^$.|-/ \néßİıﬁאب𝕏漢😀Σς", "\u0301"])
names = st.text(letters, min_size=1, max_size=12)


def fill(rows: list[tuple[str, int, str]]) -> list[Account]:
    """Accounts with these first names, logins so many minutes after the start, and roles."""
    Account.objects.all().delete()
    made = [
        Account(
            username=f"u{number}",
            username_key=f"u{number}",
            first_name=name,
            last_login_key=START + timedelta(minutes=minute),
            role=role,
        )
        for number, (name, minute, role) in enumerate(rows)
    ]
    for account in made:
        account.search_text = account.folded()
    return Account.objects.bulk_create(made)


several = st.lists(
    st.tuples(names, st.integers(0, 3), st.sampled_from(Role.values)),  # many ties
    max_size=25,
)


planned = Planned("test_pages", Account, lambda since: Account.objects.filter(last_login_key__gte=since), datetime)
LISTS: dict[str, Callable[[], Any]] = {"rows": Account.objects.all, "planned": lambda: planned(START)}


@pytest.mark.django_db
@pytest.mark.parametrize("listed", LISTS)
@pytest.mark.parametrize("order", ["last_login_key", "-last_login_key", "role", "-role", "username_key", "pk", "-pk"])
@few
@given(rows=several, size=st.integers(1, 7))
def test_walking_forth_and_back_yields_every_row_exactly_once(
    order: str, listed: str, rows: list[tuple[str, int, str]], size: int
) -> None:
    fill(rows)
    column = order.removeprefix("-")
    down = "-" if order.startswith("-") else ""
    expected = list(Account.objects.order_by(order, *([f"{down}pk"] if column != "pk" else [])))
    forth: list[Account] = []
    page = keyset_page(LISTS[listed](), order=order, params={}, size=size)
    assert not page.has_previous
    seen = [page]
    while page.has_next:
        page = keyset_page(LISTS[listed](), order=order, params={"after": page.next_cursor}, size=size)
        seen.append(page)
        assert page.has_previous
    forth = [row for page in seen for row in page.rows]
    assert forth == expected
    back = list(page.rows)
    while page.has_previous:
        page = keyset_page(LISTS[listed](), order=order, params={"before": page.previous_cursor}, size=size)
        assert page.has_next
        back = page.rows + back
    assert back == expected


@pytest.mark.django_db
@pytest.mark.parametrize("walk", [search.WALK, 2])
@few
@given(rows=several, text=st.one_of(st.text(letters, max_size=4), names), size=st.integers(1, 30))
def test_searching_finds_what_a_scan_finds_in_the_same_order(
    walk: int, rows: list[tuple[str, int, str]], text: str, size: int
) -> None:
    everybody = sorted(fill(rows), key=lambda account: (account.last_login_key, account.pk), reverse=True)
    expected = [account for account in everybody if fold(text) in account.folded()]
    usual, search.WALK = search.WALK, walk
    try:
        page = keyset_page(Account.objects.all(), order="-last_login_key", params={}, size=size, text=text)
    finally:
        search.WALK = usual
    assert page.rows == expected[:size]
    assert page.has_next == (len(expected) > size)
    assert sorted(matching(Account.objects.all(), text), key=expected.index) == expected


@pytest.mark.django_db
def test_a_planned_list_takes_its_values_from_each_request(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    fill([(name, minute, "none") for minute, name in enumerate("abcdef")])
    keyset_page(planned(START), order="-pk", params={}, size=3)  # PREPARE
    with django_assert_num_queries(1):
        page = keyset_page(planned(START), order="-pk", params={}, size=3)
    assert [row.first_name for row in page.rows] == ["f", "e", "d"]
    assert not keyset_page(planned(START + timedelta(hours=1)), order="-pk", params={}, size=3).rows
    late = planned(START + timedelta(minutes=4))
    assert [row.first_name for row in keyset_page(late, order="-pk", params={}, size=3).rows] == ["f", "e"]
    assert [row.first_name for row in keyset_page(late, order="-pk", params={}, text="e").rows] == ["e"]
    assert [row.first_name for row in keyset_page(late, order="-pk", params={}, exact=Q(first_name="f")).rows] == ["f"]


@pytest.mark.django_db(transaction=True)
def test_threads_that_ask_for_the_first_page_at_once_prepare_it_once_each() -> None:
    fill([("a", 0, "none")])
    together = Barrier(4)

    def ask(_: int) -> tuple[int, int]:
        together.wait()
        fresh = Planned("test_at_once", Account, Account.objects.all)  # as where two threads write the same one
        found = [len(keyset_page(one(), order="pk", params={}, size=7).rows) for one in (fresh, at_once)]
        connection.close()
        return found[0], found[1]

    at_once = Planned("test_at_once", Account, Account.objects.all)
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == [(1, 1)] * 4


@pytest.mark.django_db
def test_a_row_in_between_neither_repeats_nor_hides_another() -> None:
    fill([(name, 0, "none") for name in "abcdef"])
    first = keyset_page(Account.objects.all(), order="username_key", params={}, size=3)
    Account.objects.filter(pk=first.rows[0].pk).delete()
    Account(username="u00").save()
    second = keyset_page(Account.objects.all(), order="username_key", params={"after": first.next_cursor}, size=3)
    assert [row.username for row in second.rows] == ["u3", "u4", "u5"]


@pytest.mark.django_db
@few
@example(cursor=base64.b64encode(b"[" * 100_000).decode())
@given(
    cursor=st.one_of(st.text(min_size=1, max_size=40), st.binary(min_size=1, max_size=40).map(lambda raw: raw.hex()))
)
def test_a_damaged_cursor_is_a_bad_request(cursor: str) -> None:
    with pytest.raises(BadRequest, match="This page link is damaged"):
        keyset_page(Account.objects.all(), order="-last_login_key", params={"after": cursor})


@pytest.mark.django_db
def test_a_cursor_of_another_order_is_a_bad_request() -> None:
    fill([("a", 0, "none"), ("b", 1, "none")])
    by_name = keyset_page(Account.objects.all(), order="username_key", params={}, size=1)
    with pytest.raises(BadRequest):
        keyset_page(Account.objects.all(), order="-last_login_key", params=QueryDict(f"after={by_name.next_cursor}"))


@pytest.mark.django_db
def test_a_page_costs_one_query(django_assert_num_queries: object) -> None:
    fill([("a", number, "none") for number in range(12)])
    for size in (1, 5, 50):
        with django_assert_num_queries(1):  # type: ignore[operator]
            keyset_page(Account.objects.all(), order="-last_login_key", params={}, size=size)


@pytest.mark.django_db
def test_counting_stops_at_the_bound() -> None:
    fill([("a", 0, "none") for _ in range(12)])
    assert bounded_count(Account.objects.all(), most=10) == 10
    assert bounded_count(Account.objects.filter(role="none"), most=100) == 12


@pytest.mark.django_db
@pytest.mark.parametrize(("most", "counts"), [(5, [5, 5, 4]), (10, [10, 8, 4]), (100, [12, 8, 4])])
def test_a_list_and_its_parts_are_counted_together_up_to_the_bound(most: int, counts: list[int]) -> None:
    fill([("a", number, "none") for number in range(12)])
    rows = Account.objects.all()
    rows.filter(pk__in=rows[:4]).update(is_active=False)
    found = counts_of_all(f"test_counts_{most}", rows, [rows.usable(), rows.inactive()], most=most).fetch()
    assert list(found[0]) == counts
