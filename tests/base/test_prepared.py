"""Prepared statements do as the ORM does: the same row, its joins, its annotations, nothing for what is not there."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import DataError, connection, models, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Account
from agora.base.prepared import NUMBER, OTHER, TEXT, Prepared, PreparedLook, stand_in
from agora.base.writing import PreparedUpdate, _kept, insert, together, update
from audit.models import Entry, Outcome
from sessions_admin.models import Cause, Session
from tests.conftest import Make

by_name = Prepared("test_account_by_name", lambda: Account.objects.filter(username_key=TEXT))
by_id = Prepared("test_session_by_id", lambda: Session.objects.with_limits().filter(pk=NUMBER))
by_names = Prepared(
    "test_accounts_by_names", lambda: Account.objects.filter(username_key__in=[TEXT, OTHER]).order_by("-username_key")
)

rename = PreparedUpdate(
    "test_rename_accounts",
    lambda: Account.objects.filter(username_key=TEXT).exclude(pk=stand_in(int, 1)),
    *("first_name", "last_login", "locked_by_id"),
)


NOW = datetime(2026, 1, 1, tzinfo=UTC)
look = PreparedLook(
    "test_look",
    lambda: Account.objects.with_two_factor_required().filter(username_key=TEXT),
    lambda: Account.objects.filter(username_key=OTHER, created_at__gt=stand_in(datetime, 2)),
    draws=Session,
)


def test_a_row_is_that_of_the_orm_and_can_be_saved(ada: Account) -> None:
    found = by_name("ada")
    assert found == ada
    assert found is not None
    assert {name: getattr(found, name) for name in vars(ada) if name != "_state"} == {
        name: value for name, value in vars(Account.objects.get(pk=ada.pk)).items() if name != "_state"
    }
    found.first_name = "Adeline"
    found.save()
    ada.refresh_from_db()
    assert ada.first_name == "Adeline"


def test_joined_rows_and_annotations_come_in_the_one_query(
    make: Make, ada: Account, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make.client(ada)
    row = Session.objects.get()
    by_id(row.pk)  # PREPARE
    with django_assert_num_queries(1):
        found = by_id(row.pk)
        assert found is not None
        assert found.account == ada
        assert (found.idle_limit, found.two_factor_required) == (timedelta(hours=8), False)


def test_a_join_without_a_row_is_none(db: None) -> None:
    now = timezone.now()
    visitor = Session.objects.create(key_digest="x", opened_at=now, last_seen_at=now)
    found = by_id(visitor.pk)
    assert found is not None
    assert found.account is None


@pytest.mark.parametrize("number", [0, -1, 2**63 - 1, 2**63, 10**40, -(10**40)])
def test_no_such_number(db: None, number: int) -> None:
    assert by_id(number) is None


@pytest.mark.parametrize("text", ["", "nobody", "' OR 1=1 --", "%s %(x)s", "$1", TEXT, "ä\u2028😀"])
def test_no_such_text(ada: Account, text: str) -> None:
    assert by_name(text) is None


def test_a_new_connection_prepares_again(transactional_db: None, make: Make) -> None:
    ada = make.account("ada")
    assert by_name("ada") == ada
    connection.close()
    assert by_name("ada") == ada


def test_two_texts_find_the_rows_of_both_in_their_order(make: Make) -> None:
    ada, sam = make.account("ada"), make.account("sam")
    make.account("vic")
    assert list(by_names.all("ada", "sam")) == list(by_names.all("sam", "ada")) == [sam, ada]
    assert list(by_names.all("ada", "ada")) == [ada]
    assert list(by_names.all("nobody", OTHER)) == []


def test_an_inserted_row_is_as_if_saved(ada: Account) -> None:
    now = timezone.now()
    values = {"opened_at": now, "last_seen_at": now, "account": ada, "address": "2001:db8::1", "user_agent": "%s ' $1"}
    saved, inserted = Session(key_digest="a", **values), Session(key_digest="b", **values)
    saved.save()
    insert(inserted)
    assert inserted.pk and not inserted._state.adding
    rows = Session.objects.filter(pk__in=[saved.pk, inserted.pk]).order_by("key_digest").values()
    first, second = ({**row, "id": None, "key_digest": ""} for row in rows)
    assert first == second
    inserted.cause = "ended"  # can be saved like any other
    inserted.closed_at = now
    inserted.save()
    assert Session.objects.get(pk=inserted.pk).cause == "ended"


def test_an_update_writes_the_named_fields_alone(ada: Account) -> None:
    before = Account.objects.values().get(pk=ada.pk)
    ada.first_name, ada.last_name, ada.last_login = "Adeline", "%s ' $1", timezone.now()
    assert update(ada, "last_name", "last_login")
    after = Account.objects.values().get(pk=ada.pk)
    assert after == before | {"last_name": "%s ' $1", "last_login": ada.last_login}


def test_an_update_is_not_made_where_there_is_what_forbids_it(make: Make) -> None:
    ada, _sam = make.account("ada", first_name="Ada"), make.account("sam")
    ada.first_name = "Adeline"
    assert not update(ada, "first_name", unless=(by_names, ("%s", "sam")))
    assert Account.objects.get(pk=ada.pk).first_name == "Ada"
    assert update(ada, "first_name", unless=(by_names, ("%s", "nobody")), unchanged=("locked_at", "is_active"))
    assert Account.objects.get(pk=ada.pk).first_name == "Adeline"


def test_an_update_of_a_row_that_is_gone_says_so(ada: Account) -> None:
    Account.objects.filter(pk=ada.pk).delete()
    assert not update(ada, "last_login")


PLAIN = [None, "", "x", "ä %s ' $1", "7", True, False, 0, 7, 2**40, Cause.LOCKED, Outcome.DENIED]


@pytest.mark.parametrize("model", [Account, Entry, Session])
def test_values_go_to_the_driver_as_when_they_are_saved(model: type[models.Model], db: None) -> None:
    fields = [
        field for field in model._meta.local_concrete_fields if type(field).__module__ == "django.db.models.fields"
    ]
    for field in fields:
        for value in PLAIN:
            try:
                saved = field.get_db_prep_save(value, connection)
            except (TypeError, ValueError, ValidationError):
                continue  # no value of this field
            (kept,) = _kept([(field, value)])
            assert (type(kept), str(kept)) == (type(saved), str(saved)), (field, value)  # psycopg2's Inet has no ==


def test_an_update_of_many_writes_what_the_orm_writes(make: Make) -> None:
    ada, sam, now = make.account("ada"), make.account("sam"), timezone.now()
    before = {row["id"]: row for row in Account.objects.values()}
    written = {"first_name": "%s ' $1", "last_login": now, "locked_by_id": None}
    assert rename("ada", sam.pk, **written) == 1
    assert rename("ada", ada.pk, **written) == 0
    assert rename("nobody", 0, **written) == 0
    after = {row["id"]: row for row in Account.objects.values()}
    assert after == before | {ada.pk: before[ada.pk] | written}


def test_a_look_tells_of_both_in_one_answer(
    make: Make, ada: Account, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make.account("sam", first_name="Sam")
    late = make.account("late")
    look(*("ada", "sam", NOW))
    with django_assert_num_queries(1):
        found, there, _id = look("ada", "sam", NOW)
    assert (found, there) == (ada, True)
    assert found is not None
    assert (found.two_factor_required, found.is_active, found.created_at) == (False, True, ada.created_at)
    assert look("nobody", "sam", NOW)[:2] == (None, True)
    assert look("ada", "nobody", NOW)[:2] == (ada, False)
    assert look("nobody", "nobody", NOW)[:2] == (None, False)
    assert look("late", "sam", timezone.now() + timedelta(hours=1))[:2] == (late, False)


def drawn() -> int | None:
    return look("nobody", "nobody", NOW)[2]


def test_an_id_that_is_drawn_is_given_to_nobody_else(ada: Account) -> None:
    ids = [drawn(), drawn()]
    saved = Session.objects.create(key_digest="x", account=ada, opened_at=NOW, last_seen_at=NOW)
    if connection.vendor == "postgresql":
        first, second = ids
        assert first and second and saved.pk not in ids and first != second
    else:
        assert ids == [None, None]


def opened(ada: Account, *, key: str = "x", unless: str = "nobody", drawn: int | None = None) -> tuple[bool, Session]:
    """Ada's name changed together with a session and the entry that names it."""
    session = Session(pk=drawn, key_digest=key, account=ada, opened_at=NOW, last_seen_at=NOW, address="2001:db8::1")

    def entry() -> Entry:
        how = {"target_name": "%s ' $1", "details": {"a": ["%s", None]}}
        return Entry(at=NOW, event="x", outcome="success", target_id=str(session.pk), **how)

    ada.first_name = "Adeline"
    done = together(
        ada, "first_name", unchanged=("locked_at", "role"), unless=(by_names, (unless, unless)), first=session,
        then=entry,
    )  # fmt: skip
    return done, session


@pytest.mark.parametrize("with_id", [False, True])
def test_a_change_and_two_rows_are_written_together(
    ada: Account, with_id: bool, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pk = drawn() if with_id else None
    opened(ada, key="before", drawn=drawn() if with_id else None)  # PREPARE
    with django_assert_num_queries(1 if pk else 5):  # with the savepoint
        done, session = opened(ada, drawn=pk)
    assert done
    assert session.pk and not session._state.adding and pk in (None, session.pk)
    assert Account.objects.get(pk=ada.pk).first_name == "Adeline"
    kept, entry = Session.objects.get(pk=session.pk), Entry.objects.latest("pk")
    assert (kept.key_digest, kept.account, kept.opened_at, kept.address) == ("x", ada, NOW, "2001:db8::1")
    assert (entry.at, entry.target_id, entry.target_name) == (NOW, str(session.pk), "%s ' $1")
    assert (entry.details, entry.actor_id) == ({"a": ["%s", None]}, None)
    session.user_agent = "later"
    session.save()
    assert Session.objects.get(pk=session.pk).user_agent == "later"


@pytest.mark.parametrize("with_id", [False, True])
@pytest.mark.parametrize("why", ["changed", "gone", "forbidden"])
def test_nothing_is_written_together_where_the_row_is_otherwise(make: Make, why: str, with_id: bool) -> None:
    ada = make.account("ada")
    entries = Entry.objects.count()
    found = Account.objects.get(pk=ada.pk)
    if why == "changed":
        Account.objects.filter(pk=ada.pk).update(role="viewer")
    elif why == "gone":
        Account.objects.filter(pk=ada.pk).delete()
    done, _session = opened(found, unless="ada" if why == "forbidden" else "nobody", drawn=drawn() if with_id else None)
    assert not done
    assert not Session.objects.exists() and Entry.objects.count() == entries
    assert not Account.objects.filter(first_name="Adeline").exists()


@pytest.mark.parametrize("with_id", [False, True])
@pytest.mark.postgresql("SQLite does not look at lengths.")
def test_what_a_column_does_not_hold_is_refused_and_not_cut(ada: Account, with_id: bool) -> None:
    with pytest.raises(DataError), transaction.atomic():
        opened(ada, key="x" * 65, drawn=drawn() if with_id else None)
    assert not Session.objects.exists()
    assert Account.objects.get(pk=ada.pk).first_name != "Adeline"
