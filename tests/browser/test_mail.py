"""Settings > Server > Mail in a browser, with and without JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account
from mail.models import MailSettings
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.services.smtp import Mailhost

PAGE = "/settings/server/mail/"


@pytest.fixture
def host() -> Iterator[Mailhost]:
    host = Mailhost()
    yield host
    host.stop()


def type_server(page: Page, host: Mailhost) -> None:
    page.get_by_role("radio", name="Mail Server").check()
    page.get_by_label("Host", exact=True).fill("127.0.0.1")
    page.get_by_label("Port").fill(str(host.port))
    page.get_by_label("From Email").fill("agora@example.com")
    page.get_by_label("Use TLS").uncheck()


@pytest.mark.parametrize("javascript", [True, False])
def test_only_the_chosen_modes_fields_are_shown(browse: Browse, ada: Account, javascript: bool) -> None:
    page = browse(ada, java_script_enabled=javascript)
    page.goto(PAGE)
    expect(page.get_by_label("Do not use email")).to_be_checked()
    expect(page.get_by_label("Host", exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Send Test Mail")).to_be_hidden()
    page.get_by_role("radio", name="Mail Server").check()
    expect(page.get_by_label("Host", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Send Test Mail")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_typed_is_tried_then_saved(browse: Browse, ada: Account, host: Mailhost, javascript: bool) -> None:
    page = browse(ada, java_script_enabled=javascript)
    page.goto(PAGE)
    type_server(page, host)
    page.get_by_label("Send the test to").fill("ada@example.com")
    page.get_by_role("button", name="Send Test Mail").click()
    expect(page.get_by_text("The server took the test mail.")).to_be_visible()
    expect(page.locator(".talk")).to_contain_text("250 2.0.0 Queued as 0001")
    assert len(host.received) == 1
    assert MailSettings.load().mode == "none"
    assert not javascript or complaints(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert MailSettings.load().port == host.port


def test_a_refusal_stands_beside_the_form(browse: Browse, ada: Account, host: Mailhost) -> None:
    host.answers["RCPT"] = "550 5.1.1 No such user"
    page = browse(ada)
    page.goto(PAGE)
    type_server(page, host)
    page.get_by_label("Send the test to").fill("ada@example.com")
    page.get_by_role("button", name="Send Test Mail").click()
    expect(page.get_by_role("alert")).to_contain_text("550 5.1.1 No such user")
    page.get_by_label("Host", exact=True).fill("")
    page.get_by_role("button", name="Send Test Mail").click()
    expect(page.get_by_role("alert")).to_contain_text("Host: Name the mail server.")
