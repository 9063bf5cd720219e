"""The second factor: setting it up, signing in with it, losing it. Codes that are stolen, late, early, guessed."""

from datetime import timedelta
from typing import Any

import pytest
import segno
import time_machine
from django.conf import settings as django_settings
from django.test import Client

from accounts.devices import Authenticator, RecoveryCode
from accounts.models import Account, SignInThrottle
from accounts.services import locks, passwords, second_factor
from accounts.services.throttle import digests
from api_keys.services.keys import create_key
from audit.models import Entry
from sessions_admin.models import Session
from settings_admin.models import ServerSettings
from tests.accounts.factor import (
    CODE,
    CODES,
    MINE,
    NOON,
    SETUP,
    SIGN_IN,
    code_of,
    enrolled,
    half_way,
    key_of,
    let_in,
    text,
)
from tests.conftest import PASSWORD, Make
from tests.pages import contents

BEGIN = {"begin": "1", "current_password": PASSWORD}


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


class TestSettingUp:
    def test_scan_confirm_and_ten_codes(self, make: Make) -> None:
        ada = make.account("ada", password=PASSWORD)
        client = make.client(ada)
        assert "Set up" in text(client.get(MINE))
        client.post(f"{MINE}setup/", BEGIN)
        page = text(client.get(f"{MINE}setup/"))
        device = Authenticator.objects.get(user=ada, confirmed=False)
        assert device.spelled in page
        uri = f"otpauth://totp/Agora%20localhost%3A8000%3Aada?secret={device.secret}&issuer=Agora%20localhost%3A8000"
        drawn = segno.make(uri, error="m").svg_inline(
            scale=4, border=3, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True
        )
        assert drawn in page
        assert "style=" not in drawn
        before = key_of(client)
        shown = client.post(f"{MINE}setup/", {"code": code_of(ada, confirmed=False)})
        codes = CODES.findall(text(shown))
        assert len(set(codes)) == 10
        assert key_of(client) != before
        ada.refresh_from_db()
        assert ada.second_factor
        again = text(client.get(MINE))
        assert "10 codes left" in again and not CODES.findall(again)

    @pytest.mark.parametrize("code", ["000000", "", "abcdef", "1" * 40, "１２３４５６", "-1"])
    def test_a_wrong_first_code_changes_nothing(self, make: Make, code: str) -> None:
        ada = make.account("ada", password=PASSWORD)
        client = make.client(ada)
        client.post(f"{MINE}setup/", BEGIN)
        answer = client.post(f"{MINE}setup/", {"code": code})
        assert answer.status_code == 422 and 'id="id_code_error"' in text(answer)
        ada.refresh_from_db()
        assert not ada.second_factor and not RecoveryCode.objects.exists()

    def test_an_abandoned_setup_counts_for_fifteen_minutes(self, make: Make) -> None:
        ada = make.account("ada", password=PASSWORD)
        second_factor.begin(ada)
        late = NOON + timedelta(minutes=16)
        code = code_of(ada, late, confirmed=False)
        with time_machine.travel(late, tick=False), pytest.raises(second_factor.NotSetUp):
            second_factor.confirm(ada, code, actor=make.actor(ada))

    def test_no_table_holds_a_secret(self, make: Make) -> None:
        ada, codes = enrolled(make)
        kept = str(contents())
        assert Authenticator.objects.get(user=ada).secret not in kept
        assert not any(code in kept or code.replace("-", "") in kept for code in codes)

    def test_nothing_of_it_is_in_the_audit_log(self, make: Make) -> None:
        _ada, codes = enrolled(make)
        entry = Entry.objects.get(event="second_factor.enabled")
        assert entry.details["kind"] == "authenticator app"
        assert not any(code in str(vars(entry)) for code in codes)


class TestSigningIn:
    def test_password_then_code(self, make: Make) -> None:
        ada, _codes = enrolled(make)
        client = half_way()
        planted = key_of(client)
        page = text(client.get(CODE))
        assert 'autocomplete="one-time-code"' in page and "maxlength" in page
        answer = client.post(CODE, {"code": code_of(ada), "next": "/profile/"})
        assert answer["Location"] == "/profile/"
        assert let_in(client) and key_of(client) != planted
        assert Entry.objects.filter(event="session.opened").latest("pk").details["second_factor"] == "code"

    @pytest.mark.parametrize("written", ["{0}", " {0} ", "{1} {2}", "{1}-{2}"])
    def test_a_code_is_pasted_as_apps_show_it(self, make: Make, written: str) -> None:
        ada, _codes = enrolled(make)
        code = code_of(ada)
        client = half_way()
        client.post(CODE, {"code": written.format(code, code[:3], code[3:])})
        assert let_in(client)

    def test_a_recovery_code_is_good_for_one_sign_in(self, make: Make) -> None:
        _ada, codes = enrolled(make)
        client, other = half_way(), half_way()
        client.post(CODE, {"code": codes[3].upper()})
        assert let_in(client)
        assert other.post(CODE, {"code": codes[3]}).status_code == 422
        assert not let_in(other)
        assert "9 codes left" in text(client.get(MINE))
        used = Entry.objects.get(event="second_factor.recovery_used")
        assert (used.actor_name, used.details["left"]) == ("ada", 9)

    def test_a_code_is_accepted_once(self, make: Make) -> None:
        """Replayed by somebody who looked over the shoulder, within its 30 seconds."""
        ada, _codes = enrolled(make)
        first, thief = half_way(), half_way()
        first.post(CODE, {"code": code_of(ada)})
        assert let_in(first)
        assert thief.post(CODE, {"code": code_of(ada)}).status_code == 422
        assert thief.post(CODE, {"code": code_of(ada, steps=-1)}).status_code == 422, "nor one from before it"
        assert not let_in(thief)

    @pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
    def test_a_clock_may_be_one_step_off(self, make: Make, steps: int, good: bool) -> None:
        ada, _codes = enrolled(make)
        client = half_way()
        client.post(CODE, {"code": code_of(ada, steps=steps)})
        assert let_in(client) is good

    def test_somebody_elses_codes_count_for_nothing(self, make: Make) -> None:
        enrolled(make)
        bob, codes = enrolled(make, "bob")
        client = half_way()
        assert client.post(CODE, {"code": code_of(bob)}).status_code == 422
        assert client.post(CODE, {"code": codes[0]}).status_code == 422
        assert RecoveryCode.objects.left().count() == 20

    def test_guessing_is_slowed_down_for_the_account_in_every_browser(self, make: Make) -> None:
        ada, _codes = enrolled(make)
        for number in range(6):
            assert half_way().post(CODE, {"code": f"{number:06d}"}).status_code == 422
        slowed = half_way().post(CODE, {"code": code_of(ada)})
        assert (slowed.status_code, slowed["Retry-After"]) == (429, "1")
        failed = Entry.objects.filter(event="second_factor.failed", outcome="failed")
        assert failed.count() == 6 and failed.latest("pk").target_name == "ada"

    def test_the_wait_grows_and_is_kept_in_the_database(self, make: Make, clock: Any) -> None:
        ada, _codes = enrolled(make)
        client, waits = half_way(), []
        for _ in range(9):
            answer = client.post(CODE, {"code": "000000"})
            if answer.status_code == 429:
                waits.append(int(answer["Retry-After"]))
                clock.shift(waits[-1] + 1)
                client.post(CODE, {"code": "000000"})
        assert waits == [1, 2, 4, 8][: len(waits)] and len(waits) >= 2
        row = SignInThrottle.objects.get(key=digests({"code": str(ada.pk)})["code"])
        assert row.failures >= 7 and row.blocked_until > NOON

    def test_the_right_code_ends_the_waits(self, make: Make) -> None:
        ada, _codes = enrolled(make)
        for _ in range(5):
            half_way().post(CODE, {"code": "000000"})
        half_way().post(CODE, {"code": code_of(ada)})
        assert half_way().post(CODE, {"code": "000000"}).status_code == 422

    def test_after_the_temporary_password_comes_the_code(self, make: Make) -> None:
        ada, _codes = enrolled(make, must_change_password=True)
        client = Client()
        assert client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})["Location"].startswith(
            "/sign-in/new-password/"
        )
        assert client.get(CODE)["Location"] == SIGN_IN, "not before the password"
        new = "seven swans a-swimming north"
        answer = client.post("/sign-in/new-password/", {"new_password": new, "repeated": new})
        assert answer["Location"].startswith(CODE)
        assert not let_in(client)
        client.post(CODE, {"code": code_of(ada)})
        assert let_in(client)

    def test_a_lock_meanwhile_ends_it(self, make: Make, sam: Account) -> None:
        ada, _codes = enrolled(make)
        client = half_way()
        locks.lock(ada, actor=make.actor(sam))
        assert client.post(CODE, {"code": code_of(ada)})["Location"] == SIGN_IN
        assert not let_in(client)


class TestHalfWay:
    def test_it_is_nobody_everywhere(self, make: Make) -> None:
        enrolled(make, role="administrator")
        client = half_way()
        for address in ("/", "/accounts/", "/profile/", MINE, f"{MINE}codes/", "/jump/?q=a", "/api/docs/"):
            assert client.get(address)["Location"].startswith(SIGN_IN), address
        assert client.get("/api/v1/me").status_code == 401
        assert client.post("/sign-out/")["Location"].startswith(SIGN_IN)
        assert not Session.objects.signed_in().exists()

    def test_a_stolen_key_gets_nothing_without_the_code_and_dies_with_it(self, make: Make) -> None:
        ada, _codes = enrolled(make)
        owner = half_way()
        thief = Client()
        thief.cookies[django_settings.SESSION_COOKIE_NAME] = key_of(owner)
        assert not let_in(thief)
        owner.post(CODE, {"code": code_of(ada)})
        assert let_in(owner) and not let_in(thief)
        assert thief.get(CODE)["Location"] == SIGN_IN
        assert thief.post(CODE, {"code": code_of(ada, steps=1)})["Location"] == SIGN_IN

    def test_it_ends_after_ten_minutes(self, make: Make, clock: Any) -> None:
        ada, _codes = enrolled(make)
        client = half_way()
        clock.shift(601)
        assert client.post(CODE, {"code": code_of(ada, NOON + timedelta(seconds=601))})["Location"] == SIGN_IN
        assert not let_in(client)

    @pytest.mark.parametrize("change", ["password", "temporary password", "own password", "reset", "lock and unlock"])
    def test_it_ends_with_what_was_proved(self, make: Make, root: Account, clock: Any, change: str) -> None:
        """Whoever had the old password is not carried on by it: neither to the code nor to choosing a new one."""
        ada, _codes = enrolled(make)
        thief, admin, new = half_way(), make.actor(root), "seven swans a-swimming north"
        clock.shift(1)
        code = code_of(ada, NOON + timedelta(seconds=1))
        if change == "own password":
            passwords.choose_password(ada, new, actor=make.actor(ada))
        elif change == "reset":
            second_factor.reset(ada, actor=admin)
        elif change == "lock and unlock":
            locks.unlock(locks.lock(ada, actor=admin), actor=admin)
        else:
            passwords.set_password(ada, new, temporary=change == "temporary password", actor=admin)
        for address in (CODE, SETUP, "/sign-in/new-password/"):
            assert thief.get(address)["Location"] == SIGN_IN, address
        chosen = thief.post("/sign-in/new-password/", {"new_password": "north by north-west", "repeated": "north"})
        assert chosen["Location"] == SIGN_IN
        assert thief.post(CODE, {"code": code})["Location"] == SIGN_IN
        assert not let_in(thief)

    def test_a_sign_in_elsewhere_does_not_end_it(self, make: Make) -> None:
        _ada, codes = enrolled(make)
        first, second = half_way(), half_way()
        for client, code in ((first, codes[0]), (second, codes[1])):
            client.post(CODE, {"code": code})
            assert let_in(client)

    def test_setting_up_does_not_lead_around_the_code(self, make: Make) -> None:
        """Who has a factor can't enrol another one half-way."""
        ada, _codes = enrolled(make)
        ServerSettings.objects.update(two_factor_required=True)
        client = half_way()
        assert client.post(SETUP, {"begin": "1"})["Location"] == SIGN_IN
        assert Authenticator.objects.filter(user=ada).count() == 1


class TestForced:
    def test_at_the_next_sign_in_before_any_page(self, make: Make) -> None:
        ada = make.account("ada", password=PASSWORD)
        ServerSettings.objects.update(two_factor_required=True)
        client = half_way()
        assert not let_in(client)
        page = text(client.post(SETUP, {"begin": "1"}))
        assert 'class="qr"' in page
        shown = client.post(SETUP, {"code": code_of(ada, confirmed=False), "next": "/profile/"})
        assert len(CODES.findall(text(shown))) == 10
        assert let_in(client)

    def test_open_sessions_at_their_next_request(self, make: Make, nell: Account) -> None:
        client = make.client(nell)
        assert let_in(client)
        ServerSettings.objects.update(two_factor_required=True)
        for address in ("/", "/profile/", MINE, "/profile/keys/"):
            assert client.get(address)["Location"] == f"{MINE}setup/"
        assert client.post("/profile/names/", {"first_name": "N"})["Location"] == f"{MINE}setup/"
        fragment = client.get("/jump/", headers={"HX-Request": "true"})
        assert (fragment.status_code, fragment["HX-Redirect"]) == (204, f"{MINE}setup/")
        refused = client.get("/api/v1/me")
        assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
        assert "now asks everyone" in text(client.get(f"{MINE}setup/"))
        client.post(f"{MINE}setup/", {"begin": "1"})
        client.post(f"{MINE}setup/", {"code": code_of(nell, confirmed=False)})
        assert let_in(client)

    def test_signing_out_stays_possible(self, make: Make, nell: Account) -> None:
        client = make.client(nell)
        ServerSettings.objects.update(two_factor_required=True)
        assert client.post("/sign-out/")["Location"] == SIGN_IN

    def test_keys_are_for_machines_and_go_on(self, make: Make, nell: Account) -> None:
        _key, secret = create_key(nell, "Script", actor=make.actor(nell))
        ServerSettings.objects.update(two_factor_required=True)
        assert Client().get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 200

    def test_off_nobody_is_forced(self, make: Make) -> None:
        make.account("ada", password=PASSWORD)
        client = Client()
        assert client.post(SIGN_IN, {"username": "ada", "password": PASSWORD})["Location"] == "/"
