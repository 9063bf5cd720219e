"""Settings > Server > General in a browser, with and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import Account
from settings_admin.models import ServerSettings
from tests.browser.axe import complaints
from tests.browser.conftest import Browse

PAGE = "/settings/server/general/"


def test_unsaved_changes_are_counted_and_leaving_asks(browse: Browse, ada: Account) -> None:
    page = browse(ada)
    page.goto("/")
    page.get_by_role("link", name="General").click()
    count = page.locator("[data-unsaved-count]")
    expect(count).to_be_hidden()
    page.get_by_label("Idle limit", exact=True).fill("90")
    page.get_by_label("Idle limit, unit").select_option("minutes")
    expect(count).to_have_text("1 unsaved change")
    page.get_by_label("Allow registration").check()
    expect(count).to_have_text("2 unsaved changes")
    page.get_by_role("link", name="Overview").click()
    dialog = page.get_by_role("dialog", name="Leave without saving?")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Stay on this page").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(count).to_be_hidden()
    row = ServerSettings.load()
    assert (row.idle_limit.total_seconds(), row.allow_registration) == (5400, True)


def test_discarding_brings_back_what_is_saved(browse: Browse, ada: Account) -> None:
    page = browse(ada)
    page.goto(PAGE)
    page.get_by_label("Agora Hostname").fill("other.example")
    page.get_by_role("link", name="Discard").click()
    expect(page.get_by_label("Agora Hostname")).to_have_value("localhost:8000")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_size_is_asked_only_while_zip_stream_is_off(browse: Browse, ada: Account, javascript: bool) -> None:
    page = browse(ada, java_script_enabled=javascript)
    page.goto(PAGE)
    size = page.get_by_label("Max download size (in GB)")
    expect(size).to_be_visible()
    page.get_by_label("Zip-Stream Download").check()
    expect(size).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Zip-Stream Download")).to_be_checked()
    expect(size).to_be_hidden()
    page.get_by_label("Zip-Stream Download").uncheck()
    size.select_option("20 GB")
    page.get_by_role("button", name="Save").click()
    expect(size).to_have_value("20")
    assert (ServerSettings.load().zip_stream, ServerSettings.load().max_download_gb) == (False, 20)


def test_the_preview_follows_the_typing_and_says_what_is_wrong(browse: Browse, ada: Account) -> None:
    page = browse(ada)
    page.goto(PAGE)
    preview = page.locator("#hostname-preview")
    expect(preview).to_contain_text("http://localhost:8000/profile/")
    page.get_by_label("Agora Hostname").fill("agora.example.com:8443")
    expect(preview).to_contain_text("http://agora.example.com:8443/profile/")
    page.get_by_label("Agora Hostname").fill("https://agora.example.com")
    expect(preview).to_contain_text("Leave out")
    page.get_by_label("Agora Hostname").fill("agora.example.com")
    expect(preview).to_contain_text("http://agora.example.com/profile/")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_second_of_two_administrators_sees_what_the_first_changed(
    browse: Browse, ada: Account, root: Account, javascript: bool
) -> None:
    first, second = browse(ada), browse(root, java_script_enabled=javascript)
    first.goto(PAGE)
    second.goto(PAGE)
    first.get_by_label("Idle limit", exact=True).fill("4")
    first.get_by_role("button", name="Save").click()
    expect(first.get_by_text("Saved.")).to_be_visible()
    second.get_by_label("Allow registration").check()
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("alert")).to_contain_text("Somebody else changed these settings")
    expect(second.get_by_role("row", name=re.compile("Idle limit 8 hours 4 hours"))).to_be_visible()
    if javascript:
        assert complaints(second) == []
        expect(second.locator("[data-unsaved-count]")).to_have_text("1 unsaved change")
    assert not ServerSettings.load().allow_registration
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_role("alert")).to_have_count(0)
    row = ServerSettings.load()
    assert (row.idle_limit.total_seconds(), row.allow_registration) == (4 * 3600, True)
