"""The card of an account: its facts, its tabs, editing it, its password."""

import html
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from accounts.roles import Role
from audit.models import Entry, Outcome
from sessions_admin.models import Session
from tests.conftest import PASSWORD, Make

SignedIn = Callable[[Account], Client]
NEW = "seven swans a-swimming north"


def url(account: Account, part: str = "") -> str:
    return f"/accounts/{account.pk}/{part}"


def profile_of(account: Account, **changes: str) -> dict[str, str]:
    names = ("username", "external_id", "first_name", "last_name", "email")
    return {name: getattr(account, name) for name in names} | changes


def test_it_shows_what_is_known(signed_in: SignedIn, ada: Account, make: Make) -> None:
    vic = make.account("vic", role="viewer", first_name="Vic", last_name="Tor", external_id="AD-1")
    page = signed_in(ada).get(url(vic)).content.decode()
    for text in ("account_id", str(vic.pk), "Vic Tor", "external_account_id", "AD-1", "Viewer", "Created", "Never"):
        assert text in page


def test_a_username_alone_is_enough(signed_in: SignedIn, ada: Account, nell: Account) -> None:
    page = signed_in(ada).get(url(nell)).content.decode()
    assert "external_account_id" not in page
    assert "Lock time" not in page


@pytest.mark.parametrize("part", ["", "sessions/", "activity/", "permissions/"])
@pytest.mark.parametrize(("who", "status"), [("root", 200), ("ada", 200), ("sam", 200), ("ed", 403), ("nell", 403)])
def test_who_may_look(
    signed_in: SignedIn, vic: Account, request: pytest.FixtureRequest, part: str, who: str, status: int
) -> None:
    assert signed_in(request.getfixturevalue(who)).get(url(vic, part)).status_code == status


@pytest.mark.parametrize("part", ["", "sessions/", "activity/", "permissions/", "lock/", "deactivate/"])
def test_unknown_accounts_are_not_found(signed_in: SignedIn, ada: Account, part: str) -> None:
    client = signed_in(ada)
    for number in ("987654", "9" * 40):
        assert client.get(f"/accounts/{number}/{part}").status_code == 404


def test_visitors_sign_in_first(client: Client, vic: Account) -> None:
    assert client.get(url(vic))["Location"] == f"/sign-in/?next=/accounts/{vic.pk}/"


def test_security_reads_and_is_offered_nothing_to_edit(signed_in: SignedIn, sam: Account, vic: Account) -> None:
    page = signed_in(sam).get(url(vic)).content.decode()
    assert "Lock…" in page
    for text in ('name="username"', 'name="new_password"', 'name="role"', "Deactivate"):
        assert text not in page


@pytest.mark.parametrize("part", ["edit/", "role/", "password/", "activate/", "deactivate/"])
def test_security_edits_nothing(signed_in: SignedIn, sam: Account, vic: Account, part: str) -> None:
    before = Account.objects.filter(pk=vic.pk).values().get()
    assert signed_in(sam).post(url(vic, part), {"username": "x", "role": "editor"}).status_code == 403
    assert Account.objects.filter(pk=vic.pk).values().get() == before
    entry = Entry.objects.get(event="access.denied")
    permission = "accounts.set_password" if part == "password/" else "accounts.change"
    assert (entry.outcome, entry.details) == (Outcome.DENIED, {"permission": permission})


class TestBackToTheList:
    def test_it_leads_to_the_list_as_it_was_left(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        page = signed_in(ada).get(url(vic), {"back": "/accounts/?role=viewer&order=-created"}).content.decode()
        assert 'href="/accounts/?role=viewer&amp;order=-created"' in page

    def test_tabs_and_saving_keep_it(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        client = signed_in(ada)
        page = html.unescape(client.get(url(vic), {"back": "/accounts/?q=v"}).content.decode())
        assert f"{url(vic, 'sessions/')}?back=%2Faccounts%2F%3Fq%3Dv" in page
        answer = client.post(url(vic, "edit/"), profile_of(vic, first_name="Vic", back="/accounts/?q=v"))
        assert answer["Location"] == f"{url(vic)}?back=%2Faccounts%2F%3Fq%3Dv"

    @pytest.mark.parametrize(
        "back",
        [
            "https://evil.example/accounts/",
            "//evil.example/accounts/",
            "javascript:alert(1)",
            "/audit/",
            "/accounts/../x",
        ],
    )
    def test_it_leads_nowhere_else(self, signed_in: SignedIn, ada: Account, vic: Account, back: str) -> None:
        page = signed_in(ada).get(url(vic), {"back": back}).content.decode()
        assert '<a class="back" href="/accounts/">' in page
        assert f'"{back}"' not in page.partition("<main")[2]


class TestEditing:
    def test_changes_are_saved_and_recorded(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        client = signed_in(ada)
        values = profile_of(vic, username="victor", external_id="AD-9", email="vic@example.org")
        assert client.post(url(vic, "edit/"), values)["Location"] == url(vic)
        vic.refresh_from_db()
        assert (vic.username, vic.external_id, vic.email) == ("victor", "AD-9", "vic@example.org")
        entry = Entry.objects.get(event="account.changed")
        assert entry.details["changes"] == {
            "username": ["vic", "victor"],
            "external_id": ["", "AD-9"],
            "email": ["", "vic@example.org"],
        }
        assert "Saved." in client.get(url(vic)).content.decode()

    def test_names_can_be_erased(self, signed_in: SignedIn, ada: Account, make: Make) -> None:
        vic = make.account("vic", first_name="Vic", last_name="Tor", email="vic@example.org", external_id="AD-1")
        values = profile_of(vic, first_name="", last_name="", email="", external_id="")
        signed_in(ada).post(url(vic, "edit/"), values)
        vic.refresh_from_db()
        assert (vic.full_name, vic.email, vic.external_id) == ("", "", "")

    def test_saving_nothing_new_records_nothing(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        signed_in(ada).post(url(vic, "edit/"), profile_of(vic))
        assert not Entry.objects.filter(event="account.changed").exists()

    @pytest.mark.parametrize(
        ("field", "value", "sentence"),
        [
            ("username", "", "required"),
            ("username", "ADA", "This username is taken."),
            ("username", "ａｄａ", "This username is taken."),
            ("username", "two words", "A username has no spaces."),
            ("username", "a\u202eb", "can&#39;t be seen"),
            ("username", "x" * 151, "at most 150 characters"),
            ("external_id", "AD-1", "Another account has this external account id."),
            ("email", "not an address", "valid email address"),
            ("first_name", "a\x00b", "Null characters are not allowed."),
        ],
    )
    def test_errors_stand_under_the_field_and_what_was_typed_stays(
        self, signed_in: SignedIn, vic: Account, make: Make, field: str, value: str, sentence: str
    ) -> None:
        ada = make.account("ada", role="administrator", external_id="AD-1")
        answer = signed_in(ada).post(url(vic, "edit/"), profile_of(vic, **{"first_name": "Kept", field: value}))
        page = answer.content.decode()
        assert answer.status_code == 422
        assert sentence in page.replace("&#x27;", "&#39;")
        assert f'id="id_{field}_error"' in page
        assert field == "first_name" or 'value="Kept"' in page
        vic.refresh_from_db()
        assert vic.username == "vic"
        assert vic.first_name == ""

    def test_nothing_but_the_profile_can_be_sent(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        smuggled = {"is_superuser": "on", "superuser": "on", "role": "administrator", "is_active": "", "password": "x"}
        signed_in(ada).post(url(vic, "edit/"), profile_of(vic, first_name="Vic") | smuggled)
        vic.refresh_from_db()
        assert (vic.first_name, vic.is_superuser, vic.role, vic.is_active) == ("Vic", False, Role.VIEWER, True)

    def test_only_superusers_edit_superusers(self, signed_in: SignedIn, root: Account, ada: Account) -> None:
        client = signed_in(ada)
        page = client.get(url(root)).content.decode()
        assert "Only superusers edit a superuser." in page
        assert 'name="username"' not in page
        assert client.post(url(root, "edit/"), profile_of(root, first_name="X")).status_code == 403
        root.refresh_from_db()
        assert root.first_name == ""
        assert Entry.objects.get(event="account.changed").outcome == Outcome.DENIED


class TestPassword:
    def test_it_is_temporary_unless_said_otherwise(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        client = signed_in(ada)
        assert 'name="temporary"' in client.get(url(vic)).content.decode()
        client.post(url(vic, "password/"), {"new_password": NEW, "temporary": "on"})
        vic.refresh_from_db()
        assert vic.must_change_password
        client.post(url(vic, "password/"), {"new_password": f"{NEW}!"})
        vic.refresh_from_db()
        assert not vic.must_change_password
        assert vic.check_password(f"{NEW}!")

    @pytest.mark.parametrize(("password", "sentence"), [("", "Type a password first."), ("tiny", "at least 12")])
    def test_errors_stand_under_the_field(
        self, signed_in: SignedIn, ada: Account, vic: Account, password: str, sentence: str
    ) -> None:
        answer = signed_in(ada).post(url(vic, "password/"), {"new_password": password})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert sentence in page
        assert 'id="id_new_password_error"' in page
        assert 'value="tiny"' not in page

    def test_ones_own_is_not_offered(self, signed_in: SignedIn, make: Make) -> None:
        ada = make.account("ada", role="administrator", password=PASSWORD)
        client = signed_in(ada)
        assert 'name="new_password"' not in client.get(url(ada)).content.decode()
        assert client.post(url(ada, "password/"), {"new_password": NEW}).status_code == 403

    def test_a_superusers_is_refused(self, signed_in: SignedIn, root: Account, ada: Account) -> None:
        assert signed_in(ada).post(url(root, "password/"), {"new_password": NEW}).status_code == 403
        assert Entry.objects.get(event="account.password_changed").outcome == Outcome.DENIED

    def test_leaving_with_a_typed_password_is_watched(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        page = signed_in(ada).get(url(vic)).content.decode()
        assert f'action="{url(vic, "password/")}" data-dirty' in page


class TestTabs:
    def test_sessions_open_and_closed(self, signed_in: SignedIn, sam: Account, vic: Account) -> None:
        old, now = signed_in(vic), signed_in(vic)
        old.post("/sign-out/")
        page = signed_in(sam).get(url(vic, "sessions/")).content.decode()
        assert "Signed out" in page
        assert "End all sessions" in page
        assert page.count("Log out session") >= 1
        assert now.get("/profile/").status_code == 200

    def test_end_all_sessions(self, signed_in: SignedIn, sam: Account, vic: Account) -> None:
        browser, client = signed_in(vic), signed_in(sam)
        assert client.get(url(vic, "end-sessions/")).status_code == 405
        assert client.post(url(vic, "end-sessions/"))["Location"] == url(vic, "sessions/")
        assert browser.get("/profile/").status_code == 302
        assert Entry.objects.get(event="session.ended_all").details["sessions_ended"] == 1
        assert Session.objects.get(account=vic).closed_by_name == "sam"

    def test_what_it_did_and_what_was_done_to_it(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        signed_in(vic).post("/profile/names/", {"first_name": "Vic"})
        client = signed_in(ada)
        client.post(url(vic, "lock/"), {})
        page = client.get(url(vic, "activity/")).content.decode()
        assert "account.changed" in page
        assert "account.locked" in page

    @pytest.mark.parametrize(("role", "given"), [("none", 0), ("viewer", 7), ("observer", 5)])
    def test_what_the_role_gives(self, signed_in: SignedIn, ada: Account, make: Make, role: str, given: int) -> None:
        page = signed_in(ada).get(url(make.account("x", role=role), "permissions/")).content.decode()
        assert page.count("<span>Yes</span>") == given

    def test_a_locked_account_may_nothing(self, signed_in: SignedIn, ada: Account, vic: Account) -> None:
        client = signed_in(ada)
        client.post(url(vic, "lock/"), {})
        assert "none of this counts" in client.get(url(vic, "permissions/")).content.decode()
