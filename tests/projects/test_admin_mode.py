"""Admin mode: asked for again, seen on every page, recorded, and ended by itself."""

import base64
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from lxml import html

from accounts.models import Account
from accounts.services.accounts import change_role, set_active
from accounts.services.locks import lock
from agora.base.actor import Actor
from audit.models import Entry
from projects.models import Membership, Project
from projects.services.projects import my_agora
from sessions_admin.models import Elevation, Session
from tests.accounts.factor import NOON, code_of, enrolled
from tests.conftest import PASSWORD, Make
from tests.projects.conftest import SignedIn, Trial

FORM = {"reason": "Ticket 4711", "password": PASSWORD}
SYSTEM = Actor.system()


@pytest.fixture
def boss(make: Make) -> Account:
    """A superuser who can be asked for the password."""
    return make.account("boss", role="administrator", is_superuser=True, password=PASSWORD)


@pytest.fixture
def elevated(make: Make, boss: Account) -> Client:
    client = make.client(boss)
    answer = client.post("/admin-mode/", FORM)
    assert (answer.status_code, answer["Location"]) == (302, "/projects/")
    return client


def test_every_project_is_there_with_the_owner_beside_the_private_ones(
    elevated: Client, trial: Trial, make: Make, vic: Account, ed: Account
) -> None:
    for account in (vic, ed):
        my_agora(account, actor=make.actor(account))
    page = elevated.get("/projects/").content.decode()
    assert ">Knee study</a>" in page
    for name in ("vic", "ed", "boss"):
        assert f'MyAgora</a></b> <span class="dim">{name}</span>' in page
    found = elevated.get("/projects/?owner=vi").content.decode()
    assert '<span class="dim">vic</span>' in found
    assert '<span class="dim">ed</span>' not in found


def test_outside_it_superusers_see_their_own(signed_in: SignedIn, boss: Account, trial: Trial) -> None:
    client = signed_in(boss)
    assert "Knee study" not in client.get("/projects/").content.decode()
    assert client.get(trial.url()).status_code == 404


def test_every_page_shows_it(elevated: Client) -> None:
    for address in ("/", "/projects/", "/accounts/", "/no-such-page/", "/profile/"):
        page = elevated.get(address).content.decode()
        assert '<body data-mode="admin"' in page, address
        assert "[Admin mode]" in page.split("<title>")[1].split("</title>")[0]
        assert "img/favicon-admin" in page
        assert "60 min left" in page
        assert page.count('action="/admin-mode/stop/"') == 2, "in the bar and in the menu"
        assert "Stop Admin Mode" in page
        assert 'href="/admin-mode/"' not in page


def test_the_menu_offers_it_to_superusers_only(signed_in: SignedIn, boss: Account, ada: Account) -> None:
    assert 'href="/admin-mode/"' in signed_in(boss).get("/").content.decode()
    assert "Admin Mode" not in signed_in(ada).get("/").content.decode()
    assert signed_in(ada).post("/admin-mode/", FORM).status_code == 403


def test_the_password_and_a_reason_are_asked(signed_in: SignedIn, boss: Account) -> None:
    client = signed_in(boss)
    for form in ({"reason": "x"}, {"password": PASSWORD}, FORM | {"password": "wrong"}, FORM | {"reason": "  "}):
        assert client.post("/admin-mode/", form).status_code == 422
    assert not Elevation.objects.exists()
    denied = Entry.objects.filter(event="admin_mode.started", outcome="denied")
    assert [entry.actor_name for entry in denied] == ["boss"]
    for _ in range(5):
        client.post("/admin-mode/", FORM | {"password": "wrong"})
    assert "Too many failed attempts" in client.post("/admin-mode/", FORM).content.decode()
    assert not Elevation.objects.exists()


def test_an_account_without_a_password_is_told_what_is_not_possible(signed_in: SignedIn, root: Account) -> None:
    client = signed_in(root)
    page = client.get("/admin-mode/").content.decode()
    assert "is not possible for this account yet" in page
    for confirmed in (FORM, {"reason": "Ticket 4711", "code": "123456"}):
        assert client.post("/admin-mode/", confirmed).status_code in (409, 422)
    assert not Elevation.objects.exists()


@pytest.mark.parametrize("password", [True, False], ids=["with a password", "without"])
def test_a_code_of_the_second_factor_confirms_as_well(make: Make, password: bool) -> None:
    chief, recovery = enrolled(make, "max", role="administrator", is_superuser=True)
    if not password:
        chief.set_unusable_password()
        chief.save()
    with time_machine.travel(NOON, tick=False):
        client = make.client(chief)
        page = html.fromstring(client.get("/admin-mode/").content)
        assert page.xpath("//input[@name='password']/@name") == (["password"] if password else [])
        assert page.xpath("//input[@name='code']/@autocomplete") == ["one-time-code"]
        for wrong in ({"code": "000000"}, {"code": ""}, {"code": "x" * 65}, {}):
            assert client.post("/admin-mode/", {"reason": "Ticket 4711"} | wrong).status_code == 422
        assert not Elevation.objects.exists()
        good = {"reason": "Ticket 4711", "code": code_of(chief)}
    with time_machine.travel(NOON + timedelta(seconds=20), tick=False):
        assert client.post("/admin-mode/", good).status_code == 302
        assert Entry.objects.get(event="admin_mode.started", outcome="success").details["method"] == "code"
        client.post("/admin-mode/stop/")
        assert client.post("/admin-mode/", good).status_code == 422, "a code counts once"
        assert client.post("/admin-mode/", good | {"code": recovery[0]}).status_code == 302


def test_one_acts_as_if_a_member_and_owner(elevated: Client, trial: Trial, vic: Account, boss: Account) -> None:
    assert elevated.post(trial.url("members/add/"), {"account": vic.pk, "role": "user"}).status_code == 302
    assert elevated.post(trial.url("settings/"), {"name": "Knees", "description": ""}).status_code == 302
    assert elevated.post(trial.url("transfer/"), {"account": trial.people["uma"].pk}).status_code == 302
    assert elevated.post(trial.url("delete/"), {"typed": "Knees"}).status_code == 302
    assert not Membership.objects.filter(account=boss, project__is_personal=False).exists()


def test_every_opening_and_change_is_recorded_with_the_elevation(
    elevated: Client, make: Make, vic: Account, boss: Account
) -> None:
    theirs, mine = (my_agora(account, actor=make.actor(account)) for account in (vic, boss))
    elevation = Elevation.objects.get()
    for page in ("", "members/", "settings/"):
        elevated.get(f"/projects/{theirs.pk}/{page}")
    elevated.get(f"/projects/{mine.pk}/")
    elevated.post(f"/projects/{theirs.pk}/settings/", {"description": "Helped"})
    opened = Entry.objects.filter(event="project.opened", method="GET")
    assert [entry.path for entry in opened.order_by("pk")] == [
        f"/projects/{theirs.pk}/{page}" for page in ("", "members/", "settings/")
    ]
    entries = Entry.objects.in_elevation(elevation.pk)
    assert {entry.actor_name for entry in entries} == {"boss"}
    assert entries.filter(event="project.changed", target_name="MyAgora (vic)").count() == 1
    answer = elevated.post("/admin-mode/stop/")
    assert answer["Location"] == f"/admin-mode/{elevation.pk}/"
    page = elevated.get(answer["Location"]).content.decode()
    for text in ("Ticket 4711", "MyAgora (vic)", "Project opened in admin mode", "Project changed", "Stopped"):
        assert text in page, text
    ended = Entry.objects.get(event="admin_mode.ended")
    assert (ended.details["changes"], ended.details["opened"], ended.elevation_id) == (1, 4, elevation.pk)
    assert ended.details["touched"] == [f"project {theirs.pk} MyAgora (vic)"]
    assert elevated.get(f"/projects/{theirs.pk}/").status_code == 404
    history = make.client(vic).get(f"/projects/{theirs.pk}/history/").content.decode()
    assert "in admin mode" in history


def test_the_key_changes_at_both_ends_and_old_forms_are_void(make: Make, boss: Account) -> None:
    client = make.client(boss, enforce_csrf_checks=True)

    def token() -> str:
        return client.get("/profile/").content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]

    keys, old = [client.cookies[settings.SESSION_COOKIE_NAME].value], token()
    assert client.post("/admin-mode/", FORM | {"csrfmiddlewaretoken": old}).status_code == 302
    keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert client.post("/admin-mode/stop/", {"csrfmiddlewaretoken": old}).status_code == 403
    assert client.post("/admin-mode/stop/", {"csrfmiddlewaretoken": token()}).status_code == 302
    keys.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    assert len(set(keys)) == 3
    for dead in keys[:2]:
        replay = Client()
        replay.cookies[settings.SESSION_COOKIE_NAME] = dead
        assert replay.get("/")["Location"].startswith("/sign-in/")


def test_it_is_bound_to_the_one_session(elevated: Client, make: Make, boss: Account, trial: Trial) -> None:
    assert elevated.get(trial.url()).status_code == 200
    assert make.client(boss).get(trial.url()).status_code == 404


def over(client: Client, trial: Trial, end: str) -> None:
    answer = client.post(trial.url("delete/"), {"typed": "Knee study"})
    assert answer["Location"] == f"/admin-mode/{Elevation.objects.get().pk}/"
    assert Project.objects.filter(pk=trial.project.pk).exists()
    assert Elevation.objects.get().end == end
    page = client.get("/").content.decode()
    assert "Admin mode has ended" in page
    assert 'data-mode="admin"' not in page
    assert client.get(trial.url()).status_code == 404
    assert Entry.objects.get(event="admin_mode.ended").details["cause"] == end


def test_after_sixty_minutes(elevated: Client, trial: Trial) -> None:
    begun = Elevation.objects.get().started_at
    for minutes in (10, 20, 30, 40, 50, 59):
        with time_machine.travel(begun + timedelta(minutes=minutes), tick=False):
            page = elevated.get(trial.url())
            assert page.status_code == 200
            assert f"{60 - minutes} min left" in page.content.decode()
    with time_machine.travel(begun + timedelta(minutes=60), tick=False):
        over(elevated, trial, "time")


def test_after_fifteen_minutes_without_a_click(elevated: Client, trial: Trial) -> None:
    begun = Elevation.objects.get().started_at
    with time_machine.travel(begun + timedelta(minutes=14), tick=False):
        assert elevated.get(trial.url()).status_code == 200
    with time_machine.travel(begun + timedelta(minutes=28), tick=False):
        assert elevated.get(trial.url(), headers={"HX-Request": "true"}).status_code == 200
    with time_machine.travel(begun + timedelta(minutes=29, seconds=30), tick=False):
        over(elevated, trial, "idle")


def test_a_demoted_superuser(make: Make, elevated: Client, trial: Trial, boss: Account) -> None:
    make.account("rita", role="administrator", is_superuser=True, password=PASSWORD)  # who stays
    change_role(boss, "administrator", superuser=False, actor=SYSTEM)
    over(elevated, trial, "not_allowed")


def test_locking_deactivating_and_signing_out_end_it_at_once(make: Make, boss: Account) -> None:
    make.account("rita", role="administrator", is_superuser=True, password=PASSWORD)  # who stays

    def start() -> Client:
        client = make.client(boss)
        client.post("/admin-mode/", FORM)
        return client

    def sign_out() -> None:
        clients[-1].post("/sign-out/")

    clients: list[Client] = []
    for end in (lambda: lock(boss, actor=SYSTEM), sign_out, lambda: set_active(boss, False, actor=SYSTEM)):
        Account.objects.filter(pk=boss.pk).update(locked_at=None, locked_by_name="", lock_reason="", is_active=True)
        clients.append(start())
        end()
        assert Elevation.objects.latest("pk").end == "session_ended"
        assert clients[-1].get("/projects/")["Location"].startswith("/sign-in/")
    assert Entry.objects.filter(event="admin_mode.ended").count() == 3


def test_looking_at_the_addresses_starts_and_stops_nothing(
    signed_in: SignedIn, elevated: Client, boss: Account, trial: Trial
) -> None:
    other = signed_in(boss)
    other.get("/admin-mode/", FORM)
    assert other.get(trial.url()).status_code == 404
    assert elevated.get("/admin-mode/stop/").status_code == 405
    assert elevated.get(trial.url()).status_code == 200


def test_nobody_acts_as_somebody_else_in_it_and_the_other_way_round(
    elevated: Client, make: Make, boss: Account, vic: Account
) -> None:
    form = {"reason": "Ticket", "mode": "look"}
    assert elevated.post(f"/settings/impersonate/{vic.pk}/", form).status_code == 409
    assert "Stop admin mode first" in elevated.get(f"/settings/impersonate/{vic.pk}/").content.decode()
    other = make.client(boss)
    assert other.post(f"/settings/impersonate/{vic.pk}/", form).status_code == 302
    assert other.post("/admin-mode/", FORM).status_code == 403
    assert other.post("/admin-mode/stop/").status_code == 403


def test_an_old_or_foreign_name_in_the_session_opens_nothing(
    elevated: Client, make: Make, root: Account, trial: Trial
) -> None:
    running = Elevation.objects.get()
    client = make.client(root)
    for kind in ("admin_mode", "impersonation"):
        session = Session.objects.get(account=root)
        data = session.data[:-1] + f',"elevation":{{"id":{running.pk},"kind":"{kind}"}}}}'
        Session.objects.filter(pk=session.pk).update(data=data)
        assert client.get(trial.url()).status_code == 404
    assert "elevation" not in Session.objects.get(account=root).data
    elevated.post("/admin-mode/stop/")
    mine = Session.objects.get(pk=running.session_id)
    Session.objects.filter(pk=mine.pk).update(
        data=mine.data[:-1] + f',"elevation":{{"id":{running.pk},"kind":"admin_mode"}}}}'
    )
    assert elevated.get(trial.url()).status_code == 404


def test_stopping_twice_says_so(elevated: Client) -> None:
    elevated.post("/admin-mode/stop/")
    assert elevated.post("/admin-mode/stop/").status_code == 409


def test_my_agora_stays_private_even_now(elevated: Client, make: Make, vic: Account) -> None:
    theirs = my_agora(vic, actor=make.actor(vic))
    for verb, fields in (
        ("members/add/", {"account": vic.pk, "role": "user"}),
        ("archive/", {}),
        ("delete/", {"typed": "MyAgora"}),
        ("transfer/", {"account": vic.pk}),
    ):
        assert elevated.post(f"/projects/{theirs.pk}/{verb}", fields).status_code == 409, verb
    assert elevated.post(f"/projects/{theirs.pk}/leave/").status_code == 409


def test_past_the_last_entry_the_summary_says_so(elevated: Client) -> None:
    past = base64.urlsafe_b64encode(b'["2000-01-01T00:00:00Z","1"]').decode().rstrip("=")
    address = f"/admin-mode/{Elevation.objects.get().pk}/"
    assert "This page is past the end of the list." in elevated.get(f"{address}?after={past}").content.decode()
    assert "past the end" not in elevated.get(address).content.decode()
