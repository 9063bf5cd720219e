"""Every page, as a list that grows with the URLs: accessible in both themes, on a phone, without JavaScript."""

import pytest
from playwright.sync_api import Page

from tests.browser.axe import AXE_SCRIPT, complaints_in_both_themes
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


def in_parts(pages: list[Row | str]) -> list[list[Row | str]]:
    """A browser and a world for a dozen pages at a time: making them anew for each takes as long as the page."""
    return [pages[start : start + 12] for start in range(0, len(pages), 12)]


def label(part: list[Row | str]) -> str:
    return f"from {part[0] if isinstance(part[0], str) else part[0].route}"


# Asked of the page itself: a locator brings a script into every page, which takes half as long as loading it.
SEEN = "const seen = node => node.checkVisibility({visibilityProperty: true}) && node.getClientRects().length > 0;"
HEADED = f"() => {{ {SEEN} const first = document.querySelector('h1, h2'); return Boolean(first) && seen(first) }}"
WITHOUT_SCRIPTS = f"""() => {{
    {SEEN}
    const [main, ...more] = document.querySelectorAll("main");
    const idle = "button:not(form button):not([form]):not([popovertarget]):not([commandfor])";
    const dead = [...main.querySelectorAll(idle)].filter(seen).map(button => button.innerText);
    const headed = [...document.querySelectorAll("h1, h2")].some(seen);
    return {{says: more.length === 0 && headed && main.innerText.trim() !== "", dead}};
}}"""


def show(page: Page, url: str) -> None:
    page.goto(url)
    if not page.evaluate(HEADED):
        page.locator("h1, h2").first.wait_for()


@pytest.mark.parametrize("part", in_parts([*ROUTES, *STATES]), ids=label)
def test_accessible_in_both_themes_and_no_wider_than_the_screen(
    part: list[Row | str], browse: Browse, world: World
) -> None:
    faults, signed_in, visitor = [], browse(world.people["root"]), browse()
    for page in (signed_in, visitor):
        page.context.add_init_script(AXE_SCRIPT)  # half a megabyte, sent once
    for where in part:
        page = visitor if isinstance(where, Row) and where.access and where.access.public else signed_in
        url = address(world, where)
        page.emulate_media(color_scheme="light")
        show(page, url)
        faults += [f"{url}, {complaint}" for complaint in complaints_in_both_themes(page)]
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            needed = page.evaluate("document.documentElement.scrollWidth")
            if needed > width:
                faults.append(f"{url}: {needed} px wide on a screen of {width} px")
    assert faults == []


@pytest.mark.parametrize("part", in_parts([*ROUTES]), ids=label)
def test_every_page_says_what_it_is_without_javascript(part: list[Row | str], browse: Browse, world: World) -> None:
    page, faults = browse(world.people["root"], java_script_enabled=False), []
    for where in part:
        url = address(world, where)
        show(page, url)
        found = page.evaluate(WITHOUT_SCRIPTS)
        if not found["says"]:
            faults.append(f"{url} says nothing")
        # What only scripts could do is not offered: a button outside a form, that opens no popover or dialog, is dead.
        faults += [f"{url}: nothing happens on {text!r}" for text in found["dead"]]
    assert faults == []
