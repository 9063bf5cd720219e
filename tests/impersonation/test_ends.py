"""What ends an impersonation without its Stop button: noticed at the next request, which does nothing else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client

from accounts.models import Account
from accounts.services.accounts import change_role, set_active
from accounts.services.locks import lock
from agora.base.actor import Actor
from audit.models import Entry
from sessions_admin.models import Cause, Elevation, Session
from sessions_admin.services import end_all_sessions, purge_sessions
from tests.conftest import Make
from tests.impersonation.conftest import ActAs

SYSTEM = Actor.system()


def promote(target: Account) -> None:
    change_role(target, "administrator", superuser=True, actor=SYSTEM)


def deactivate(target: Account) -> None:
    set_active(target, False, actor=SYSTEM)


def lock_it(target: Account) -> None:
    lock(target, actor=SYSTEM)


def remove(target: Account) -> None:
    target.delete()


TARGETS = {
    "target_superuser": promote,
    "target_inactive": deactivate,
    "target_locked": lock_it,
    "target_gone": remove,
}


@pytest.mark.parametrize("mode", ["look", "act"])
@pytest.mark.parametrize("end", TARGETS)
def test_what_becomes_of_the_account(end: str, mode: str, act_as: ActAs, vic: Account) -> None:
    client = act_as(vic, mode)
    TARGETS[end](vic)
    over(client, end)


def test_the_superuser_is_demoted(act_as: ActAs, make: Make, root: Account, vic: Account) -> None:
    make.account("rita", role="administrator", is_superuser=True)
    client = act_as(vic)
    change_role(root, "administrator", superuser=False, actor=SYSTEM)
    over(client, "not_allowed")


def test_it_is_switched_off_in_the_environment(act_as: ActAs, vic: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    client = act_as(vic)
    monkeypatch.setattr(settings, "IMPERSONATION", False)
    over(client, "switched_off")
    page = client.get("/settings/impersonate/").content.decode()
    assert "AGORA_IMPERSONATION=off" in page
    assert f'href="/settings/impersonate/{vic.pk}/"' not in page
    answer = client.post(f"/settings/impersonate/{vic.pk}/", {"reason": "Ticket", "mode": "look"})
    assert answer.status_code == 403
    assert Elevation.objects.count() == 1


def test_after_sixty_minutes(act_as: ActAs, vic: Account) -> None:
    client = act_as(vic)
    elevation = Elevation.objects.get()
    with time_machine.travel(elevation.started_at + timedelta(minutes=59), tick=False):
        assert client.get("/").status_code == 200
    with time_machine.travel(elevation.ends_at, tick=False):
        over(client, "time")
    elevation.refresh_from_db()
    assert elevation.ended_at == elevation.ends_at


def over(client: Client, end: str) -> None:
    """The next request is not done as the superuser: it leads to the overview, which says what happened."""
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    answer = client.post("/profile/names/", {"first_name": "Nobody"})
    assert answer["Location"] == "/"
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != key
    assert not Account.objects.filter(first_name="Nobody").exists()
    page = client.get("/").content.decode()
    assert "What you asked for last was not done." in page
    assert 'aria-label="Your account, root"' in page
    assert Elevation.objects.get().end == end
    entry = Entry.objects.get(event="impersonation.ended")
    assert (entry.actor_name, entry.behalf_name, entry.details["cause"]) == ("root", "vic", end)


def test_a_fragment_takes_its_page_along(act_as: ActAs, vic: Account) -> None:
    client = act_as(vic)
    lock(vic, actor=SYSTEM)
    answer = client.get("/profile/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/")


LeavesNothing = Callable[[Account], object]
SUPERUSERS: dict[str, LeavesNothing] = {
    "locked": lambda root: lock(root, actor=SYSTEM),
    "inactive": lambda root: set_active(root, False, actor=SYSTEM),
    "sessions ended": lambda root: end_all_sessions(root, actor=SYSTEM),
}


@pytest.mark.parametrize("what", SUPERUSERS)
def test_with_the_session_it_ends_at_once(what: str, act_as: ActAs, make: Make, root: Account, vic: Account) -> None:
    make.account("rita", role="administrator", is_superuser=True)
    client = act_as(vic)
    SUPERUSERS[what](root)
    elevation, session = Elevation.objects.get(), Session.objects.get()
    assert (elevation.end, elevation.ended_at) == ("session_ended", session.closed_at)
    assert Entry.objects.get(event="impersonation.ended").details["cause"] == "session_ended"
    assert client.get("/")["Location"].startswith("/sign-in/")


def test_signing_in_as_somebody_else_ends_it(act_as: ActAs, make: Make, vic: Account) -> None:
    make.account("mia", password="every cloud has a silver lining")
    client = act_as(vic)
    client.post("/sign-in/", {"username": "mia", "password": "every cloud has a silver lining"})
    assert Elevation.objects.get().end == "session_ended"
    assert 'aria-label="Your account, mia"' in client.get("/").content.decode()
    opened = Entry.objects.filter(event="session.opened").latest("pk")
    assert (opened.actor_name, opened.behalf_name, opened.elevation_id) == ("mia", "", None)


def test_what_nobody_came_back_to_is_written_down_in_the_night(act_as: ActAs, vic: Account) -> None:
    act_as(vic)
    elevation = Elevation.objects.get()
    counts = purge_sessions(now=elevation.ends_at + timedelta(hours=1))
    assert counts["elevations"] == 1
    elevation.refresh_from_db()
    assert (elevation.end, elevation.ended_at) == ("time", elevation.ends_at)
    assert Entry.objects.get(event="impersonation.ended").actor_name == "purge-sessions"


def test_a_session_past_its_limit_takes_it_along(act_as: ActAs, vic: Account) -> None:
    client = act_as(vic)
    Session.objects.update(last_seen_at=Elevation.objects.get().started_at - timedelta(hours=9))
    assert client.get("/")["Location"].startswith("/sign-in/")
    assert Session.objects.get().cause == Cause.IDLE
    assert Elevation.objects.get().end == "session_ended"
