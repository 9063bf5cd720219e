"""Getting in, and being put out."""

import re

from playwright.sync_api import Page, expect

from accounts.models import Account
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.conftest import PASSWORD, Make

NEW = "a river runs through the old town"


def sign_in(page: Page, username: str, password: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_first_sign_in_with_a_temporary_password(browse: Browse, make: Make) -> None:
    make.account("ada", role="administrator", password=PASSWORD, must_change_password=True)
    page = browse()
    page.goto("/accounts/")
    expect(page).to_have_title("Sign in · Agora")
    sign_in(page, "ada", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose a new password")
    assert complaints(page) == []
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill("something else entirely")
    page.get_by_role("button", name=re.compile("password", re.IGNORECASE)).last.click()
    again = page.get_by_label("New password again")
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    expect(again).to_be_focused()
    expect(again).to_have_value("")
    assert complaints(page) == []
    page.get_by_label("New password", exact=True).fill(NEW)
    again.fill(NEW)
    again.press("Enter")
    expect(page).to_have_url(re.compile("/accounts/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    assert Account.objects.get(username="ada").check_password(NEW)


def test_a_wrong_password_keeps_the_name_and_says_so(browse: Browse, make: Make) -> None:
    make.account("ada", password=PASSWORD)
    page = browse()
    page.goto("/sign-in/")
    sign_in(page, "ada", "not her password")
    expect(page.get_by_text("Username or password is not right")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("ada")
    expect(page.get_by_label("Password", exact=True)).to_have_value("")
    assert complaints(page) == []


def test_signing_in_and_out_without_javascript(browse: Browse, make: Make) -> None:
    make.account("ada", role="administrator", password=PASSWORD)
    page = browse(java_script_enabled=False)
    page.goto("/profile/")
    sign_in(page, "ada", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    page.get_by_role("button", name="Your account, ada").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/profile/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_going_back_after_signing_out_shows_nothing(browse: Browse, ada: Account) -> None:
    page = browse(ada)
    page.goto("/accounts/")
    page.get_by_role("button", name="Your account, ada").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
