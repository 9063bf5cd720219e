"""Sessions, the audit log and the palette."""

import re
from typing import Any

from playwright.sync_api import expect

from accounts.models import Account
from accounts.services.locks import lock
from audit.models import Entry
from sessions_admin.models import Cause, Session
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.conftest import Make


def test_logging_somebody_out(browse: Browse, sam: Account, vic: Account) -> None:
    theirs, page = browse(vic), browse(sam)
    theirs.goto("/")
    page.goto("/sessions/")
    session = Session.objects.of_account(vic.pk).get()
    page.get_by_role("link", name=f"Log out session s-{session.pk} of vic").click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Log out|End")).click()
    expect(page.get_by_text("The session of vic has ended.")).to_be_visible()
    expect(page.locator(f"#session-{session.pk}")).to_have_count(0)
    theirs.get_by_role("link", name="Overview").click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("link", name=re.compile("^Closed")).first.click()
    expect(page.locator(f"#session-{session.pk}")).to_contain_text("Ended by sam")
    assert page.get_by_role("link", name=f"Log out session s-{session.pk} of vic").count() == 0
    assert Session.objects.get(pk=session.pk).cause == Cause.ENDED


def test_an_htmx_click_after_the_end_leads_to_the_sign_in_page(browse: Browse, ada: Account, sam: Account) -> None:
    page = browse(ada)
    page.goto("/accounts/")
    Session.objects.of_account(ada.pk).update(closed_at="2026-11-20T12:00Z", cause=Cause.ENDED, data="")
    page.get_by_role("link", name="Lock sam").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/accounts/$"))


def test_the_audit_log_is_filtered_and_opened_in_place(browse: Browse, make: Make, sam: Account, vic: Account) -> None:
    lock(vic, actor=make.actor(sam), reason="Lost badge")
    page = browse(sam)
    page.goto("/audit/")
    page.get_by_role("searchbox").fill("account.locked")
    entry = Entry.objects.get(event="account.locked")
    expect(page.locator("#results tbody tr:visible .twist")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=account\.locked"))
    twist = page.locator(f"#twist-{entry.pk}")
    twist.click()
    detail = page.locator(f"#row-{entry.pk}")
    expect(detail).to_contain_text("Lost badge")
    expect(twist).to_have_attribute("aria-expanded", "true")
    assert complaints(page) == []
    twist.click()
    expect(detail).not_to_be_visible()
    page.get_by_role("link", name="Clear all").click()
    expect(page).to_have_url(re.compile("/audit/$"))


def test_an_audit_entry_without_javascript(browse: Browse, make: Make, sam: Account, vic: Account) -> None:
    lock(vic, actor=make.actor(sam), reason="Lost badge")
    page = browse(sam, java_script_enabled=False)
    page.goto("/audit/?q=account.locked")
    page.locator(".twist").click()
    expect(page.get_by_role("main")).to_contain_text("Lost badge")


def test_the_palette(browse: Browse, ada: Account, otto: Account) -> None:
    page = browse(ada)
    page.goto("/profile/")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search or jump to")
    expect(palette.get_by_role("option", name="Audit log")).to_be_visible()
    page.keyboard.type("otto")
    expect(palette.get_by_role("option")).to_have_count(1)
    expect(palette.get_by_role("option")).to_have_attribute("aria-selected", "true")
    assert complaints(page) == []
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/accounts/{otto.pk}/"))


def test_the_palette_offers_only_what_one_may_open(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(vic)
    page.goto("/")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Search or jump to")
    expect(palette.get_by_role("option", name="Overview")).to_be_visible()
    page.keyboard.type("a")
    page.wait_for_timeout(400)
    assert palette.get_by_role("option", name=re.compile("ada|Users|Audit")).count() == 0
    page.keyboard.press("Escape")
    expect(palette).not_to_be_visible()


def test_g_and_a_letter_jump_unless_switched_off(browse: Browse, make: Make, sam: Account) -> None:
    page = browse(sam)
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("u")
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    quiet = browse(make.account("quinn", role="security", shortcuts=False))
    quiet.goto("/")
    quiet.keyboard.press("g")
    quiet.keyboard.press("u")
    quiet.wait_for_timeout(300)
    expect(quiet.get_by_role("heading", level=1)).to_have_text("Overview")


def test_forced_colours_and_large_text_keep_the_page_usable(browse: Browse, sam: Account) -> None:
    options: dict[str, Any] = {"forced_colors": "active", "viewport": {"width": 640, "height": 400}}
    page = browse(sam, **options)  # 1280 px at 200 % is 640 px
    page.goto("/audit/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 640
