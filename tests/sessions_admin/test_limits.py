"""What a session lives by: use, its two limits, and the nightly purge that writes down and clears away."""

from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.services.locks import lock
from audit.models import Entry
from sessions_admin.models import Cause, Session
from sessions_admin.services import (
    KEPT,
    VISITORS_KEPT,
    AlreadyClosed,
    end_all_sessions,
    end_session,
    purge_sessions,
)
from tests.conftest import PASSWORD, Make

IDLE, ABSOLUTE = timedelta(hours=8), timedelta(days=7)  # the defaults of the settings


def aged(account: Account, *, opened: timedelta, seen: timedelta) -> datetime:
    """The account's session as if opened and last seen so long ago; returns now."""
    now = timezone.now()
    Session.objects.filter(account=account).update(opened_at=now - opened, last_seen_at=now - seen)
    return now


def test_last_seen_is_written_at_most_once_a_minute(make: Make, vic: Account) -> None:
    client = make.client(vic)
    just_now = timezone.now() - timedelta(seconds=50)
    Session.objects.update(last_seen_at=just_now)
    client.get("/profile/")
    assert Session.objects.get().last_seen_at == just_now
    Session.objects.update(last_seen_at=timezone.now() - timedelta(seconds=70))
    client.get("/profile/")
    assert timezone.now() - Session.objects.get().last_seen_at < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("opened", "seen", "cause", "ended"),
    [
        (timedelta(hours=9), timedelta(hours=9), Cause.IDLE, timedelta(hours=1)),
        (timedelta(days=8), timedelta(minutes=5), Cause.ABSOLUTE, timedelta(days=1)),
        (timedelta(days=30), timedelta(days=29), Cause.IDLE, timedelta(days=28, hours=16)),
        (timedelta(days=30), timedelta(days=23), Cause.ABSOLUTE, timedelta(days=23)),
    ],
    ids=["idle", "absolute", "idle long before absolute", "absolute before idle"],
)
@pytest.mark.parametrize("how", ["its next request", "a purge", "locking the account", "ending all", "ending it"])
def test_the_limit_that_was_passed_first_is_written_down_with_its_time(
    make: Make, vic: Account, opened: timedelta, seen: timedelta, cause: Cause, ended: timedelta, how: str
) -> None:
    client = make.client(vic)
    now = aged(vic, opened=opened, seen=seen)
    actor = make.actor()
    if how == "a purge":
        purge_sessions(now=timezone.now())
    elif how == "locking the account":
        lock(vic, actor=actor)
        assert Entry.objects.get(event="account.locked").details["sessions_ended"] == 0
    elif how == "ending all":
        assert end_all_sessions(vic, actor=actor) == 0
    elif how == "ending it":
        with pytest.raises(AlreadyClosed):
            end_session(Session.objects.get(), actor=actor)
    else:
        assert client.get("/profile/").status_code == 302
    session = Session.objects.get()
    assert (session.cause, session.closed_at, session.data) == (cause, now - ended, "")
    entry = Entry.objects.get(event="session.closed", outcome="success")
    assert (entry.actor_name, entry.target_name) == ("system", f"s-{session.pk}")
    assert (entry.details["account"], entry.details["cause"]) == ("vic", cause.value)


@pytest.mark.parametrize(("opened", "seen"), [(ABSOLUTE, timedelta(0)), (IDLE, IDLE)])
def test_the_last_moment_before_a_limit_lets_in_and_the_next_does_not(
    make: Make, vic: Account, opened: timedelta, seen: timedelta
) -> None:
    client = make.client(vic)
    shortly = timedelta(seconds=30)
    now = aged(vic, opened=opened - shortly, seen=max(seen - shortly, timedelta(0)))
    assert Session.objects.open(now).exists() and not Session.objects.past_limits(now).exists()
    assert not Session.objects.open(now + shortly).exists() and Session.objects.past_limits(now + shortly).exists()
    assert client.get("/profile/").status_code == 200


def test_what_is_past_a_limit_counts_as_open_nowhere(make: Make, sam: Account, vic: Account) -> None:
    make.client(vic)
    reader = make.client(sam)
    pages = {"/accounts/?q=vic": "1 open", f"/accounts/{vic.pk}/": "<dt>Open sessions</dt><dd>1</dd>"}
    for page, said in pages.items():
        assert said in reader.get(page).content.decode()
    aged(vic, opened=timedelta(days=2), seen=timedelta(days=2))
    for page, said in pages.items():
        assert said not in reader.get(page).content.decode()


def test_a_purge_leaves_what_is_open_and_what_is_younger_than_a_year(make: Make, vic: Account, ed: Account) -> None:
    now = timezone.now()
    make.client(vic)
    for age, cause in ((KEPT - timedelta(hours=1), "signed_out"), (KEPT + timedelta(hours=1), "locked")):
        make.client(ed)
        Session.objects.filter(account=ed, closed_at=None).update(closed_at=now - age, cause=cause, data="")
    assert purge_sessions(now=now) == {"absolute": 0, "idle": 0, "elevations": 0, "visitors": 0, "removed": 1}
    assert set(Session.objects.values_list("account__username", "cause")) == {("vic", ""), ("ed", "signed_out")}
    entry = Entry.objects.get(event="session.purged")
    assert (entry.details["removed"], entry.details["older_than_days"]) == (1, 365)


def test_a_purge_of_many_writes_down_each(make: Make, vic: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions_admin.services.BATCH", 2)
    for _browser in range(5):
        make.client(vic)
    now = aged(vic, opened=timedelta(days=1), seen=timedelta(days=1))
    assert purge_sessions(now=now)["idle"] == 5
    assert Entry.objects.filter(event="session.closed").count() == 5
    assert purge_sessions(now=now)["idle"] == 0


def test_a_purge_removes_visits_that_never_signed_in(make: Make, vic: Account) -> None:
    vic.set_password(PASSWORD)
    vic.must_change_password = True
    vic.save()
    Client().post("/sign-in/", {"username": "vic", "password": PASSWORD})
    visit = Session.objects.get()
    assert visit.account is None
    assert purge_sessions(now=timezone.now())["visitors"] == 0
    assert purge_sessions(now=timezone.now() + VISITORS_KEPT * 2)["visitors"] == 1


def test_the_command_says_what_it_did(make: Make, vic: Account) -> None:
    make.client(vic)
    aged(vic, opened=timedelta(hours=9), seen=timedelta(hours=9))
    said = StringIO()
    call_command("purge-sessions", stdout=said)
    assert said.getvalue() == "absolute: 0, idle: 1, elevations: 0, visitors: 0, removed: 0\n"
