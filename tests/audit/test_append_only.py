"""Nobody changes or deletes an entry: not through the model, not through what Django calls below it, not by SQL."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models.deletion import Collector

from accounts.models import Account
from agora.base.actor import Actor
from audit.models import AppendOnly, Entry
from audit.services import record
from tests.conftest import Make

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(make: Make, sam: Account) -> Entry:
    return record("account.locked", actor=make.actor(sam), target=sam)


def copy(entry: Entry) -> Entry:
    """A new object with the old id, as somebody would make who wants to write over it."""
    return Entry(pk=entry.pk, at=entry.at, event=entry.event, outcome=entry.outcome, actor_name="forged")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda entry: entry.save(),
        lambda entry: entry.save(update_fields=["actor_name"]),
        lambda entry: entry.delete(),
        lambda entry: copy(entry).save(force_update=True),
        lambda entry: Entry.objects.update(actor_name="forged"),
        lambda entry: Entry.objects.filter(pk=entry.pk).delete(),
        lambda entry: Entry.objects.all()._raw_delete("default"),
        lambda entry: Entry.objects.bulk_update([entry], ["actor_name"]),
        lambda entry: Entry.objects.update_or_create(pk=entry.pk, defaults={"actor_name": "forged"}),
        lambda entry: Entry._base_manager.filter(pk=entry.pk).update(actor_name="forged"),
        lambda entry: Entry._base_manager.filter(pk=entry.pk).delete(),
        lambda entry: Entry._default_manager.bulk_update([entry], ["actor_name"]),
        lambda entry: Entry.objects.bulk_create(
            [copy(entry)], update_conflicts=True, unique_fields=["id"], update_fields=["actor_name"]
        ),
    ],
)
def test_the_model_refuses(entry: Entry, attempt: Callable[[Entry], object]) -> None:
    entry.actor_name = "forged"
    with pytest.raises((AppendOnly, DatabaseError)), transaction.atomic():
        attempt(entry)
    assert Entry.objects.get().actor_name == "sam"


def test_a_new_object_never_takes_the_place_of_an_old_one(entry: Entry) -> None:
    with pytest.raises(AppendOnly):
        copy(entry).save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Entry.objects.bulk_create([copy(entry)])
    assert Entry.objects.get().actor_name == "sam"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_entry SET actor_name = 'forged'", "UPDATE audit_entry SET details = '{}' WHERE outcome = 'success'"],
)
def test_the_database_refuses_to_change(entry: Entry, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Entry.objects.get().actor_name == "sam"


@pytest.mark.postgresql("SQLite has no TRUNCATE, so deleting by SQL stays possible.")
def test_postgresql_refuses_to_delete(entry: Entry) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_entry")
    collector = Collector(using="default", origin=entry)
    collector.collect([entry])
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        collector.delete()
    assert Entry.objects.count() == 1


def test_rows_around_an_entry_come_and_go(entry: Entry, sam: Account) -> None:
    sam.delete()
    record("account.locked", actor=Actor.system())
    assert list(Entry.objects.order_by("id").values_list("actor_name", flat=True)) == ["sam", "system"]
