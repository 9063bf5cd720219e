"""The Resource Permissions dialog by keyboard, on a phone and by two people; without a script as a page."""

import re

from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Account
from resources.drafts import SHOWN
from resources.models import Grant, Resource
from resources.roles import ResourceRole
from resources.services.resources import create_stream, create_streamer
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.conftest import Make
from tests.resources.conftest import give


def stream(make: Make) -> Resource:
    actor = make.actor()
    return create_stream("or3", streamer=create_streamer("origin1.example.com", actor=actor), actor=actor)


def roles(resource: Resource) -> dict[str, str]:
    return dict(Grant.objects.on(resource).values_list("account__username", "role"))


def unsaved(page: Page, text: str) -> None:
    expect(page.locator("#permissions-count")).to_have_text(text)


def test_with_the_keyboard_alone(browse: Browse, make: Make, ada: Account, nell: Account, vic: Account) -> None:
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    page = browse(ada)
    page.goto("/streams/?order=-created")
    page.get_by_role("link", name="Resource Permissions").focus()
    page.keyboard.press("Enter")
    search = page.get_by_role("combobox", name="Search Users")
    expect(search).to_be_focused()
    page.keyboard.type("nel")
    expect(page.get_by_role("option", name=re.compile("nell"))).to_have_attribute("aria-selected", "true")
    assert complaints(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#permissions-people [role=option]")).to_have_count(0)
    page.keyboard.type("l")
    expect(page.get_by_role("option", name=re.compile("nell"))).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    role = page.get_by_label("Role of nell")
    expect(role).to_have_value("viewer")
    unsaved(page, "1 unsaved change")
    expect(search).to_be_focused()
    role.focus()
    page.keyboard.type("Ed")
    expect(role).to_have_value("editor")
    expect(page.locator("option[value=editor][selected]")).to_be_attached()  # drawn anew by the server
    expect(role).to_be_focused()
    page.get_by_role("button", name="Remove vic").focus()
    page.keyboard.press("Enter")
    unsaved(page, "2 unsaved changes")
    expect(page.get_by_role("button", name="Undo removing vic")).to_be_focused()
    assert complaints(page) == []
    page.get_by_role("button", name="Save").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("2 changes saved.")
    expect(page).to_have_url(re.compile(r"/streams/\?order=-created$"))
    assert roles(resource) == {"nell": "editor"}


def test_undo_and_cancel_change_nothing(browse: Browse, make: Make, ada: Account, vic: Account) -> None:
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    page = browse(ada)
    page.goto("/streams/")
    page.get_by_role("link", name="Resource Permissions").click()
    page.get_by_role("button", name="Remove vic").click()
    page.get_by_role("button", name="Undo").click()
    unsaved(page, "")
    page.get_by_label("Role of vic").select_option("administrator")
    unsaved(page, "1 unsaved change")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Leave without saving").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert roles(resource) == {"vic": "viewer"}
    page.get_by_role("link", name="Resource Permissions").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_closing_with_unsaved_changes_warns(browse: Browse, make: Make, ada: Account, vic: Account) -> None:
    """By every way out; a reason that was only typed counts, a search that was only typed does not."""
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    page = browse(ada)
    page.goto("/streams/")
    page.get_by_role("link", name="Resource Permissions").click()
    dialog, question = page.locator("dialog[data-modal]"), page.locator("#leave")
    page.get_by_role("combobox", name="Search Users").fill("nobody at all")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("link", name="Resource Permissions").click()
    page.locator(f"#terms-{vic.pk}").click()
    page.get_by_label("Reason").type("on call")
    for way in ("key", "cross", "button", "outside"):
        if way == "key":
            page.keyboard.press("Escape")
        elif way == "cross":
            dialog.get_by_role("button", name="Close").click()
        elif way == "button":
            dialog.get_by_role("button", name="Cancel").click()
        else:
            page.mouse.click(5, 5)
        expect(question).to_be_visible()
        expect(page.get_by_role("button", name="Stay on this page")).to_be_focused()
        page.keyboard.press("Enter")
        expect(question).to_be_hidden()
        expect(dialog).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("on call")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Leave without saving").click()
    expect(dialog).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/streams/$"))
    assert Grant.objects.get(account=vic).reason == ""


def test_five_thousand_grants_stay_usable(browse: Browse, make: Make, ada: Account, vic: Account) -> None:
    """One page of them is drawn; the search finds any, and what is changed on one page stays on the next."""
    resource = stream(make)
    people = Account.objects.bulk_create(
        Account(username=f"bulk{number:04}", username_key=f"bulk{number:04}", search_text=f"bulk{number:04}")
        for number in range(5_000)
    )
    now = timezone.now()
    Grant.objects.bulk_create(
        Grant(account=account, resource=resource, role=ResourceRole.VIEWER, granted_at=now) for account in people
    )
    page = browse(ada)
    page.goto("/streams/")
    page.get_by_role("link", name="Resource Permissions").click()
    expect(page.locator("ul.grants > li")).to_have_count(SHOWN)
    page.get_by_label("Role of bulk0003").select_option("editor")
    unsaved(page, "1 unsaved change")
    page.get_by_role("button", name="Next users").click()
    expect(page.get_by_label("Role of bulk0030")).to_be_visible()
    unsaved(page, "1 unsaved change")
    page.get_by_role("combobox", name="Search Users").fill("bulk4711")
    option = page.get_by_role("option", name=re.compile("bulk4711"))
    expect(option).to_contain_text("Has access")
    option.click()
    page.get_by_role("button", name="Remove bulk4711").click()
    unsaved(page, "2 unsaved changes")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("2 changes saved.")
    assert Grant.objects.get(account__username="bulk0003").role == "editor"
    assert Grant.objects.on(resource).count() == 4_999


def test_why_about_creating(browse: Browse, make: Make, ada: Account, vic: Account, otto: Account) -> None:
    resource = stream(make)
    page = browse(ada)
    for person, answer in (("vic", "Allowed"), ("otto", "Refused")):
        page.goto(f"/resources/{resource.pk}/why/?account={person}&action=view")
        page.get_by_label("Action").select_option("create")
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("#answer")).to_contain_text(answer)
    expect(page.locator("#answer")).to_contain_text("The system role Observer creates nothing from a Stream")
    assert complaints(page) == []


def test_a_reason_typed_last_is_saved_with_the_click(browse: Browse, make: Make, ada: Account, vic: Account) -> None:
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    page = browse(ada)
    page.goto("/streams/")
    page.get_by_role("link", name="Resource Permissions").click()
    page.locator(f"#terms-{vic.pk}").click()
    page.get_by_label("Reason").fill("on call")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("1 change saved.")
    assert Grant.objects.get(account=vic).reason == "on call"


def test_two_people_at_once(
    browse: Browse, make: Make, ada: Account, root: Account, nell: Account, vic: Account
) -> None:
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    mine, theirs = browse(ada), browse(root)
    for page in (mine, theirs):
        page.goto("/streams/")
        page.get_by_role("link", name="Resource Permissions").click()
    theirs.get_by_label("Role of vic").select_option("editor")
    unsaved(theirs, "1 unsaved change")
    theirs.get_by_role("button", name="Save").click()
    expect(theirs.locator("#toasts")).to_contain_text("1 change saved.")
    mine.get_by_role("combobox", name="Search Users").fill("nell")
    mine.get_by_role("option", name=re.compile("nell")).click()
    unsaved(mine, "1 unsaved change")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_role("alert")).to_contain_text("Somebody else changed these permissions")
    expect(mine.get_by_label("Role of vic")).to_have_value("editor")
    assert roles(resource) == {"vic": "editor"}
    mine.get_by_role("button", name="Save").click()
    expect(mine.locator("#toasts")).to_contain_text("1 change saved.")
    assert roles(resource) == {"vic": "editor", "nell": "viewer"}


def test_without_a_script_at_phone_width(browse: Browse, make: Make, ada: Account, nell: Account, vic: Account) -> None:
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    page = browse(ada, java_script_enabled=False, viewport={"width": 320, "height": 700})
    page.goto(f"/resources/{resource.pk}/permissions/")
    page.get_by_role("combobox", name="Search Users").fill("nel")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("option", name=re.compile("nell")).click()
    page.get_by_label("Role of nell").select_option("administrator")
    page.get_by_role("button", name="Remove vic").click()
    unsaved(page, "2 unsaved changes")
    expect(page.get_by_label("Role of nell")).to_have_value("administrator")
    page.get_by_role("button", name="Save").click()
    assert roles(resource) == {"nell": "administrator"}


def test_enter_without_a_script_searches_or_saves(
    browse: Browse, make: Make, ada: Account, nell: Account, vic: Account
) -> None:
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    page = browse(ada, java_script_enabled=False)
    page.goto(f"/resources/{resource.pk}/permissions/")
    box = page.get_by_role("combobox", name="Search Users")
    box.fill("nel")
    box.press("Enter")
    page.get_by_role("option", name=re.compile("nell")).click()
    page.locator(f"#terms-{nell.pk}").click()
    page.locator(f"#reason-{nell.pk}").fill("Stands in for ed")
    page.locator(f"#reason-{nell.pk}").press("Enter")
    expect(page).to_have_url(re.compile(f"/streams/{resource.pk}/$"))
    assert roles(resource) == {"vic": "viewer", "nell": "viewer"}
    assert Grant.objects.get(account=nell).reason == "Stands in for ed"


def test_at_phone_width_nothing_is_wider_than_the_screen(
    browse: Browse, make: Make, ada: Account, nell: Account, vic: Account
) -> None:
    resource = stream(make)
    give(vic, resource, ResourceRole.VIEWER)
    page = browse(ada, viewport={"width": 320, "height": 700})
    page.goto("/streams/")
    page.get_by_role("link", name="Resource Permissions").click()
    page.get_by_role("combobox", name="Search Users").fill("nell")
    page.get_by_role("option", name=re.compile("nell")).click()
    unsaved(page, "1 unsaved change")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    box = page.get_by_role("dialog").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 320
    expect(page.get_by_role("button", name="Save")).to_be_in_viewport()
    assert complaints(page) == []
