"""Every page, as a list that grows with the URLs: accessible in both themes, on a phone, without JavaScript."""

import pytest
from playwright.sync_api import Page

from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.pages import Row, World, rows

FRAGMENTS = {
    "/accounts/new/check-username/", "/settings/server/general/preview/", "/resources/<int:pk>/permissions/people/",
    "/recordings/<int:pk>/download/", "/healthz", "/readyz",
}  # fmt: skip
ROUTES = [row for row in rows() if "GET" in row.methods and row.route not in FRAGMENTS]
# States of pages that an address alone does not name.
STATES = [
    "/accounts/?q=nobody-has-this-name", "/accounts/?role=viewer&state=locked&order=-username",
    "/sessions/?tab=closed", "/audit/?outcome=success&q=locked", "/jump/?q=a", "/no-such-page/", "/accounts/?after=x",
    "/settings/server/mail/outbox/?state=sending",
]  # fmt: skip
WIDTHS = (320, 390, 768, 1280)


def address(world: World, where: Row | str) -> str:
    """As the superuser sees it; questions about several rows get two."""
    if isinstance(where, str):
        return where
    people = f"?id={world.tara.pk}&id={world.people['vic'].pk}" if where.name.startswith("accounts:") else ""
    chosen = f"?id={world.ids['sessions']}" if where.name == "sessions:end-many" else people
    return where.address(**world.ids) + chosen


def label(where: Row | str) -> str:
    return where if isinstance(where, str) else where.route


def show(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("h1, h2").first.wait_for()


@pytest.mark.parametrize("where", [*ROUTES, *STATES], ids=label)
def test_accessible_in_both_themes_and_no_wider_than_the_screen(where: Row | str, browse: Browse, world: World) -> None:
    root = world.people["root"]
    page = browse() if isinstance(where, Row) and where.access and where.access.public else browse(root)
    url = address(world, where)
    for theme in ("light", "dark"):
        type(root).objects.filter(pk=root.pk).update(theme=theme)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        show(page, url)
        assert complaints(page) == [], theme
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        needed = page.evaluate("document.documentElement.scrollWidth")
        assert needed <= width, f"{needed} px wide on a screen of {width} px"


@pytest.mark.parametrize("where", ROUTES, ids=label)
def test_every_page_says_what_it_is_without_javascript(where: Row, browse: Browse, world: World) -> None:
    page = browse(world.people["root"], java_script_enabled=False)
    show(page, address(world, where))
    assert page.locator("main").inner_text().strip()
    assert page.locator("h1:visible, h2:visible").count() >= 1
    # What only scripts could do is not offered: a button outside a form, without a popover or dialog to open, is dead.
    dead = page.locator(
        "main button:visible:not(form button):not([form]):not([popovertarget]):not([commandfor])"
    ).all_inner_texts()
    assert dead == []
