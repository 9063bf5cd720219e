"""Single sign-on in a browser: a directory's settings are tested, saved and signed in with."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from sessions_admin.models import Session
from sso.models import Provider
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.conftest import Make
from tests.services.slapd import PASSWORD, Slapd
from tests.sso.conftest import provider as provider_fixture
from tests.sso.ldap.conftest import CLINIC, SECRET, MakeDirectory
from tests.sso.ldap.conftest import directory as directory_fixture
from tests.sso.ldap.conftest import slapd as slapd_fixture

provider, directory, slapd = provider_fixture, directory_fixture, slapd_fixture
LIST = "/settings/server/single-sign-on/"


def type_directory(page: Page, slapd: Slapd) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="New provider").first.click()
    page.get_by_role("link", name="Choose LDAP").click()
    page.get_by_label("Name", exact=True).fill("House directory")
    page.get_by_label("Alias").fill("house")
    page.get_by_label("Server Address").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(slapd.port))
    page.get_by_label("Own certificate authority").fill(slapd.authority.file.read_text())
    page.get_by_label("Admin Bind DN").fill(f"cn=admin,{CLINIC}")
    page.get_by_label("Admin Bind Password").fill(PASSWORD)
    page.get_by_label("User Search DN").fill(f"ou=people,{CLINIC}")
    page.get_by_label("Group Search DN").fill(f"ou=groups,{CLINIC}")
    page.get_by_label("Require Group").fill(f"cn=staff,ou=groups,{CLINIC}")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_directory_is_tested_in_a_tab_of_its_own_then_saved(
    browse: Browse, ada: Account, slapd: Slapd, javascript: bool
) -> None:
    page = browse(ada, java_script_enabled=javascript)
    type_directory(page, slapd)
    page.get_by_label("Find this person").fill("max")
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Test", exact=True).click()
    report = opened.value
    expect(report.get_by_text("The test passed")).to_be_visible()
    expect(report.get_by_text("Would create the account max and sign in as it.")).to_be_visible()
    assert not javascript or complaints(report) == []
    report.close()
    assert not Provider.objects.exists()
    assert not javascript or complaints(page) == []
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="House directory")).to_be_visible()
    expect(page.get_by_text("Not tested")).to_be_hidden()
    assert not javascript or complaints(page) == []


def test_what_was_never_tested_is_asked_twice_and_the_password_need_not_be_typed_again(
    browse: Browse, ada: Account, slapd: Slapd
) -> None:
    page = browse(ada)
    type_directory(page, slapd)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Nothing is saved yet.")).to_be_visible()
    assert complaints(page) == []
    page.get_by_role("button", name="Save untested").click()
    expect(page.get_by_role("link", name="House directory")).to_be_visible()
    assert Provider.objects.with_settings().get().ldap.admin_bind_password == PASSWORD


@pytest.mark.parametrize("javascript", [True, False])
def test_in_and_out_with_a_directorys_password(
    browse: Browse, make: Make, directory: MakeDirectory, javascript: bool
) -> None:
    directory(new_account_role="viewer")
    page = browse(java_script_enabled=javascript)
    page.goto("/sign-in/?next=/profile/")
    page.get_by_label("Username").fill("eva")
    page.get_by_label("Password", exact=True).fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Username or password is not right")).to_be_visible()
    page.get_by_label("Username").fill("eva")
    page.get_by_label("Password", exact=True).fill(SECRET)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(re.compile(r"/profile/$"))
    session = Session.objects.not_closed().signed_in().get()
    assert (session.method, session.provider_name) == ("ldap", "Clinic")
    page.locator("form[action='/sign-out/'] button").first.dispatch_event("click")
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert Session.objects.get(pk=session.pk).cause == "signed_out"


def test_deleting_asks_first(browse: Browse, ada: Account, directory: MakeDirectory) -> None:
    directory()
    page = browse(ada)
    page.goto(LIST)
    page.get_by_role("button", name="Actions for Clinic").click()
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_text("0 accounts are linked to it")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Clinic is deleted.")).to_be_visible()
    assert not Provider.objects.exists()
