"""The narrow copy of the accounts' text: the database keeps it, and a search that reads it finds what a scan does."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Q, QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from accounts.roles import Role
from agora.base import search
from agora.base.models import CreateTextCopy, fold, text_copy
from agora.base.pages import keyset_page
from agora.base.search import matching
from sessions_admin.models import still_open
from tests.conftest import Make

pytestmark = pytest.mark.django_db
keeps_a_copy = pytest.mark.postgresql("SQLite keeps no copy.")
START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def asked(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def copied() -> list[tuple[Any, ...]]:
    return asked("SELECT id, username_key, search_text FROM accounts_account_text ORDER BY id")


def there() -> list[tuple[Any, ...]]:
    return list(Account.objects.order_by("pk").values_list("pk", "username_key", "search_text"))


def places() -> list[tuple[Any, ...]]:
    """Where each row of the copy lies: a row that is written lies elsewhere afterwards."""
    return asked("SELECT id, ctid::text FROM accounts_account_text ORDER BY id")


def unsaved(name: str, **fields: Any) -> Account:
    account = Account(username=name, username_key=fold(name), **fields)
    account.search_text = account.folded()
    return account


@keeps_a_copy
def test_the_copy_follows_every_write(ada: Account, sam: Account) -> None:
    assert copied() == there() != []
    ada.first_name = "Ada"
    ada.save(update_fields=["first_name"])
    assert "ada\nada" in [text for _pk, _key, text in copied()]
    sam.username = "Samuel"
    sam.save()
    assert copied() == there()
    Account.objects.bulk_create([unsaved(f"many{number}") for number in range(20)])
    assert len(copied()) == 22
    Account.objects.filter(username_key__startswith="many1").update(search_text="changed")
    assert [text for _pk, _key, text in copied()].count("changed") == 11
    assert copied() == there()
    Account.objects.filter(search_text="changed").delete()
    ada.delete()
    assert copied() == there()
    assert len(copied()) == 10


@keeps_a_copy
def test_a_write_that_is_undone_is_undone_in_the_copy(ada: Account) -> None:
    asked("SAVEPOINT before; UPDATE accounts_account SET search_text = 'x' RETURNING id")
    assert copied()[0][2] == "x"
    asked("ROLLBACK TO SAVEPOINT before; SELECT 1")
    assert copied() == there()


@pytest.mark.django_db(transaction=True)
@keeps_a_copy
def test_emptying_the_table_empties_the_copy() -> None:
    unsaved("ada").save()
    assert len(copied()) == 1
    call_command("flush", verbosity=0, interactive=False)
    assert copied() == there() == []


@keeps_a_copy
def test_what_changes_no_text_leaves_the_copy_alone(ada: Account, sam: Account) -> None:
    before = places()
    ada.last_login = START
    ada.save(update_fields=["last_login"])
    Account.objects.update(last_login=START, last_login_key=START, role=Role.VIEWER)
    sam.refresh_from_db()
    sam.email = "sam@example.org"
    sam.save()  # writes every column
    assert places() == before
    sam.last_name = "Smith"
    sam.save()
    assert places() != before


@keeps_a_copy
def test_only_the_copy_has_the_index_over_the_text() -> None:
    found = asked(
        "SELECT tablename FROM pg_indexes WHERE tablename LIKE 'accounts_account%%' AND indexdef LIKE '%%USING gin%%'"
    )
    assert found == [("accounts_account_text",)]


@keeps_a_copy
def test_a_table_with_rows_gets_its_copy_and_loses_it_again() -> None:
    asked(
        "CREATE TABLE narrow (id bigint PRIMARY KEY, name varchar(20), seen int, search_text text NOT NULL); SELECT 1"
    )
    asked("INSERT INTO narrow VALUES (1, 'a', 0, 'alpha'), (2, 'b', 0, 'beta') RETURNING id")
    operation = CreateTextCopy("narrow", columns=("name",), shortest=3)
    with connection.schema_editor() as editor:
        operation.database_forwards("accounts", editor)
    asked("UPDATE narrow SET id = 3, name = 'g' WHERE id = 2 RETURNING id")
    assert asked("SELECT * FROM narrow_text ORDER BY id") == [(1, "a", "alpha"), (3, "g", "beta")]
    assert asked("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'name' "
                 "AND attrelid = 'narrow_text'::regclass") == [("character varying(20)",)]  # fmt: skip
    with connection.schema_editor() as editor:
        operation.database_backwards("accounts", editor)
    assert asked("SELECT to_regclass('narrow_text'), to_regproc('narrow_text_follow')") == [(None, None)]
    asked("DELETE FROM narrow RETURNING id")


@pytest.fixture
def everybody(db: None) -> list[Account]:
    """Two hundred accounts, most of them with an "x": every third text, every fifth viewer, some locked, many ties."""
    made = [
        unsaved(
            f"u{number * 7 % 200:03}",
            first_name=("Xaver", "Maxx", "Anna")[number % 3],
            last_name="O'Brien" if number % 2 else "50%",
            role=Role.VIEWER if number % 5 == 0 else Role.NONE,
            is_active=number % 11 != 0,
            last_login_key=START + timedelta(days=number % 4),
        )
        for number in range(200)
    ]
    found = Account.objects.bulk_create(made)
    if connection.vendor == "postgresql":
        asked("ANALYZE accounts_account, accounts_account_text; SELECT 1")
    return found


@pytest.fixture(params=[(8_000, 400), (2, 400), (2, 5)], ids=["by walk", "by index", "with little sifted"])
def bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(("WALK", "SIFTED"), request.param, strict=True):
        monkeypatch.setattr(search, name, value)


LISTS: dict[str, Callable[[], tuple[QuerySet[Account], Q]]] = {
    "all": lambda: (Account.objects.all(), Q()),
    "counted": lambda: (Account.objects.with_open_sessions(*still_open()), Q()),
    "viewers": lambda: (Account.objects.filter(role=Role.VIEWER), Q()),
    "usable": lambda: (Account.objects.usable(), Q()),
    "nobody": lambda: (Account.objects.superusers(), Q()),
    "exact": lambda: (Account.objects.all(), Q(first_name="Maxx")),
}
ORDERS = ("username_key", "pk", "last_login_key", "role")


@pytest.mark.usefixtures("everybody", "bounds")
@pytest.mark.parametrize("name", LISTS)
def test_pages_forth_and_back_hold_what_a_scan_finds_in_its_order(name: str) -> None:
    rows, exact = LISTS[name]()
    for column, sign, text in product(ORDERS, ("", "-"), ("x", "axx", ["a", "50%"], "u1")):
        needles = [text] if isinstance(text, str) else text
        scan = rows.filter(exact).order_by(f"{sign}{column}", f"{sign}pk")
        expected = [row.pk for row in scan if all(needle in row.search_text for needle in needles)]
        order = sign + column
        params: dict[str, str] = {}
        forth: list[list[int]] = []
        while True:
            page = keyset_page(rows, order=order, params=params, size=30, text=text, exact=exact)
            forth.append([row.pk for row in page.rows])
            if not page.has_next:
                break
            params = {"after": page.next_cursor}
        assert [pk for found in forth for pk in found] == expected, (order, text)
        for found in reversed(forth[:-1]):
            params = {"before": page.previous_cursor}
            page = keyset_page(rows, order=order, params=params, size=30, text=text, exact=exact)
            assert [row.pk for row in page.rows] == found, (order, text)
        assert sorted(matching(rows, text).filter(exact).values_list("pk", flat=True)) == sorted(expected)


@keeps_a_copy
@pytest.mark.usefixtures("everybody")
@pytest.mark.parametrize(
    ("rows", "size", "joined"),
    [
        pytest.param(Account.objects.all, 50, [False], id="no condition: the copy alone"),
        pytest.param(Account.objects.usable, 5, [False], id="a condition that the first rows of the copy meet"),
        pytest.param(Account.objects.usable, 50, [False, True], id="one that they do not"),
        pytest.param(Account.objects.superusers, 50, [], id="a list that was walked through"),
    ],
)
def test_what_is_asked_of_the_copy(
    rows: Callable[[], QuerySet[Account]], size: int, joined: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "WALK", 2)
    with CaptureQueriesContext(connection) as queries:
        keyset_page(rows(), order="username_key", params={}, size=size, text="u12")
    statements = [query["sql"] for query in queries if "accounts_account_text" in query["sql"]]
    assert [" JOIN " in statement for statement in statements] == joined


def test_no_other_model_has_a_copy_and_sqlite_keeps_none(make: Make) -> None:
    from audit.models import Entry

    assert text_copy(Entry) is None
    assert (text_copy(Account) is not None) == (connection.vendor == "postgresql")


@keeps_a_copy
@pytest.mark.parametrize("shortest", [1, 2, 3])
@pytest.mark.parametrize(
    "text", ["", "a", "ab", "abc", "ada.lovelace\nada\nlovelace", "é\u0301😀ß\\'\"{},NULL", "x" * 400]
)
def test_a_text_is_cut_into_every_piece_of_up_to_three_letters(text: str, shortest: int) -> None:
    pieces = [text[at : at + size] for size in range(shortest, 4) for at in range(len(text) - size + 1)]
    assert asked("SELECT agora_grams(%s, %s)", text, shortest) == [(pieces or None,)]
