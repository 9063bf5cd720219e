"""One's own profile."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Cause, Session
from tests.conftest import PASSWORD, Make

SignedIn = Callable[[Account], Client]
PROFILE = "/profile/"
NEW = "seven swans a-swimming north"
PREFERENCES = {
    "theme": "dark",
    "density": "compact",
    "time_zone": "Asia/Tokyo",
    "date_format": "european",
    "shortcuts": "on",
}


@pytest.mark.parametrize("who", ["root", "ada", "sam", "connie", "ed", "vic", "otto", "nell"])
def test_everybody_has_one(signed_in: SignedIn, request: pytest.FixtureRequest, who: str) -> None:
    answer = signed_in(request.getfixturevalue(who)).get(PROFILE)
    assert answer.status_code == 200
    assert who in answer.content.decode()


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    assert client.get(PROFILE)["Location"] == "/sign-in/?next=/profile/"
    for part in ("names", "preferences", "theme", "password", "sessions/end-others"):
        assert client.post(f"{PROFILE}{part}/")["Location"].startswith("/sign-in/")


@pytest.mark.parametrize("part", ["names", "preferences", "theme", "password", "sessions/end-others", "sessions/1/end"])
def test_looking_changes_nothing(signed_in: SignedIn, nell: Account, part: str) -> None:
    assert signed_in(nell).get(f"{PROFILE}{part}/").status_code == 405


def test_names_are_saved_and_can_be_erased(signed_in: SignedIn, nell: Account) -> None:
    client = signed_in(nell)
    client.post(f"{PROFILE}names/", {"first_name": "Nell", "last_name": "None", "email": "nell@example.org"})
    nell.refresh_from_db()
    assert (nell.full_name, nell.email) == ("Nell None", "nell@example.org")
    client.post(f"{PROFILE}names/", {"first_name": "", "last_name": "", "email": ""})
    nell.refresh_from_db()
    assert (nell.full_name, nell.email) == ("", "")
    assert Entry.objects.filter(event="account.changed", actor_id=nell.pk).count() == 2


def test_errors_stand_under_the_field(signed_in: SignedIn, nell: Account) -> None:
    answer = signed_in(nell).post(f"{PROFILE}names/", {"first_name": "Kept", "email": "nowhere"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="id_email_error"' in page
    assert 'value="Kept"' in page


@pytest.mark.parametrize("part", ["names", "preferences"])
def test_nobody_makes_themselves_more(signed_in: SignedIn, nell: Account, part: str) -> None:
    smuggled = {
        "username": "boss",
        "role": "administrator",
        "is_superuser": "on",
        "superuser": "on",
        "is_active": "",
        "must_change_password": "",
        "external_id": "AD-1",
        "password": "x",
    }
    before = {name: getattr(nell, name) for name in ("username", "role", "is_superuser", "is_active", "external_id")}
    signed_in(nell).post(f"{PROFILE}{part}/", PREFERENCES | {"first_name": "N"} | smuggled)
    nell.refresh_from_db()
    assert {name: getattr(nell, name) for name in before} == before


class TestAppearance:
    def test_it_is_drawn_by_the_server(self, signed_in: SignedIn, nell: Account) -> None:
        client = signed_in(nell)
        client.post(f"{PROFILE}preferences/", PREFERENCES)
        page = client.get(PROFILE).content.decode()
        assert 'data-theme="dark" data-density="compact"' in page
        assert "Times are in Asia/Tokyo" in page

    def test_times_are_in_ones_zone_and_format(self, signed_in: SignedIn, nell: Account) -> None:
        client = signed_in(nell)
        client.post(f"{PROFILE}preferences/", PREFERENCES)
        Session.objects.update(opened_at=datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
        assert datetime.now(UTC).strftime("%d.%m.%Y 09:00") in client.get(PROFILE).content.decode()

    def test_shortcuts_can_be_switched_off(self, signed_in: SignedIn, nell: Account) -> None:
        client = signed_in(nell)
        client.post(
            f"{PROFILE}preferences/", {name: value for name, value in PREFERENCES.items() if name != "shortcuts"}
        )
        assert 'data-keys="off"' in client.get(PROFILE).content.decode()

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("theme", "pink"),
            ("density", ""),
            ("time_zone", "Mars/Olympus"),
            ("date_format", "roman"),
            ("time_zone", "\x00"),
        ],
    )
    def test_other_values_are_refused(self, signed_in: SignedIn, nell: Account, field: str, value: str) -> None:
        answer = signed_in(nell).post(f"{PROFILE}preferences/", PREFERENCES | {field: value})
        assert answer.status_code == 422
        assert f'id="id_{field}_error"' in answer.content.decode()
        nell.refresh_from_db()
        assert nell.theme == "system"

    def test_the_switch_in_the_bar(self, signed_in: SignedIn, nell: Account) -> None:
        client = signed_in(nell)
        answer = client.post(f"{PROFILE}theme/", {"theme": "light", "next": "/profile/"})
        assert answer["Location"] == "/profile/"
        nell.refresh_from_db()
        assert nell.theme == "light"
        assert client.post(f"{PROFILE}theme/", {"theme": "dark", "next": "//evil.example"})["Location"] == "/"

    def test_unknown_themes_are_told_so(self, signed_in: SignedIn, nell: Account) -> None:
        assert signed_in(nell).post(f"{PROFILE}theme/", {"theme": "pink"}).status_code == 400


class TestPassword:
    def change(self, client: Client, current: str, new: str, repeated: str | None = None) -> str:
        values = {"current_password": current, "new_password": new, "repeated": new if repeated is None else repeated}
        answer = client.post(f"{PROFILE}password/", values)
        if answer.status_code == 302:
            return str(answer["Location"])
        assert answer.status_code == 422
        page: str = answer.content.decode()
        for typed in values.values():
            assert not typed or f'value="{typed}"' not in page
        return page

    def test_the_other_sessions_end_and_this_one_gets_a_new_key(self, signed_in: SignedIn, make: Make) -> None:
        nell = make.account("nell", password=PASSWORD)
        other, client = signed_in(nell), signed_in(nell)
        key = client.cookies["agora_session"].value
        assert self.change(client, PASSWORD, NEW) == PROFILE
        assert other.get(PROFILE).status_code == 302
        assert client.get(PROFILE).status_code == 200
        assert client.cookies["agora_session"].value != key
        nell.refresh_from_db()
        assert nell.check_password(NEW)
        entry = Entry.objects.get(event="account.password_changed")
        assert (entry.details["own"], entry.details["sessions_ended"]) == (True, 1)

    def test_the_old_key_is_worthless(self, signed_in: SignedIn, make: Make) -> None:
        nell = make.account("nell", password=PASSWORD)
        client = signed_in(nell)
        key = client.cookies["agora_session"].value
        self.change(client, PASSWORD, NEW)
        thief = Client()
        thief.cookies["agora_session"] = key
        assert thief.get(PROFILE).status_code == 302

    def test_the_current_one_is_asked(self, signed_in: SignedIn, make: Make) -> None:
        nell = make.account("nell", password=PASSWORD)
        page = self.change(signed_in(nell), "not my password", NEW)
        assert "This is not your current password." in page
        assert 'id="id_current_password_error"' in page
        assert Entry.objects.get(event="account.password_confirmed").outcome == "failed"
        nell.refresh_from_db()
        assert nell.check_password(PASSWORD)

    def test_guessing_it_is_throttled(self, signed_in: SignedIn, make: Make) -> None:
        client = signed_in(make.account("nell", password=PASSWORD))
        with time_machine.travel(timezone.now(), tick=False):  # the first wait is one second
            pages = [self.change(client, f"guess number {number}", NEW) for number in range(8)]
            assert "Too many failed attempts." in pages[-1]
            assert "Too many failed attempts." in self.change(client, PASSWORD, NEW)

    def test_the_new_one_tells_nothing_about_the_current_one(self, signed_in: SignedIn, make: Make) -> None:
        client = signed_in(make.account("nell", password=PASSWORD))
        right = self.change(client, "not my password", PASSWORD)
        wrong = self.change(client, "not my password", NEW)
        assert "This is the password you have now." not in right
        assert "This is not your current password." in right
        assert "This is not your current password." in wrong

    @pytest.mark.parametrize(
        ("new", "repeated", "sentence"),
        [
            ("tiny", None, "at least 12 characters"),
            (PASSWORD, None, "This is the password you have now."),
            (NEW, "something else", "The two passwords differ."),
        ],
    )
    def test_weak_and_mistyped_ones_are_refused(
        self, signed_in: SignedIn, make: Make, new: str, repeated: str | None, sentence: str
    ) -> None:
        nell = make.account("nell", password=PASSWORD)
        assert sentence in self.change(signed_in(nell), PASSWORD, new, repeated)
        nell.refresh_from_db()
        assert nell.check_password(PASSWORD)


class TestSessions:
    def test_ones_own_are_listed_and_this_one_is_marked(self, signed_in: SignedIn, nell: Account, vic: Account) -> None:
        signed_in(vic)
        signed_in(nell)
        page = signed_in(nell).get(PROFILE).content.decode()
        assert page.count("End session s-") == 2
        assert page.count("this session") == 1
        assert "End all others" in page

    def test_ending_another(self, signed_in: SignedIn, nell: Account) -> None:
        other, client = signed_in(nell), signed_in(nell)
        session = Session.objects.earliest("pk")
        assert client.post(f"{PROFILE}sessions/{session.pk}/end/")["Location"] == PROFILE
        assert other.get(PROFILE).status_code == 302
        session.refresh_from_db()
        assert session.cause == Cause.ENDED_OTHERS
        assert client.post(f"{PROFILE}sessions/{session.pk}/end/").status_code == 409

    def test_ending_this_one_signs_out(self, signed_in: SignedIn, nell: Account) -> None:
        client = signed_in(nell)
        session = Session.objects.get(account=nell)
        assert client.post(f"{PROFILE}sessions/{session.pk}/end/")["Location"] == "/sign-in/"
        session.refresh_from_db()
        assert session.cause == Cause.SIGNED_OUT
        assert client.get(PROFILE).status_code == 302

    def test_other_peoples_are_not_found(self, signed_in: SignedIn, root: Account, nell: Account) -> None:
        browser = signed_in(root)
        session = Session.objects.get(account=root)
        assert signed_in(nell).post(f"{PROFILE}sessions/{session.pk}/end/").status_code == 404
        assert browser.get(PROFILE).status_code == 200

    def test_ending_all_others(self, signed_in: SignedIn, nell: Account, vic: Account) -> None:
        others, client, somebody = [signed_in(nell), signed_in(nell)], signed_in(nell), signed_in(vic)
        answer = client.post(f"{PROFILE}sessions/end-others/", follow=True)
        assert "2 other sessions ended." in answer.content.decode()
        assert [other.get(PROFILE).status_code for other in others] == [302, 302]
        assert client.get(PROFILE).status_code == 200
        assert somebody.get(PROFILE).status_code == 200
        assert set(Session.objects.closed().values_list("cause", flat=True)) == {Cause.ENDED_OTHERS}
        assert Entry.objects.get(event="session.ended_all").details["sessions_ended"] == 2
