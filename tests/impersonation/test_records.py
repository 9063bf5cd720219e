"""Every record names both, also of work that finishes after the stop; the lists of what was."""

import json
import logging
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.test import Client

from accounts.models import Account
from accounts.services.locks import lock
from agora.base.actor import Actor, NamesFilter, named_in_logs
from agora.celery import actor_of_task
from audit.models import Entry, Outcome
from audit.services import record
from sessions_admin.elevations import counts
from sessions_admin.models import Elevation
from settings_admin.models import ServerSettings
from tests.conftest import Make
from tests.impersonation.conftest import ActAs, begin

SignedIn = Callable[[Account], Client]
STOP = "/settings/impersonate/stop/"


def test_every_entry_between_start_and_stop_names_both(
    act_as: ActAs, ada: Account, vic: Account, nell: Account
) -> None:
    client = act_as(ada)
    client.post("/profile/names/", {"first_name": "Adeline"})
    client.post(f"/accounts/{vic.pk}/lock/", {"reason": "Lost badge"})
    client.post(f"/accounts/{ada.pk}/lock/")
    client.post(STOP)
    elevation = Elevation.objects.get()
    entries = Entry.objects.in_elevation(elevation.pk).order_by("pk")
    assert [(entry.event, entry.outcome) for entry in entries] == [
        ("impersonation.started", "success"), ("account.changed", "success"), ("account.locked", "success"),
        ("account.locked", "denied"), ("impersonation.ended", "success"),
    ]  # fmt: skip
    assert {(entry.actor_name, entry.behalf_name) for entry in entries} == {("root", "ada")}
    assert {entry.session_id for entry in entries} == {elevation.session_id}
    started, ended = entries[0], entries[4]
    assert (started.target_type, started.target_name, started.details["reason"]) == ("account", "ada", "Ticket 4711")
    done = {"changes": 2, "opened": 0, "refused": 1}
    done["touched"] = [f"account {ada.pk} ada", f"account {vic.pk} vic"]
    assert ended.details == {"mode": "act", "cause": "stopped", "ended_at": ended.details["ended_at"]} | done
    vic.refresh_from_db()
    assert vic.locked_by_name == "root"
    client.post("/profile/names/", {"first_name": "Rooty"})
    after = Entry.objects.latest("pk")
    assert (after.actor_name, after.behalf_name, after.elevation_id) == ("root", "", None)


def test_a_task_that_finishes_after_the_stop_names_both(
    act_as: ActAs, vic: Account, nell: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a queue holds of the actor is enough, whatever became of the session."""
    held: list[dict[str, object]] = []

    def hold(account: Account, values: object, *, actor: Actor, **seen: object) -> None:
        held.append(actor.as_dict())

    monkeypatch.setattr("accounts.views.profile.change_profile", hold)
    client = act_as(vic)
    client.post("/profile/names/", {"first_name": "Later"})
    client.post(STOP)
    client.post("/sign-out/")
    task = SimpleNamespace(headers={"agora": json.loads(json.dumps(held[0]))}, task="accounts.lock")
    lock(nell, actor=actor_of_task(task))
    entry = Entry.objects.latest("pk")
    assert (entry.event, entry.channel) == ("account.locked", "worker")
    assert (entry.actor_name, entry.behalf_name) == ("root", "vic")
    assert entry.elevation_id == Elevation.objects.get().pk


def test_an_actor_comes_back_from_a_queue_as_it_went(make: Make, root: Account, vic: Account) -> None:
    for actor in (
        make.actor(vic, impersonator=root, session_id=7, elevation_id=3),
        make.actor(vic),
        Actor.system("sweep"),
        Actor.command("purge-sessions"),
    ):
        again = Actor.from_dict(actor.as_dict())
        assert again.names == actor.names
        assert again.as_dict() | {"origin": 0} == actor.as_dict() | {"origin": 0}
        assert again.origin.address == actor.origin.address


def test_log_lines_name_both(
    act_as: ActAs, vic: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(NamesFilter())

    def fail(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("broken")

    client = act_as(vic)
    client.raise_request_exception = False
    monkeypatch.setattr("accounts.views.profile.show_profile", fail)
    with caplog.at_level(logging.ERROR):
        assert client.get("/profile/").status_code == 500
    record = next(record for record in caplog.records if record.name == "django.request")
    assert record.__dict__["actor"] == "root as vic"


def test_the_log_line_of_a_refusal_names_both(act_as: ActAs, vic: Account, caplog: pytest.LogCaptureFixture) -> None:
    """Django writes it when the answer is on its way, outside of everything that knows who asks."""
    caplog.handler.addFilter(NamesFilter())
    client = act_as(vic)
    with caplog.at_level(logging.WARNING):
        assert client.get("/settings/server/general/").status_code == 403
        assert client.get("/no-such-page/").status_code == 404
        assert client.post("/settings/impersonate/999999/", {"reason": "x", "mode": "act"}).status_code == 403
    named = [record.__dict__["actor"] for record in caplog.records if record.name == "django.request"]
    assert named == ["root as vic"] * 3


def test_a_session_that_is_closed_while_impersonating_names_both(act_as: ActAs, vic: Account) -> None:
    act_as(vic).post("/sign-out/")
    closed = Entry.objects.get(event="session.closed")
    assert (closed.actor_name, closed.behalf_name, closed.details["account"]) == ("root", "vic", "root")


def test_refused_openings_are_not_counted_as_opened(make: Make, root: Account, vic: Account, nell: Account) -> None:
    client = make.client(root)
    begin(client, vic)
    elevation = Elevation.objects.get()
    actor = make.actor(vic, impersonator=root, elevation_id=elevation.pk)
    record("project.opened", actor=actor, outcome=Outcome.DENIED)
    assert counts([elevation.pk])[elevation.pk] == {"changes": 0, "opened": 0, "refused": 1}


def test_log_lines_of_the_server_itself_name_nobody(make: Make, vic: Account) -> None:
    record = logging.makeLogRecord({"msg": "hello"})
    assert NamesFilter().filter(record)
    assert record.__dict__["actor"] == "-"
    with named_in_logs(make.actor(vic)):
        NamesFilter().filter(record)
    assert record.__dict__["actor"] == "vic"


def test_security_sees_all_of_them(
    act_as: ActAs, signed_in: SignedIn, sam: Account, ada: Account, vic: Account
) -> None:
    client = act_as(ada)
    client.post("/profile/names/", {"first_name": "Adeline"})
    client.post(STOP)
    begin(client, vic, "look", "Checking <b>what</b> vic sees")
    client.post("/profile/names/", {"first_name": "V"})
    elevations = list(Elevation.objects.order_by("pk"))
    desk = signed_in(sam)
    page = desk.get("/impersonations/").content.decode()
    for text in (
        "root", "as ada", "as vic", "Ticket 4711", "Checking &lt;b&gt;what&lt;/b&gt; vic sees", "Look only", "Act",
        "Stopped", "running", "1 refused", *(f"/audit/?elevation={one}" for one in elevations),
    ):  # fmt: skip
        assert text in page, text
    log = desk.get(f"/audit/?elevation={elevations[0]}").content.decode()
    assert "<code>account.changed</code>" in log
    assert "<code>access.denied</code>" not in log
    assert f"e-{elevations[0].pk}" in log
    for query, there, gone in (
        ("mode=look", "as vic", "as ada"), ("state=ended", "as ada", "as vic"), ("q=4711", "as ada", "as vic"),
        ("q=ADA", "as ada", "as vic"),
    ):  # fmt: skip
        page = desk.get(f"/impersonations/?{query}").content.decode()
        assert there in page, query
        assert gone not in page, query
    assert "No impersonation matches" in desk.get("/impersonations/?q=zzz").content.decode()


@pytest.mark.parametrize("person", ["nell", "vic", "ed", "otto", "connie"])
def test_others_do_not(person: str, request: pytest.FixtureRequest, signed_in: SignedIn) -> None:
    assert signed_in(request.getfixturevalue(person)).get("/impersonations/").status_code == 403


def test_the_list_costs_the_same_with_one_and_with_eleven(
    act_as: ActAs, signed_in: SignedIn, ada: Account, sam: Account, django_assert_num_queries: Callable[[int], object]
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client, desk = act_as(ada), signed_in(sam)
    client.post(STOP)
    desk.get("/impersonations/")
    with CaptureQueriesContext(connection) as one:
        desk.get("/impersonations/")
    for _ in range(10):
        begin(client, ada)
        client.post("/profile/names/", {"first_name": "A"})
        client.post(STOP)
    with CaptureQueriesContext(connection) as eleven:
        desk.get("/impersonations/")
    assert len(one) == len(eleven)


def test_the_account_sees_on_its_profile_that_it_happened(
    act_as: ActAs, signed_in: SignedIn, vic: Account, nell: Account
) -> None:
    client = act_as(vic)
    client.post("/profile/names/", {"first_name": "V"})
    client.post(STOP)
    browser = signed_in(vic)
    assert 'href="/profile/impersonations/"' in browser.get("/profile/").content.decode()
    page = browser.get("/profile/impersonations/").content.decode()
    assert "<b>root</b>" in page
    assert "Ticket 4711" not in page
    fragment = browser.get("/profile/impersonations/", headers={"HX-Request": "true"}).content.decode()
    assert "<b>root</b>" in fragment
    assert "<html" not in fragment
    assert "Nobody has acted as you." in signed_in(nell).get("/profile/impersonations/").content.decode()


def test_unless_the_setting_is_off(act_as: ActAs, signed_in: SignedIn, vic: Account) -> None:
    act_as(vic)
    ServerSettings.objects.update(tell_impersonated=False)
    browser = signed_in(vic)
    assert "/profile/impersonations/" not in browser.get("/profile/").content.decode()
    assert browser.get("/profile/impersonations/").status_code == 404


def test_the_list_to_choose_from_says_why_not(signed_in: SignedIn, make: Make, root: Account, vic: Account) -> None:
    make.account("lou", locked_at="2026-11-20T12:00Z")
    make.account("ina", is_active=False, first_name="Ina", last_name="Active")
    client = signed_in(root)
    page = client.get("/settings/impersonate/").content.decode()
    rows = {row.split("<b>")[1].split("</b>")[0].split(">")[-2].split("<")[0]: row for row in page.split("<tr id=")[1:]}
    assert "Superuser: " not in rows["vic"]
    assert f'href="/settings/impersonate/{vic.pk}/"' in rows["vic"]
    assert "Never" in rows["vic"]
    for name, why in (("root", "A superuser:"), ("lou", "Locked:"), ("ina", "Inactive:")):
        assert why in rows[name]
        assert "/settings/impersonate/" not in rows[name]
    found = client.get("/settings/impersonate/?q=active").content.decode()
    assert "Ina Active" in found
    assert f"account-{vic.pk}" not in found
