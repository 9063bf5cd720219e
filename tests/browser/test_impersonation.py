"""Acting as somebody else, from the menu to the audit log."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from audit.models import Entry
from tests.browser.axe import complaints, complaints_in_both_themes
from tests.browser.conftest import Browse

PHONE = {"width": 390, "height": 844}


def open_menu(page: Page) -> None:
    if page.get_by_role("button", name="Open menu").is_visible():
        page.get_by_role("button", name="Open menu").click()


def start(page: Page, name: str, mode: str) -> None:
    page.goto("/")
    open_menu(page)
    page.get_by_role("link", name="Impersonate", exact=True).click()
    row = page.get_by_role("row").filter(has_text=name)
    row.get_by_role("link", name="Impersonate").click()
    dialog = page.get_by_role("dialog", name=re.compile(f"Act as {name}"))
    expect(dialog.get_by_role("link", name="Cancel").or_(dialog.get_by_role("button", name="Cancel"))).to_be_focused()
    dialog.get_by_label("Reason").fill("Ticket 4711")
    dialog.get_by_label(mode).check()
    dialog.get_by_role("button", name="Impersonate").click()


@pytest.mark.parametrize("size", [{"width": 1280, "height": 800}, PHONE], ids=["desktop", "phone"])
def test_from_the_menu_to_the_audit_log(
    size: dict[str, int], browse: Browse, root: Account, sam: Account, vic: Account
) -> None:
    page = browse(root, viewport=size)
    start(page, "vic", "Act")
    banner = page.locator(".impersonating")
    expect(banner).to_contain_text("root acts as vic")
    expect(page).to_have_title(re.compile(r"^\[Acting\]"))
    assert complaints_in_both_themes(page) == []
    page.goto("/profile/")
    page.get_by_label("First name").fill("Victor")
    page.locator("#names").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(banner).to_be_in_viewport()
    page.get_by_role("button", name="Stop impersonating").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Impersonate")
    expect(banner).to_have_count(0)
    security = browse(sam, viewport=size)
    security.goto("/")
    open_menu(security)
    security.get_by_role("link", name="Impersonations").click()
    expect(security.locator("#results")).to_contain_text("Ticket 4711")
    security.get_by_role("link", name=re.compile("^Entries of e-")).click()
    expect(security.locator("#results")).to_contain_text("account.changed")
    expect(security.locator("#results")).to_contain_text("root as vic")
    changed = Entry.objects.get(event="account.changed")
    assert (changed.actor_name, changed.behalf_name) == ("root", "vic")


def test_looking_only_tells_in_place_that_nothing_changed(
    browse: Browse, root: Account, ada: Account, vic: Account
) -> None:
    page = browse(root)
    start(page, "ada", "Look only")
    page.goto("/accounts/")
    expect(page.get_by_label(re.compile("New password"))).to_have_count(0)
    page.get_by_role("link", name="Lock vic").click()
    page.get_by_role("dialog").get_by_role("button", name="Lock account").click()
    expect(page.get_by_text("You only look: nothing was changed.")).to_be_visible()
    vic.refresh_from_db()
    assert not vic.is_locked


def test_without_javascript(browse: Browse, root: Account, vic: Account) -> None:
    page = browse(root, java_script_enabled=False)
    page.goto("/settings/impersonate/")
    page.locator(f"#impersonate-{vic.pk}").click()
    page.get_by_label("Reason").fill("Ticket 4711")
    page.get_by_role("button", name="Impersonate").click()
    expect(page.locator(".impersonating")).to_contain_text("looking only")
    page.get_by_role("button", name="Stop impersonating").click()
    expect(page.get_by_role("main")).to_contain_text("Impersonate")


def test_going_back_after_the_stop_shows_no_page_of_the_other(browse: Browse, root: Account, vic: Account) -> None:
    page = browse(root)
    start(page, "vic", "Act")
    page.goto("/profile/")
    expect(page.get_by_role("main")).to_contain_text("vic")
    page.get_by_role("button", name="Stop impersonating").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Impersonate")
    page.go_back()
    expect(page.get_by_role("main")).to_contain_text("root")
    expect(page.locator(".impersonating")).to_have_count(0)


def test_the_account_finds_it_on_its_profile(browse: Browse, root: Account, vic: Account) -> None:
    page = browse(root)
    start(page, "vic", "Look only")
    own = browse(vic)
    own.goto("/profile/")
    expect(own.locator("#impersonations")).to_contain_text("root")
    assert complaints(own) == []
