"""A real Chromium on a real server: breaking the content policy, an error or another host fails the test."""

import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Request, Response, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from tests.conftest import Make
from tests.pages import World
from tests.services import missing

logger = logging.getLogger(__name__)
HERE = Path(__file__).parent
INSTALL = (
    "Chromium is not installed. Install it with: apt-get install -y --no-install-recommends chromium fonts-liberation"
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
WATCH = """document.addEventListener("securitypolicyviolation",
    event => violated(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`))"""
# Chromium logs every answer over 399; which of them are wrong is for _answered to say.
STATUS_LINE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")
GAVE_WAY = re.compile(r"htmx:(sendAbort|afterRequest), ")  # a request that a newer one replaced (hx-sync)
PATIENCE = 30_000  # milliseconds until an expectation fails; machines that run tests are busy

Browse = Callable[..., Page]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser and commits: the server's threads must see what the test wrote."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session", autouse=True)
def _patience() -> None:
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright's event loop runs in the thread of the tests
    expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    program = shutil.which("chromium") or shutil.which("google-chrome") or missing(INSTALL)
    return browser_type_launch_args | {"executable_path": program, "args": FLAGS}


class Watch:
    """Collects what a page must not do."""

    def __init__(self, context: BrowserContext, server: str, beside: tuple[str, ...]) -> None:
        self.hosts = {urlsplit(address).netloc for address in (server, *beside)}
        self.faults: list[str] = []
        context.expose_binding("violated", lambda _source, what: self.faults.append(f"content policy: {what}"))
        context.add_init_script(WATCH)
        context.on("console", self._logged)
        context.on("weberror", lambda error: self.faults.append(f"error: {error.error}"))
        context.on("request", self._asked)
        context.on("response", self._answered)

    def _logged(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (
            STATUS_LINE.match(message.text) or GAVE_WAY.match(message.text)
        ):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in self.hosts:
            self.faults.append(f"foreign request: {request.url}")

    def _answered(self, response: Response) -> None:
        asset = response.request.resource_type in ("script", "stylesheet", "image", "font")
        if response.status >= 500 or (asset and response.status >= 400):
            self.faults.append(f"answer {response.status}: {response.url}")


@pytest.fixture
def browse(browser: Browser, live_server: LiveServer, make: Make) -> Iterator[Browse]:
    """``browse(ada)`` is a browser of ada's own, signed in; ``browse()`` a visitor's. Options are Playwright's.

    ``beside`` names the addresses of identity providers, whose pages it may visit as well.
    """
    opened: list[tuple[BrowserContext, Watch]] = []

    def new(account: Account | None = None, *, beside: tuple[str, ...] = (), **options: Any) -> Page:
        usual = {
            "base_url": live_server.url, "reduced_motion": "reduce", "timezone_id": "UTC", "locale": "en-GB",
            "viewport": {"width": 1280, "height": 800},
        }  # fmt: skip
        context = browser.new_context(**(usual | options))
        context.set_default_timeout(PATIENCE)
        opened.append((context, Watch(context, live_server.url, beside)))
        if account is not None:
            key = make.client(account).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": live_server.url}])
        return context.new_page()

    yield new
    for context, _watch in opened:
        # pytest shows it with a test that failed.
        logger.warning("Pages at the end: %s", [page.url for page in context.pages])
        context.close()
    faults = [fault for _context, watch in opened for fault in watch.faults]
    assert not faults, "\n".join(faults)


def open_profile(page: Page) -> None:
    """The own profile with the part that it asks for by itself: what changes behind it later meets no request of it."""
    page.goto("/profile/")
    expect(page.locator("#impersonations").get_by_role("link", name="Show")).to_have_count(0)


def type_a_weak_password(page: Page, username: str) -> Locator:
    """In the row of the list of users; its field, when the answer is there."""
    page.goto("/accounts/")
    field = page.get_by_label(f"New password for {username}")
    field.fill("short")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    return field


@pytest.fixture
def world(make: Make) -> World:
    return World(make)
