"""The lists of people, sessions and audit entries: their columns on a laptop, their rows on a phone."""

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from tests.browser.conftest import Browse, type_a_weak_password
from tests.conftest import Make

WIDTHS = (320, 375, 768, 1024, 1280, 1440, 1920)
COLUMNS = {
    "/accounts/": ["2FA", "Sessions", "Role", "Last login", "New password"],
    "/sessions/": ["Session", "Opened", "Last seen", "Address", "Browser", "Method"],
    "/sessions/?tab=closed": ["Session", "Opened", "Closed", "Address", "Browser", "Method"],
    "/audit/": ["Outcome", "Actor", "Event", "Target", "Address", "Session", "Via"],
}
LONG = "a-rather-long-username.of-somebody"


@pytest.fixture
def filled(make: Make) -> None:
    """Values as long as they get, in every column."""
    for name in ("u-administrator", LONG):
        make.client(make.account(name, first_name="Anna", last_name="Bergstrom", role="content_manager"))
        Entry.objects.create(
            at=timezone.now(), event="account.second_factor_removed", outcome="success", actor_name=name,
            target_name=name, address="2001:db8:1234:5678:9abc:def0:1234:5678", session_id=1_234_567, channel="api",
            key_name="Script of the clinic",
        )  # fmt: skip
    Session.objects.update(address="192.168.100.200", user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/130.0.0.0")
    Session.objects.filter(account__username=LONG).update(closed_at=timezone.now(), cause="idle", data="")


def widest(page: Page) -> bool:
    """Does the page, and every table in its card, fit?"""
    return bool(
        page.evaluate("""() => document.documentElement.scrollWidth <= innerWidth &&
        [...document.querySelectorAll("main .card > table")].every(
            table => table.getBoundingClientRect().width <= table.parentElement.clientWidth + .5)""")
    )


@pytest.mark.parametrize("address", COLUMNS)
@pytest.mark.usefixtures("filled")
def test_columns_on_a_laptop_and_rows_that_fit_everywhere(browse: Browse, ada: Account, address: str) -> None:
    page = browse(ada, viewport={"width": 1280, "height": 900})
    page.goto(address)
    for name in COLUMNS[address]:
        expect(page.get_by_role("columnheader", name=name, exact=True)).to_be_visible()
    assert (page.get_by_role("columnheader", name="Closed").count() == 1) == ("closed" in address)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert widest(page), width


@pytest.mark.usefixtures("filled")
def test_an_audit_entry_is_read_on_a_narrow_phone(browse: Browse, ada: Account) -> None:
    page = browse(ada, viewport={"width": 320, "height": 640})
    page.goto("/audit/?q=second_factor_removed")
    for entry in Entry.objects.filter(event="account.second_factor_removed"):
        row = page.locator(f"#entry-{entry.pk}")
        for column, words in (
            (".ev", entry.event),
            ("td:nth-child(4)", entry.actor_name),
            ("td:nth-child(3)", "Success"),
        ):
            cell = row.locator(column)
            expect(cell).to_be_visible()
            expect(cell).to_have_text(words)
            assert cell.evaluate("cell => cell.scrollWidth <= cell.clientWidth + 1"), words
            assert cell.evaluate("cell => cell.clientWidth") > 60, words
    entry = Entry.objects.latest("pk")
    page.locator(f"#twist-{entry.pk}").click()
    expect(page.locator(f"#row-{entry.pk}")).to_contain_text("Exact time")
    assert widest(page)


def test_the_error_under_a_password_keeps_off_the_rows_edges(browse: Browse, ada: Account, vic: Account) -> None:
    page = browse(ada)
    field = type_a_weak_password(page, "vic")
    row, box = page.locator(f"#account-{vic.pk}").bounding_box(), field.bounding_box()
    error = page.locator(f"#pw-{vic.pk}-error").bounding_box()
    assert row and box and error
    assert box["y"] - row["y"] >= 6
    assert row["y"] + row["height"] - error["y"] - error["height"] >= 6
