"""Signing in and out through a real OpenID provider, in a real browser."""

import re
from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from sessions_admin.models import Session
from sso.models import Identity, Provider
from sso.openid import discovery, keys
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.services.openid import OpenIdProvider
from tests.sso.conftest import MakeProvider

PEOPLE = {
    "u-1001": {"preferred_username": "vera", "given_name": "Vera", "family_name": "Moss", "email": "vera@example.com"}
}


@pytest.fixture(scope="session")
def openid_process() -> Iterator[OpenIdProvider]:
    process = OpenIdProvider()
    yield process
    process.stop()


@pytest.fixture
def staff(openid_process: OpenIdProvider, live_server: LiveServer) -> OpenIdProvider:
    """The provider, which knows this server; ours is not made yet."""
    discovery.forget()
    keys.forget()
    openid_process.set_up(agora=live_server.url, alias="staff", accounts=PEOPLE)
    return openid_process


@pytest.fixture
def ours(staff: OpenIdProvider, make_provider: MakeProvider) -> None:
    make_provider("openid", "staff", name="Staff of the clinic", **openid_fields(staff))


def openid_fields(staff: OpenIdProvider) -> dict[str, str]:
    return {
        "client_id": "agora",
        "client_secret": "only between the two of them",
        "discovery_endpoint": staff.discovery,
    }


@pytest.fixture
def make_provider(db: None) -> MakeProvider:
    return MakeProvider()


def sign_in(page: Page) -> None:
    page.goto("/profile/")
    page.get_by_role("button", name="Staff of the clinic").click()
    page.get_by_label("Login").fill("u-1001")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("scripts", [True, False])
def test_signing_in_and_out(scripts: bool, browse: Browse, staff: OpenIdProvider) -> None:
    page = browse(beside=(staff.issuer,), java_script_enabled=scripts)
    page.goto("/sign-in/")
    assert not scripts or complaints(page) == []
    sign_in(page)
    assert Account.objects.get(username="vera").first_name == "Vera"
    page.get_by_role("button", name=re.compile("^Your account")).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign out of the provider?")
    page.get_by_role("button", name="Yes, sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto("/profile/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="Staff of the clinic").click()
    expect(page.get_by_label("Login")).to_be_visible()  # the provider asks again


@pytest.mark.usefixtures("ours")
def test_signing_out_at_the_provider_signs_out_here(browse: Browse, staff: OpenIdProvider) -> None:
    page = browse(beside=(staff.issuer,))
    sign_in(page)
    page.goto(f"{staff.issuer}/session/end")
    page.get_by_role("button", name="Yes, sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Signed out of the provider")
    assert Session.objects.closed().get().cause == "signed_out_there"
    page.goto("/profile/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.usefixtures("ours")
def test_saying_no_at_the_provider(browse: Browse, staff: OpenIdProvider, ada: Account) -> None:
    page = browse(ada, beside=(staff.issuer,))
    page.goto("/sso/staff/login/?next=/profile/")
    page.get_by_role("button", name="Staff of the clinic").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Signing in did not work")
    assert complaints(page) == []
    page.goto("/profile/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")  # ada is still here


@pytest.mark.parametrize("scripts", [True, False])
def test_a_test_of_what_is_typed(scripts: bool, browse: Browse, staff: OpenIdProvider, ada: Account) -> None:
    """In a new tab, with a real sign-in; the form stays as it is and ada stays signed in."""
    page = browse(ada, beside=(staff.issuer,), java_script_enabled=scripts)
    page.goto("/settings/server/single-sign-on/new/openid/")
    page.get_by_label("Name", exact=True).fill("Staff of the clinic")
    page.get_by_label("Alias").fill("staff")
    page.get_by_label("Discovery Endpoint").fill(staff.discovery)
    page.get_by_label("Client ID").fill("agora")
    page.get_by_label("Client Secret").fill("only between the two of them")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Test", exact=True).click()
    tab = opened.value
    tab.get_by_label("Login").fill("u-1001")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Test of Staff of the clinic")
    expect(tab.get_by_text("The test passed")).to_be_visible()
    expect(tab.get_by_text("Would create the account vera").first).to_be_visible()
    assert not scripts or complaints(tab) == []
    assert not Provider.objects.exists() and not Account.objects.filter(username="vera").exists()
    assert Session.objects.count() == 1
    tab.close()
    expect(page.get_by_label("Alias")).to_have_value("staff")
    page.get_by_role("button", name=re.compile("^(Save|Create)")).first.click()
    expect(page.get_by_text("Nothing is saved yet.")).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).not_to_have_text("New OpenID Connect provider")
    assert Provider.objects.get().tested


@pytest.mark.usefixtures("ours")
def test_confirming_admin_mode_at_the_provider(browse: Browse, staff: OpenIdProvider, root: Account) -> None:
    provider = Provider.objects.get()
    Identity.objects.create(provider=provider, subject="u-1001", account=root, created_at=timezone.now())
    page = browse(beside=(staff.issuer,))
    sign_in(page)
    page.goto("/admin-mode/")
    assert complaints(page) == []
    page.get_by_role("button", name="Go on at Staff of the clinic").click()
    page.get_by_label("Login").fill("u-1001")  # although the provider knows who it is
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Reason").fill("Ticket 4711")
    page.get_by_role("button", name="Start admin mode").click()
    expect(page.locator("body")).to_have_attribute("data-mode", "admin")
