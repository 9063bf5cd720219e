"""The second factor on the profile and on the card: new codes, a new phone, removing, resetting."""

from typing import Any

import pytest
import time_machine
from django.test import Client
from lxml import html

from accounts.devices import Authenticator, RecoveryCode
from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from settings_admin.models import ServerSettings
from tests.accounts.factor import (
    CODE,
    CODES,
    MINE,
    NOON,
    SIGN_IN,
    code_of,
    enrolled,
    half_way,
    let_in,
    text,
)
from tests.conftest import PASSWORD, Make


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as moved:
        yield moved


class TestOnTheProfile:
    def test_new_codes_after_the_password(self, make: Make) -> None:
        ada, old = enrolled(make)
        client = make.client(ada)
        wrong = client.post(f"{MINE}codes/", {"current_password": "not mine"})
        assert wrong.status_code == 422 and not CODES.findall(text(wrong))
        new = CODES.findall(text(client.post(f"{MINE}codes/", {"current_password": PASSWORD})))
        assert len(new) == 10 and not set(new) & set(old)
        assert half_way().post(CODE, {"code": old[0]}).status_code == 422
        assert half_way().post(CODE, {"code": new[0]}).status_code == 302

    def test_codes_as_a_file(self, make: Make, nell: Account) -> None:
        client = make.client(nell)
        answer = client.post(f"{MINE}codes/file/", {"codes": "abcde-fghjk\r\n23456-789mn\r\n"})
        assert text(answer) == "abcde-fghjk\n23456-789mn\n"
        assert answer["Content-Disposition"] == 'attachment; filename="agora-recovery-codes.txt"'
        for other in ("", "<script>", "abcde-fghjk\n<b>\n", "abcde-fghjk\n" * 11):
            assert client.post(f"{MINE}codes/file/", {"codes": other}).status_code == 400

    def test_removing_asks_password_and_code(self, make: Make) -> None:
        ada, _codes = enrolled(make)
        client = make.client(ada)
        for sent in ({"current_password": PASSWORD, "code": "000000"}, {"current_password": "x", "code": code_of(ada)}):
            assert client.post(f"{MINE}remove/", sent).status_code == 422
        client.post(f"{MINE}remove/", {"current_password": PASSWORD, "code": code_of(ada)})
        ada.refresh_from_db()
        assert not ada.second_factor
        assert not Authenticator.objects.exists() and not RecoveryCode.objects.exists()

    def test_it_stays_while_the_server_requires_it(self, make: Make) -> None:
        """The page says so at once, and no recovery code is spent on being told."""
        ada, codes = enrolled(make)
        ServerSettings.objects.update(two_factor_required=True)
        client = make.client(ada)
        shown = client.get(f"{MINE}remove/")
        assert shown.status_code == 403 and "Replace it instead" in text(shown)
        assert not Entry.objects.filter(event="second_factor.removed").exists()
        answer = client.post(f"{MINE}remove/", {"current_password": PASSWORD, "code": codes[0]})
        assert answer.status_code == 403 and "Replace it instead" in text(answer)
        assert Entry.objects.get(event="second_factor.removed").outcome == "denied"
        assert Authenticator.objects.get(user=ada).confirmed and RecoveryCode.objects.left().count() == 10

    def test_a_new_phone(self, make: Make) -> None:
        """Password and a code of the old app; the old one counts until the new one is confirmed."""
        ada, old_codes = enrolled(make)
        client = make.client(ada)
        assert client.get(f"{MINE}setup/")["Location"] == f"{MINE}replace/"
        assert client.post(f"{MINE}setup/", {"begin": "1"})["Location"] == f"{MINE}replace/"
        assert Authenticator.objects.count() == 1, "a stolen session begins nothing"
        client.post(f"{MINE}replace/", {"current_password": PASSWORD, "code": old_codes[0]})
        assert Authenticator.objects.filter(user=ada, confirmed=True).exists()
        client.post(f"{MINE}setup/", {"code": code_of(ada, confirmed=False)})
        assert Authenticator.objects.count() == 1
        assert half_way().post(CODE, {"code": old_codes[1]}).status_code == 422, "its recovery codes went with it"


class TestReset:
    def test_administrators_reset_and_it_is_audited(self, make: Make, ada: Account) -> None:
        bob, codes = enrolled(make, "bob")
        browser = make.client(bob)
        admin = make.client(ada)
        assert "Reset 2FA…" in text(admin.get(f"/accounts/{bob.pk}/"))
        address = f"/accounts/{bob.pk}/reset-second-factor/"
        assert "All its sessions end" in text(admin.get(address))
        assert Authenticator.objects.exists()
        admin.post(address)
        bob.refresh_from_db()
        assert not bob.second_factor and not Authenticator.objects.exists() and not RecoveryCode.objects.exists()
        assert not let_in(browser)
        assert Session.objects.get(account=bob).cause == "factor_reset"
        entry = Entry.objects.get(event="second_factor.reset")
        assert (entry.actor_name, entry.target_name, entry.details["sessions_ended"]) == ("ada", "bob", 1)
        assert Client().post(SIGN_IN, {"username": "bob", "password": PASSWORD})["Location"] == "/"
        assert codes

    @pytest.mark.parametrize("who", ["sam", "ed", "nell"])
    def test_others_do_not(self, make: Make, request: pytest.FixtureRequest, who: str) -> None:
        bob, _codes = enrolled(make, "bob")
        client = make.client(request.getfixturevalue(who))
        assert client.post(f"/accounts/{bob.pk}/reset-second-factor/").status_code == 403
        assert client.post(f"/api/v1/accounts/{bob.pk}/second-factor/reset").status_code == 403
        assert Authenticator.objects.exists()

    def test_a_superusers_is_for_superusers_and_ones_own_is_on_the_profile(self, make: Make, ada: Account) -> None:
        boss, _codes = enrolled(make, "boss", role="administrator", is_superuser=True)
        assert make.client(ada).post(f"/accounts/{boss.pk}/reset-second-factor/").status_code == 403
        assert make.client(boss).post(f"/accounts/{boss.pk}/reset-second-factor/").status_code == 403
        assert Authenticator.objects.exists()

    def test_over_the_api(self, make: Make, ada: Account) -> None:
        bob, _codes = enrolled(make, "bob")
        client = make.client(ada)
        answer = client.post(f"/api/v1/accounts/{bob.pk}/second-factor/reset")
        assert (answer.status_code, answer.json()["second_factor"]) == (200, False)
        again = client.post(f"/api/v1/accounts/{bob.pk}/second-factor/reset")
        assert (again.status_code, again.json()["code"]) == (409, "not_set_up")


def test_list_and_card_say_whether_it_is_active(make: Make, ada: Account) -> None:
    bob, _codes = enrolled(make, "bob")
    client = make.client(ada)
    page = html.fromstring(text(client.get("/accounts/")))
    column = [head.text_content().strip() for head in page.xpath("//thead//th")].index("2FA")
    for account, shown in ((bob, "On"), (ada, "Off")):
        cell = page.get_element_by_id(f"account-{account.pk}").findall("td")[column]
        card = html.fromstring(text(client.get(f"/accounts/{account.pk}/")))
        [fact] = card.xpath("//dt[normalize-space()='2FA']/following-sibling::dd[1]")
        assert [cell.text_content().strip(), fact.text_content().strip()] == [shown, shown]
    assert "bob" in text(client.get("/accounts/?second_factor=on"))
    assert f'id="account-{ada.pk}"' not in text(client.get("/accounts/?second_factor=on"))
    assert client.get(f"/api/v1/accounts/{bob.pk}").json()["second_factor"] is True
    assert [one["username"] for one in client.get("/api/v1/accounts?second_factor=on").json()["items"]] == ["bob"]


class TestTold:
    def test_the_account_is_told_by_mail(self, make: Make, ada: Account, mailbox: Any) -> None:
        bob, _codes = enrolled(make, "bob", email="bob@example.org")
        make.client(ada).post(f"/accounts/{bob.pk}/reset-second-factor/")
        [(message, parsed)] = mailbox.queued()
        assert (message.recipient, message.template) == ("bob@example.org", "factor_reset")
        assert "reset by an administrator" in parsed.get_body(("plain",)).get_content()
        assert Entry.objects.get(event="second_factor.reset").details["told_by_mail"] is True

    def test_without_an_address_nobody_is(self, make: Make, ada: Account, mailbox: Any) -> None:
        bob, _codes = enrolled(make, "bob")
        make.client(ada).post(f"/accounts/{bob.pk}/reset-second-factor/")
        assert mailbox.queued() == []
        assert Entry.objects.get(event="second_factor.reset").details["told_by_mail"] is False
