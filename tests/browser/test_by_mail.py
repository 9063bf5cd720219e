"""A forgotten password and a registration from the page to the mail and back, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from accounts.tasks import answer_reset_requests
from settings_admin.models import ServerSettings
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.conftest import PASSWORD, Mailbox, Make

NEW = "a river runs through the old town"


def path_in_last_mail(mailbox: Mailbox) -> str:
    text = mailbox.queued()[-1][1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    return re.findall(r"http://localhost:8000(/\S+)", text)[0]


def sign_in(page: Page, username: str, password: str) -> None:
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_forgotten_password(browse: Browse, make: Make, mailbox: Mailbox, javascript: bool) -> None:
    make.account("vera", password=PASSWORD, email="vera@example.com")
    page = browse(java_script_enabled=javascript)
    page.goto("/sign-in/")
    page.get_by_role("link", name="Forgot password?").click()
    expect(page.get_by_label("Username or e-mail address")).to_be_focused()
    if javascript:
        assert complaints(page) == []
    page.get_by_label("Username or e-mail address").fill("vera")
    page.get_by_role("button", name="Send link").click()
    expect(
        page.get_by_text("If there is such an account with an e-mail address, a link is on its way.")
    ).to_be_visible()
    answer_reset_requests()
    page.goto(path_in_last_mail(mailbox))
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose a new password")
    if javascript:
        assert complaints(page) == []
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill("something else entirely")
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill(NEW)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_text("Your new password is set, and all sessions have ended.")).to_be_visible()
    sign_in(page, "vera", NEW)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_registration(browse: Browse, mailbox: Mailbox, javascript: bool) -> None:
    ServerSettings.objects.update(allow_registration=True)
    page = browse(java_script_enabled=javascript)
    page.goto("/sign-in/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username").fill("vera")
    page.get_by_label("Email").fill("vera@example.com")
    page.get_by_label("Password", exact=True).fill("short sentence"[:11])
    page.get_by_role("button", name="Create account").click()
    expect(
        page.get_by_text("at least 12 characters").or_(page.get_by_text("At least 12 characters.")).first
    ).to_be_visible()
    if javascript:
        assert complaints(page) == []
    page.get_by_label("Password", exact=True).fill(NEW)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("A link is on its way to vera@example.com.")).to_be_visible()
    page.goto(path_in_last_mail(mailbox))
    if javascript:
        assert complaints(page) == []
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_text("Your account is made. Sign in with it.")).to_be_visible()
    sign_in(page, "vera", NEW)
    assert Account.objects.get().role == "none"


@pytest.mark.parametrize("javascript", [True, False])
def test_an_administrator_sends_a_link(
    browse: Browse, make: Make, mailbox: Mailbox, ada: Account, javascript: bool
) -> None:
    vera = make.account("vera", email="vera@example.com")
    page = browse(ada, java_script_enabled=javascript)
    page.goto(f"/accounts/{vera.pk}/")
    page.get_by_role("button", name="Send reset link").click()
    expect(page.get_by_text("A link for a new password is on its way to vera@example.com.")).to_be_visible()
    if javascript:
        assert complaints(page) == []
    visitor = browse(java_script_enabled=javascript)
    visitor.goto(path_in_last_mail(mailbox))
    expect(visitor.get_by_text("For the account vera.")).to_be_visible()
