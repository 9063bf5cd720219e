"""The list and the card of accounts, by mouse and by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Cause, Session
from tests.browser.axe import complaints
from tests.browser.conftest import Browse, open_profile, type_a_weak_password

NEW = "a river runs through the old town"


@pytest.mark.parametrize("by", ["Enter", "button"])
def test_a_new_password_in_the_row(browse: Browse, ada: Account, vic: Account, by: str) -> None:
    page = browse(ada)
    page.goto("/accounts/")
    field, button = page.get_by_label("New password for vic"), page.get_by_label("Change password of vic")
    field.fill(NEW)
    field.press("Enter") if by == "Enter" else button.click()
    expect(page.locator(f"#account-{vic.pk}").get_by_text("Changed")).to_be_visible()
    expect(page.locator("#toasts")).to_contain_text("Password of vic changed.")
    expect(field).to_have_value("")
    expect(page).to_have_url(re.compile("/accounts/$"))
    assert Account.objects.get(pk=vic.pk).check_password(NEW)


def test_a_weak_password_is_refused_under_its_field(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    field = type_a_weak_password(page, "vic")
    row = page.locator(f"#account-{vic.pk}")
    expect(row.get_by_text("at least 12 characters")).to_be_visible()
    expect(field).to_have_value("")
    assert complaints(page) == []
    assert not Account.objects.get(pk=vic.pk).has_usable_password()


def test_a_lock_from_the_list_ends_a_second_browser_at_its_next_click(
    browse: Browse, sam: Account, vic: Account
) -> None:
    theirs, page = browse(vic), browse(sam)
    open_profile(theirs)
    page.goto("/accounts/?order=username")
    page.get_by_role("link", name="Lock vic").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Lock vic?")
    expect(dialog).to_contain_text("1 open session ends at once")
    assert complaints(page) == []
    dialog.get_by_label("Reason").fill("Lost badge")
    dialog.get_by_role("button", name="Lock account").click()
    expect(page.locator(f"#account-{vic.pk}")).to_contain_text("Locked")
    expect(page).to_have_url(re.compile(r"/accounts/\?order=username$"))
    theirs.get_by_role("link", name="Overview").click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert Session.objects.of_account(vic.pk).get().cause == Cause.LOCKED
    assert Entry.objects.get(event="account.locked").details["reason"] == "Lost badge"


def test_the_lock_dialog_by_keyboard(browse: Browse, sam: Account, vic: Account) -> None:
    """It starts on Cancel, Escape closes it, and the focus returns to where it was."""
    page = browse(sam)
    page.goto("/accounts/")
    opener = page.get_by_role("link", name="Lock vic")
    opener.focus()
    opener.press("Enter")
    expect(page.get_by_role("dialog").get_by_text("Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(opener).to_be_focused()
    assert not Account.objects.get(pk=vic.pk).is_locked


def test_locking_without_javascript(browse: Browse, sam: Account, vic: Account) -> None:
    page = browse(sam, java_script_enabled=False)
    page.goto("/accounts/")
    page.get_by_role("link", name="Lock vic").click()
    page.get_by_role("button", name="Lock account").click()
    expect(page.locator(f"#account-{vic.pk}")).to_contain_text("Locked")


def test_a_new_password_without_javascript(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada, java_script_enabled=False)
    page.goto("/accounts/")
    page.get_by_label("New password for vic").fill(NEW)
    page.get_by_label("New password for vic").press("Enter")
    expect(page.get_by_text("Password of vic changed.")).to_be_visible()
    assert Account.objects.get(pk=vic.pk).check_password(NEW)


@pytest.mark.parametrize("scripts", [True, False])
def test_what_somebody_else_changed_meanwhile_is_told(
    browse: Browse, ada: Account, vic: Account, scripts: bool
) -> None:
    """On the card, under the field; before a change of role, over what is gained and lost by now."""
    page = browse(ada, java_script_enabled=scripts)
    page.goto(f"/accounts/{vic.pk}/")
    Account.objects.filter(pk=vic.pk).update(first_name="Anna")
    profile = page.locator("#profile")
    profile.get_by_label("First name").fill("Hanna")
    profile.get_by_role("button", name="Save").click()
    expect(profile).to_contain_text("Somebody else changed this to “Anna”.")
    assert not scripts or complaints(page) == []
    profile.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert Account.objects.get(pk=vic.pk).first_name == "Hanna"

    page.locator("#id_role").select_option("security")
    page.get_by_role("button", name="Review change…").click()
    expect(page.get_by_text("Read the audit log")).to_be_visible()
    Account.objects.filter(pk=vic.pk).update(role="editor")
    page.get_by_role("button", name="Change role").click()
    expect(page.get_by_text("Somebody else changed this role in the meantime.")).to_be_visible()
    expect(page.get_by_text("Edit all streamers")).to_be_visible()
    assert not scripts or complaints(page) == []
    page.get_by_role("button", name="Change role").click()
    expect(page.get_by_text("The role of vic is changed.")).to_be_visible()


def test_leaving_the_card_with_a_typed_password_asks_first(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto(f"/accounts/{vic.pk}/")
    field = page.get_by_label("New password", exact=True)
    field.fill("half a passw")
    away = page.get_by_role("link", name="Audit log").first
    away.click()
    asked = page.get_by_role("dialog", name="Leave without saving?")
    expect(asked).to_be_visible()
    asked.get_by_role("button", name="Stay on this page").click()
    expect(field).to_have_value("half a passw")
    expect(page).to_have_url(re.compile(f"/accounts/{vic.pk}/$"))
    away.click()
    asked.get_by_role("button", name="Leave without saving").click()
    expect(page).to_have_url(re.compile("/audit/$"))


def test_closing_the_window_with_a_typed_password_asks_too(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto(f"/accounts/{vic.pk}/")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_label("New password", exact=True).press_sequentially("half a passw")
    page.close(run_before_unload=True)
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"]


def test_filtering_asks_before_it_throws_away_a_typed_password(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto("/accounts/")
    field, dialog = page.get_by_label("New password for vic"), page.locator("#leave")
    field.fill(NEW)
    page.locator("select[name=role]").select_option("viewer")
    expect(dialog).to_be_visible()
    dialog.locator("button:not([data-leave])").last.click()
    expect(dialog).not_to_be_visible()
    expect(field).to_have_value(NEW)
    expect(page).to_have_url(re.compile("/accounts/$"))
    page.get_by_role("searchbox").fill("vic")
    expect(dialog).to_be_visible()
    dialog.locator("[data-leave]").click()
    expect(page).to_have_url(re.compile("q=vic"))
    expect(dialog).not_to_be_visible()
    expect(field).to_have_value("")
    page.locator("select[name=role]").select_option("editor")
    expect(page).to_have_url(re.compile("role=editor"))


def test_a_typed_password_is_not_asked_about_when_it_is_sent(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto("/accounts/")
    page.get_by_label("New password for vic").fill(NEW)
    page.get_by_label("New password for vic").press("Enter")
    expect(page.locator(f"#account-{vic.pk}").get_by_text("Changed")).to_be_visible()
    expect(page.locator("#leave")).not_to_be_visible()


def test_a_wrong_password_without_javascript_keeps_the_way_back(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada, java_script_enabled=False)
    page.goto("/accounts/?q=vi&order=-username")
    page.get_by_label("New password for vic").fill("short")
    page.get_by_label("New password for vic").press("Enter")
    expect(page.get_by_text("at least 12 characters").first).to_be_visible()
    page.get_by_role("link", name="Users").and_(page.locator(".back")).click()
    expect(page).to_have_url(re.compile(r"/accounts/\?q=vi&order=-username$"))


def test_a_card_without_changes_is_left_without_a_question(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto(f"/accounts/{vic.pk}/")
    page.get_by_role("link", name="Overview").first.click()
    expect(page).not_to_have_url(re.compile(f"/accounts/{vic.pk}/$"))


def test_the_way_back_from_a_card_leads_to_the_list_as_it_was(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto("/accounts/?role=viewer&order=-username")
    page.get_by_role("link", name="Open card of vic").click()
    page.locator("a.back").click()
    expect(page).to_have_url(re.compile(r"/accounts/\?role=viewer&order=-username$"))


def test_filtering_as_one_types_keeps_the_state_in_the_address(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto("/accounts/")
    page.keyboard.press("/")
    page.keyboard.type("vi")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"[?&]q=vi(&|$)"))
    expect(page.locator("#account-" + str(vic.pk))).to_be_visible()
    page.get_by_role("link", name="Clear all").click()
    expect(page.locator("#results tbody tr")).to_have_count(2)
    page.go_back()
    expect(page.locator("#results tbody tr")).to_have_count(1)


def test_several_are_locked_at_once(browse: Browse, sam: Account, vic: Account, otto: Account) -> None:
    page = browse(sam)
    page.goto("/accounts/")
    page.get_by_label("Select vic").check()
    page.get_by_label("Select otto").check()
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Lock…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Lock 2 users?")
    page.get_by_role("button", name="Lock accounts").click()
    expect(page.get_by_role("main")).to_contain_text("vic")
    assert {account.username for account in Account.objects.locked()} == {"vic", "otto"}
    assert len({entry.details["batch"] for entry in Entry.objects.filter(event="account.locked")}) == 1
    page.reload()
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")
    page.go_back()
    expect(page.get_by_text("2 of 2 done")).to_be_visible()
    assert Entry.objects.filter(event="account.locked").count() == 2


def test_a_new_user(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    page.goto("/accounts/")
    page.get_by_role("link", name="New User").click()
    name = page.get_by_label("Username")
    name.fill("VIC")
    name.press("Tab")
    expect(page.get_by_text("This username is taken. Choose another.")).to_be_visible()
    name.fill("zoe")
    page.get_by_label("No password yet").check()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("zoe")
    assert not Account.objects.get(username="zoe").has_usable_password()


def phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})


def test_the_menu_on_a_phone(browse: Browse, ada: Account) -> None:
    page = browse(ada, has_touch=True)
    phone(page)
    page.goto("/")
    link = page.locator("#nav").get_by_role("link", name="Users")
    expect(link).not_to_be_visible()
    page.get_by_role("button", name="Open menu").click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Users")


def test_the_theme_is_the_accounts_own(browse: Browse, ada: Account) -> None:
    page = browse(ada)
    page.goto("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch theme").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    other = browse(ada)
    other.goto("/")
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")
