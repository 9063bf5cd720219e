"""What the Resource Permissions dialog says when it may not do what somebody asks, and what it warns of before."""

from playwright.sync_api import expect

from accounts.models import Account
from resources.models import Grant
from resources.roles import ResourceRole
from tests.browser.conftest import Browse
from tests.browser.test_resources import roles, stream
from tests.conftest import Make
from tests.resources.conftest import give


def test_who_may_no_longer_change_them_is_told(browse: Browse, make: Make, ed: Account, nell: Account) -> None:
    resource = stream(make)
    give(nell, resource, ResourceRole.VIEWER)
    give(ed, resource, ResourceRole.ADMINISTRATOR)
    page = browse(ed)
    page.goto("/streams/")
    page.get_by_role("link", name="Resource Permissions").click()
    expect(page.get_by_label("Role of nell")).to_be_visible()
    for role, sentence in (("editor", "see these permissions but not change them"), ("viewer", "not see who this is")):
        Grant.objects.filter(account=ed).update(role=role)
        page.get_by_role("button", name="Save").click()
        expect(page.locator("#toasts .toast").last).to_contain_text(sentence)
        expect(page.get_by_role("dialog")).to_be_visible()
    assert roles(resource)["nell"] == "viewer"


def test_enter_in_a_reason_saves(browse: Browse, make: Make, ada: Account, nell: Account) -> None:
    resource = stream(make)
    give(nell, resource, ResourceRole.VIEWER)
    page = browse(ada)
    page.goto("/streams/")
    page.get_by_role("link", name="Resource Permissions").click()
    page.locator(f"#terms-{nell.pk}").click()
    page.get_by_label("Reason").fill("on call")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("1 change saved.")
    assert Grant.objects.get(account=nell).reason == "on call"
