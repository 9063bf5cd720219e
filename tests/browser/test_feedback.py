"""Feedback in a browser, with and without JavaScript."""

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from feedback.models import Feedback
from tests.browser.axe import complaints
from tests.browser.conftest import Browse


@pytest.mark.parametrize("javascript", [True, False])
def test_from_the_button_to_handled(browse: Browse, nell: Account, ada: Account, javascript: bool) -> None:
    page, office = browse(nell, java_script_enabled=javascript), browse(ada, java_script_enabled=javascript)
    page.goto("/profile/")
    page.get_by_role("link", name="Send feedback").click()
    message = page.get_by_label("Your message")
    expect(message).to_be_focused()
    if javascript:
        expect(page.get_by_role("dialog", name="Send feedback")).to_be_visible()
        assert complaints(page) == []
    message.fill("The clock is late.")
    page.get_by_label("You may answer me").check()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    expect(page.get_by_text("Thank you. Your message is with the administrators.")).to_be_visible()
    letter = Feedback.objects.get()
    assert (letter.page, letter.may_answer) == ("/profile/", True)
    office.goto("/")
    office.get_by_role("link", name="1 Feedback to handle").click()
    expect(office.get_by_text("The clock is late.")).to_be_visible()
    office.get_by_role("button", name=f"Mark {letter} as handled").click()
    expect(office.get_by_text("Nothing to handle")).to_be_visible()
    office.get_by_role("link", name="Handled 1").click()
    expect(office.get_by_text("by ada")).to_be_visible()
