"""What the log promises: written with the change, never a secret, readable for ever."""

from typing import Any

import pytest
from django.db import transaction

from accounts.models import Account
from accounts.services import locks, passwords
from accounts.services.accounts import change_profile
from accounts.services.rules import CannotLockYourself
from agora.base.actor import Actor
from audit.models import Entry
from audit.services import MASK, masked, record
from tests.conftest import PASSWORD, Make


def last() -> Entry:
    entry = Entry.objects.order_by("-id").first()
    assert entry is not None
    return entry


def test_an_entry_tells_who_did_what_to_whom_from_where(make: Make, ada: Account, vic: Account) -> None:
    locks.lock(vic, reason="lost laptop", actor=make.actor(ada))
    entry = last()
    assert (entry.event, entry.outcome, entry.actor_name, entry.actor_id) == (
        "account.locked",
        "success",
        "ada",
        ada.pk,
    )
    assert (entry.target_type, entry.target_id, entry.target_name) == ("account", str(vic.pk), "vic")
    assert (entry.address, entry.channel, entry.details["reason"]) == ("192.0.2.7", "web", "lost laptop")


def test_edits_hold_old_and_new_values(make: Make, ada: Account, vic: Account) -> None:
    change_profile(vic, {"first_name": "Vic", "last_name": ""}, actor=make.actor(ada))
    assert last().details["changes"] == {"first_name": ["", "Vic"]}


def test_saving_without_a_change_writes_nothing(make: Make, ada: Account, vic: Account) -> None:
    change_profile(vic, {"first_name": ""}, actor=make.actor(ada))
    assert not Entry.objects.exists()


def test_a_refusal_changes_nothing_and_is_recorded_as_denied(make: Make, ada: Account) -> None:
    with pytest.raises(CannotLockYourself):
        locks.lock(ada, actor=make.actor(ada))
    ada.refresh_from_db()
    entry = last()
    assert not ada.is_locked
    assert (entry.outcome, entry.details["code"]) == ("denied", "cannot_lock_yourself")
    assert entry.details["reason"].startswith("Nobody locks")


def test_an_entry_goes_when_its_change_is_undone(make: Make, ada: Account, vic: Account) -> None:
    with transaction.atomic():
        locks.lock(vic, actor=make.actor(ada))
        transaction.set_rollback(True)
    vic.refresh_from_db()
    assert not vic.is_locked
    assert not Entry.objects.exists()


def test_a_password_is_never_written(make: Make, ada: Account, vic: Account) -> None:
    passwords.set_password(vic, PASSWORD, actor=make.actor(ada))
    for entry in Entry.objects.values():
        assert PASSWORD not in str(entry)


@pytest.mark.parametrize(
    ("details", "kept"),
    [
        (
            {"changes": {"client_secret": ["canary", "canary"], "host": ["a", "b"]}, "api_key": "canary"},
            {"changes": {"client_secret": [MASK, MASK], "host": ["a", "b"]}, "api_key": MASK},
        ),
        ({"Bind-Password": {"old": "canary", "new": ["canary"]}}, {"Bind-Password": {"old": MASK, "new": [MASK]}}),
        ({"tokens": [{"v": "canary"}], "hosts": [{"v": "a"}]}, {"tokens": [{"v": MASK}], "hosts": [{"v": "a"}]}),
        ({"credentials": ("canary", 7), "port": (1, 2)}, {"credentials": [MASK, MASK], "port": [1, 2]}),
    ],
)
def test_values_of_secret_fields_are_masked_at_any_depth(
    db: None, details: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert masked(details) == kept
    assert "canary" not in str(record("account.locked", actor=Actor.system(), **details).details)


def test_flags_that_speak_of_secrets_stay_readable() -> None:
    assert masked({"must_change_password": [False, True]}) == {"must_change_password": [False, True]}


def test_an_entry_stays_readable_when_its_target_is_gone(make: Make, ada: Account, vic: Account) -> None:
    locks.lock(vic, actor=make.actor(ada))
    vic.delete()
    page = make.client(ada).get(f"/audit/{last().pk}/")
    assert "vic" in page.content.decode()
    assert page.status_code == 200


def test_an_undeclared_event_is_refused(db: None) -> None:
    with pytest.raises(ValueError, match="not a declared event"):
        record("account.teleported", actor=Actor.system())
