"""Working in a project, and seeing everybody's in admin mode, from the menu to the audit log."""

import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from audit.models import Entry
from projects.models import Membership, Project
from projects.services.projects import create_project, my_agora
from sessions_admin.models import Elevation
from tests.browser.axe import complaints, complaints_in_both_themes
from tests.browser.conftest import Browse
from tests.conftest import PASSWORD, Make

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
SIZES = pytest.mark.parametrize("size", [DESK, PHONE], ids=["desktop", "phone"])


@pytest.fixture
def boss(make: Make) -> Account:
    return make.account("boss", role="administrator", is_superuser=True, password=PASSWORD)


def menu(page: Page, name: str) -> None:
    page.goto("/")
    if page.get_by_role("button", name="Open menu").is_visible():
        page.get_by_role("button", name="Open menu").click()
    page.get_by_role("link", name=name, exact=True).click()


@SIZES
def test_from_the_menu_to_a_shared_project(size: dict[str, int], browse: Browse, vic: Account, ed: Account) -> None:
    page, other = browse(vic, viewport=size), browse(ed, viewport=size)
    menu(page, "Projects")
    expect(page.get_by_role("link", name="MyAgora", exact=True)).to_be_visible()
    page.get_by_role("link", name="New Project").click()
    page.get_by_label("Name").fill("Knee study")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("searchbox", name="Username or name").fill("ED")
    page.get_by_label("Role of ed").select_option("scientist")
    assert complaints(page) == []
    page.get_by_role("button", name="Invite ed").click()
    expect(page.get_by_text("ed is a member now.")).to_be_visible()
    assert Membership.objects.get(account=ed).role == "scientist"
    menu(other, "Projects")
    other.get_by_role("link", name="Knee study", exact=True).click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Knee study")
    expect(other.get_by_role("main")).to_contain_text("Member added to a project")
    other.get_by_role("link", name="Settings", exact=True).click()
    expect(other.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("link", name="Remove ed").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("ed is no longer a member.")).to_be_visible()
    other.reload()
    expect(other.get_by_role("main")).to_contain_text("There is no page at this address")


def test_without_javascript(browse: Browse, make: Make, vic: Account, ed: Account) -> None:
    page = browse(vic, java_script_enabled=False)
    page.goto("/projects/new/")
    page.get_by_label("Name").fill("Knee study")
    page.get_by_role("button", name="Create").click()
    page.get_by_role("searchbox", name="Username or name").fill("ed")
    page.get_by_role("main").get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Invite ed").click()
    page.get_by_role("combobox", name=re.compile("^Role of ed")).select_option("user")
    page.get_by_role("button", name="Change the role of ed").click()
    assert Membership.objects.get(account=ed).role == "user"
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("main")).to_contain_text("2 members lose it")
    page.get_by_label("Type the name").fill("Knee")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("main")).to_contain_text("This is not the name of the project.")
    page.get_by_label("Type the name").fill("Knee study")
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    assert not Project.objects.filter(name="Knee study").exists()


def start(page: Page) -> None:
    page.goto("/")
    page.get_by_role("button", name="Your account, boss").click()
    page.get_by_role("link", name="Admin Mode").click()
    page.get_by_label("Reason").fill("Ticket 4711")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Start admin mode").click()
    expect(page).to_have_title(re.compile(r"^\[Admin mode\]"))


RED = [187, 22, 27]
COLOUR = """bar => {
    const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    canvas.fillStyle = getComputedStyle(bar).backgroundColor;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


@SIZES
def test_admin_mode_from_the_menu_to_the_audit_log(
    size: dict[str, int], browse: Browse, make: Make, boss: Account, sam: Account, vic: Account
) -> None:
    my_agora(vic, actor=make.actor(vic))
    page = browse(boss, viewport=size)
    start(page)
    bar = page.get_by_role("banner")
    expect(bar).to_contain_text("min left")
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        assert bar.evaluate(COLOUR) == RED
    assert complaints_in_both_themes(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    page.get_by_role("row").filter(has_text="vic").get_by_role("link", name="MyAgora", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("You are no member of this project.")
    assert complaints_in_both_themes(page) == []
    page.get_by_role("button", name="Your account, boss").click()
    page.get_by_role("button", name="Stop Admin Mode", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Admin mode e-"))
    expect(page.get_by_role("main")).to_contain_text("MyAgora (vic)")
    assert page.locator("body[data-mode]").count() == 0
    assert complaints_in_both_themes(page) == []
    security = browse(sam, viewport=size)
    security.goto(f"/audit/?elevation={Elevation.objects.get()}")
    for event in ("admin_mode.started", "project.opened", "admin_mode.ended"):
        expect(security.locator("#results")).to_contain_text(event)
    assert Entry.objects.filter(event="project.opened", actor_name="boss").count() == 1


def test_the_red_bar_fits(browse: Browse, boss: Account) -> None:
    page = browse(boss)
    start(page)
    for width in (320, 390, 600, 768, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        bar = page.get_by_role("banner")
        expect(bar.get_by_role("button", name="Stop admin mode", exact=True)).to_be_in_viewport()
        expect(bar).to_contain_text("min left")


def test_two_browsers_of_one_superuser_and_the_end_of_one(
    browse: Browse, make: Make, boss: Account, vic: Account
) -> None:
    rita = make.account("rita", role="administrator", is_superuser=True, password=PASSWORD)
    project = create_project("Knee study", actor=make.actor(vic))
    first, second, security = browse(boss), browse(boss), browse(rita)
    start(first)
    first.goto(f"/projects/{project.pk}/")
    expect(first.get_by_role("heading", level=1)).to_have_text("Knee study")
    second.goto(f"/projects/{project.pk}/")
    expect(second.get_by_role("main")).to_contain_text("There is no page at this address")
    expect(second.locator("body[data-mode]")).to_have_count(0)
    security.goto(f"/accounts/{boss.pk}/")
    security.get_by_role("link", name="Lock…").click()
    security.get_by_role("dialog").get_by_role("button", name="Lock account").click()
    expect(security.get_by_text("boss is locked.")).to_be_visible()
    first.reload()
    expect(first.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert Elevation.objects.get().end == "session_ended"


def test_admin_mode_without_javascript(browse: Browse, boss: Account) -> None:
    page = browse(boss, java_script_enabled=False)
    page.goto("/admin-mode/")
    page.get_by_label("Reason").fill("Ticket 4711")
    page.get_by_label("Your password").fill("not this one")
    page.get_by_role("button", name="Start admin mode").click()
    expect(page.get_by_role("main")).to_contain_text("This is not your current password.")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Start admin mode").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    page.get_by_role("banner").get_by_role("button", name="Stop admin mode", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Admin mode e-"))
