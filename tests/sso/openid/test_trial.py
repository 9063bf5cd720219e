"""Test: a real sign-in with what is typed, which ends on a report; nobody is signed in and nothing is saved."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from audit.models import Entry, Outcome
from sessions_admin.models import Session
from sso.models import Identity, Provider, Report
from tests.conftest import Make
from tests.sso.openid.conftest import Connect, address_in, begin, come_back
from tests.sso.openid.hostile import CLIENT, Hostile

pytestmark = pytest.mark.django_db
NEW = "/settings/server/single-sign-on/new/openid/test/"


def typed(hostile: Hostile, **fields: Any) -> dict[str, Any]:
    values = {
        "name": "Staff", "alias": "staff", "enabled": "on", "create_accounts": "on", "new_account_role": "viewer",
        "discovery_endpoint": hostile.discovery, "scopes": "openid profile email",
        "username_claim": "preferred_username", "email_claim": "email", "first_name_claim": "given_name",
        "last_name_claim": "family_name", "groups_claim": "groups",
        "groups-TOTAL_FORMS": "1", "groups-INITIAL_FORMS": "0", "groups-0-group": "admins", "groups-0-role": "editor",
    }  # fmt: skip
    return values | CLIENT | fields


def begin_test(client: Client, hostile: Hostile, url: str = NEW, **fields: Any) -> str:
    """The address at the provider that the new tab goes to."""
    answer = client.post(url, typed(hostile, **fields))
    assert answer.status_code == 200, answer.content.decode()
    return address_in(answer)


def run_test(client: Client, hostile: Hostile, **fields: Any) -> str:
    """The report, as the page shows it."""
    return report(client, come_back(client, hostile.agree(begin_test(client, hostile, **fields))))


def report(client: Client, answer: Any) -> str:
    assert answer.status_code == 302, answer.content.decode()
    page = client.get(answer["Location"])
    assert page.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


@pytest.fixture
def admin(make: Make, ada: Account) -> Client:
    return make.client(ada)


def nothing_happened() -> None:
    assert [account.username for account in Account.objects.all()] == ["ada"]
    assert Session.objects.count() == 1 and not Provider.objects.exists() and not Identity.objects.exists()


def test_the_report_says_what_came_and_who_it_would_be(admin: Client, hostile: Hostile) -> None:
    hostile.about |= {"groups": ["Admins", "staff"], "given_name": "Vera"}
    page = run_test(admin, hostile)
    assert "The test passed" in page and "Failed" not in page
    for check in ("State", "Discovery", "Code", "Signature", "Issuer", "Audience", "Time", "Nonce", "Userinfo"):
        assert re.search(rf"Passed {check} ", page), check
    assert "Would create the account vera" in page and "Editor" in page
    assert "Admins" in page and "248289" in page and hostile.issuer in page
    nothing_happened()
    tested = Entry.objects.get(event="provider.tested")
    assert tested.outcome == Outcome.SUCCESS and tested.actor_name == "ada"


class Browser(Client):
    """One that sends a cookie only where it belongs, as browsers do."""

    def _base_environ(self, **request: Any) -> dict[str, Any]:
        environ: dict[str, Any] = super()._base_environ(**request)  # type: ignore[misc]
        sent = [cookie for cookie in self.cookies.values() if request["PATH_INFO"].startswith(cookie["path"] or "/")]
        return environ | {"HTTP_COOKIE": "; ".join(f"{cookie.key}={cookie.value}" for cookie in sent)}


def test_tests_and_a_sign_in_in_several_tabs_end_each_on_their_own(
    ada: Account, hostile: Hostile, connect: Connect
) -> None:
    connect(hostile, "clinic")
    browser = Browser()
    browser.force_login(ada)
    away = begin(browser, "clinic")
    tests = [(alias, begin_test(browser, hostile, alias=alias)) for alias in ("one", "two")]
    for alias, address in tests:
        assert "The test passed" in report(browser, come_back(browser, hostile.agree(address), alias))
    assert come_back(browser, hostile.agree(away), "clinic").status_code == 302
    assert Account.objects.named("vera").exists()


LIES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "issuer": ("Issuer", "issued by somebody else", {"claims": {"iss": "https://id.example.com"}}),
    "audience": ("Audience", "meant for another client", {"claims": {"aud": "other"}}),
    "nonce": ("Nonce", "answers another sign-in", {"claims": {"nonce": "x"}}),
    "time": ("Time", "has expired", {"claims": {"exp": 1, "iat": 0}}),
    "userinfo": ("Userinfo", "about somebody else", {"about": {"sub": "x"}}),
    "code": ("Code", "answered 400", {"answers": {"/token": (400, "text/plain", b"invalid_client")}}),
    "keys": ("Connection", "answered 500", {"answers": {"/keys": (500, "", b"")}}),
}


@pytest.mark.parametrize("lie", LIES)
def test_the_report_names_the_check_that_failed(lie: str, admin: Client, hostile: Hostile) -> None:
    check, words, changes = LIES[lie]
    for name, value in changes.items():
        setattr(hostile, name, value)
    page = run_test(admin, hostile)
    assert "The test did not pass" in page
    assert re.search(rf"Failed {check} .*{words}", page), page
    nothing_happened()


def test_a_provider_that_is_gone_is_a_report_too(admin: Client, hostile: Hostile) -> None:
    hostile.stop()
    answer = admin.post(NEW, typed(hostile))
    assert "Connection refused" in report(admin, answer)
    nothing_happened()


def test_saying_no_is_a_report_too(admin: Client, hostile: Hostile) -> None:
    state = hostile.asked_for(begin_test(admin, hostile))["state"]
    page = report(admin, come_back(admin, {"error": "access_denied", "error_description": "No!", "state": state}))
    assert "Failed Consent" in page and "No!" in page


def test_the_secret_of_a_saved_provider_is_used_where_none_is_typed(
    admin: Client, hostile: Hostile, connect: Connect
) -> None:
    saved = connect(hostile)
    url = f"/settings/server/single-sign-on/{saved.pk}/test/"
    page = report(admin, come_back(admin, hostile.agree(begin_test(admin, hostile, url, client_secret=""))))
    assert "The test passed" in page and CLIENT["client_secret"] not in page
    [headers] = [headers for path, _form, headers in hostile.asked if path == "/token"]
    assert headers["Authorization"].startswith("Basic ")


def test_the_document_is_read_anew(admin: Client, hostile: Hostile) -> None:
    run_test(admin, hostile)
    hostile.document = {"token_endpoint": f"{hostile.issuer}/moved"}
    assert "answered 404" in run_test(admin, hostile)


def test_only_the_tester_ends_a_test(admin: Client, hostile: Hostile, make: Make, vic: Account) -> None:
    brought = hostile.agree(begin_test(admin, hostile))
    admin.cookies.pop("agora_session")
    assert come_back(admin, brought).status_code == 403  # the same browser, signed out
    assert Report.objects.get().passed is None
    assert Entry.objects.get(event="session.opened").details["reason"] == "other_tester"
    assert make.client(vic).post(NEW, typed(hostile)).status_code == 403


def test_who_lost_the_right_meanwhile_sees_nothing(admin: Client, hostile: Hostile, ada: Account) -> None:
    brought = hostile.agree(begin_test(admin, hostile))
    Account.objects.filter(pk=ada.pk).update(role="viewer")
    assert come_back(admin, brought).status_code == 403
    assert Report.objects.get().passed is None


def test_the_answer_to_a_test_signs_nobody_in(admin: Client, hostile: Hostile, connect: Connect, ada: Account) -> None:
    """Even where the provider that is tested is also saved and would let the person in."""
    saved = connect(hostile)
    Identity.objects.create(provider=saved, subject="248289", account=ada, created_at=timezone.now())
    before = Identity.objects.values_list("last_sign_in_at", flat=True).get()
    url = f"/settings/server/single-sign-on/{saved.pk}/test/"
    page = report(admin, come_back(admin, hostile.agree(begin_test(admin, hostile, url))))
    assert "Would sign in as ada" in page
    assert Session.objects.count() == 1
    assert Identity.objects.values_list("last_sign_in_at", flat=True).get() == before


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://id.example.com/realms/master", "its address ends with /.well-known/openid-configuration"),
        ("http://id.example.com/.well-known/openid-configuration", "does not begin with https://"),
        ("ftp://id.example.com/.well-known/openid-configuration", "does not begin with https://"),
    ],
)
def test_an_address_that_can_not_be_right_is_said_at_once(
    admin: Client, hostile: Hostile, address: str, words: str
) -> None:
    answer = admin.post(NEW, typed(hostile, discovery_endpoint=address))
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not hostile.asked
