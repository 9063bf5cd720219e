"""Accessibility by axe-core: the rules of WCAG 2.2 at levels A and AA that a machine can check."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

__all__ = ["AXE_SCRIPT", "COLOURS", "TAGS", "complaints", "complaints_in_both_themes"]

TAGS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}  # all that a second theme can change


def complaints(page: Page, rules: dict[str, Any] = TAGS) -> list[str]:
    """What axe finds on the page as it is shown now, one line for each element."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # Its preloading writes copies of the stylesheets into the page, which the content policy refuses.
    options = {"runOnly": rules, "preload": False, "resultTypes": ["violations"]}
    found = page.evaluate("options => axe.run(options).then(results => results.violations)", options)
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]}: {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"]
    ]


def complaints_in_both_themes(page: Page) -> list[str]:
    """The same of a page that follows what the browser asks for, as without a choice of the account's own."""
    assert page.evaluate("document.documentElement.dataset.theme") == "system"
    found = []
    for theme, rules in (("light", TAGS), ("dark", COLOURS)):
        page.emulate_media(color_scheme=theme)
        found += [f"{theme}: {complaint}" for complaint in complaints(page, rules)]
    return found
