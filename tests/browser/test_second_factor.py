"""Second factors in a real Chromium: enrolment, sign-in by code, recovery code and passkey, forced, lost, reset."""

import base64
import re
import time

import pytest
from django_otp.oath import TOTP
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.devices import Authenticator
from accounts.models import Account
from accounts.services import second_factor
from settings_admin.models import ServerSettings
from tests.browser.axe import complaints
from tests.browser.conftest import Browse, open_profile
from tests.conftest import PASSWORD, Make

INSIDE = re.compile(r"://[^/]+/(profile/)?$")


def shown(account: Account, *, confirmed: bool = True, steps: int = 0) -> str:
    """What the app on the phone shows; a code is good for one use, so the next test takes the next one."""
    totp = TOTP(Authenticator.objects.get(user=account, confirmed=confirmed).key)
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06d}"


def typed_in(secret: str) -> str:
    """The code of an app into which the secret was typed by hand."""
    return f"{TOTP(base64.b32decode(secret.replace(' ', ''))).token():06d}"


def enrolled(make: Make) -> tuple[Account, list[str]]:
    ada = make.account("ada", password=PASSWORD)
    second_factor.begin(ada)
    return ada, second_factor.confirm(ada, shown(ada, confirmed=False, steps=-1), actor=make.actor(ada))


def sign_in(page: Page) -> None:
    page.goto("/sign-in/?next=/profile/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password", exact=True).press("Enter")


def test_enrolment_by_typing_the_secret(browse: Browse, make: Make) -> None:
    ada = make.account("ada", password=PASSWORD)
    page = browse(ada)
    page.goto("/profile/second-factor/")
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Set up an authenticator app").click()
    expect(page.locator(".qr-box svg")).to_be_visible()
    assert complaints(page) == []
    page.get_by_label("Code from the app").fill(typed_in(page.locator("#secret").inner_text()))
    page.keyboard.press("Enter")
    expect(page.locator("#codes li")).to_have_count(10)
    assert complaints(page) == []
    codes = page.locator("#codes li").all_inner_texts()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    assert started.value.suggested_filename == "agora-recovery-codes.txt"
    assert started.value.path().read_text().split() == codes
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("10 codes left")).to_be_visible()


def test_codes_are_copied(browse: Browse, make: Make) -> None:
    ada = make.account("ada", password=PASSWORD)
    page = browse(ada, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/profile/second-factor/setup/")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Set up an authenticator app").click()
    page.get_by_label("Code from the app").fill(typed_in(page.locator("#secret").inner_text()))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.split() == page.locator("#codes li").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_sign_in_with_a_code(browse: Browse, make: Make, scripts: bool) -> None:
    ada, _codes = enrolled(make)
    page = browse(java_script_enabled=scripts)
    sign_in(page)
    field = page.get_by_label("Code")
    expect(field).to_have_attribute("autocomplete", "one-time-code")
    if scripts:
        expect(field).to_be_focused()
        assert complaints(page) == []
    field.fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This code is not right")).to_be_visible()
    page.get_by_label("Code").fill(shown(ada))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(INSIDE)


def test_sign_in_with_a_recovery_code(browse: Browse, make: Make) -> None:
    _ada, codes = enrolled(make)
    page = browse()
    sign_in(page)
    page.get_by_label("Code").fill(codes[0])
    page.keyboard.press("Enter")
    expect(page).to_have_url(INSIDE)


def test_forced_at_the_next_sign_in(browse: Browse, make: Make) -> None:
    make.account("ada", password=PASSWORD)
    ServerSettings.objects.update(two_factor_required=True)
    page = browse()
    sign_in(page)
    expect(page.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    page.goto("/accounts/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    sign_in(page)
    page.get_by_role("button", name="Set up an authenticator app").click()
    assert complaints(page) == []
    page.get_by_label("Code from the app").fill(typed_in(page.locator("#secret").inner_text()))
    page.keyboard.press("Enter")
    expect(page.locator("#codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page).to_have_url(INSIDE)


def test_forced_in_an_open_session(browse: Browse, make: Make) -> None:
    ada = make.account("ada", password=PASSWORD)
    page = browse(ada)
    open_profile(page)
    ServerSettings.objects.update(two_factor_required=True)
    page.get_by_role("link", name="API keys").click()
    expect(page.get_by_text("This server now asks everyone")).to_be_visible()


def test_reset_on_the_card(browse: Browse, make: Make, root: Account) -> None:
    ada, _codes = enrolled(make)
    page = browse(root)
    page.goto(f"/accounts/{ada.pk}/")
    page.get_by_role("link", name="Reset 2FA…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("All its sessions end at once")).to_be_visible()
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Reset").click()
    expect(page.get_by_text("The second factor of ada is reset.")).to_be_visible()
    expect(page.get_by_role("link", name="Reset 2FA…")).to_have_count(0)


def virtual_key(page: Page) -> str:
    """A security key that Chromium plays; its touch is always there."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    made: str = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    page.devtools = devtools  # type: ignore[attr-defined]
    return made


def test_a_passkey_is_registered_used_named_and_removed(browse: Browse, make: Make, live_server: LiveServer) -> None:
    ada = make.account("ada", password=PASSWORD)
    base = live_server.url.replace("127.0.0.1", "localhost")  # passkeys belong to names, not to addresses
    page = browse(base_url=base)
    virtual_key(page)
    sign_in(page)
    page.goto("/profile/second-factor/")
    page.get_by_label("Name").fill("Key ring")
    page.get_by_label("Current password").fill("not mine")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("This is not your current password.")).to_be_visible()
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#codes li")).to_have_count(10)
    ada.refresh_from_db()
    assert ada.second_factor
    page.goto("/profile/second-factor/")
    expect(page.get_by_text("Key ring", exact=True)).to_be_visible()
    assert complaints(page) == []

    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    sign_in(page)
    assert complaints(page) == []
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page).to_have_url(INSIDE)

    page.goto("/profile/second-factor/")
    page.get_by_role("link", name="Rename").click()
    page.get_by_label("Name").fill("Desk")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Desk")).to_be_visible()
    page.locator("#passkeys").get_by_role("link", name="Remove").click()
    assert complaints(page) == []
    page.get_by_role("button", name="Use a passkey instead of a code").click()  # not before the password
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_role("button", name="Use a passkey instead of a code").click()
    expect(page.get_by_text("None yet.")).to_be_visible()
    ada.refresh_from_db()
    assert not ada.second_factor


@pytest.mark.parametrize("where", ["at sign-in", "in an open session"])
def test_a_passkey_is_enough_where_a_factor_is_required(
    browse: Browse, make: Make, live_server: LiveServer, where: str
) -> None:
    ada = make.account("ada", password=PASSWORD)
    page = browse(base_url=live_server.url.replace("127.0.0.1", "localhost"))
    virtual_key(page)
    if where == "in an open session":
        sign_in(page)
        expect(page).to_have_url(INSIDE)
        open_profile(page)
    ServerSettings.objects.update(two_factor_required=True)
    page.goto("/profile/")
    if where == "at sign-in":
        sign_in(page)
    assert complaints(page) == []
    page.get_by_label("Name").fill("Key ring")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    page.goto("/profile/second-factor/")
    expect(page.get_by_text("Key ring", exact=True)).to_be_visible()
    ada.refresh_from_db()
    assert ada.second_factor


def test_a_key_of_somebody_else_lets_nobody_in(browse: Browse, make: Make, live_server: LiveServer) -> None:
    enrolled(make)
    base = live_server.url.replace("127.0.0.1", "localhost")
    page = browse(base_url=base)
    virtual_key(page)
    sign_in(page)
    expect(page.get_by_role("button", name="Use a passkey or security key")).to_have_count(0)
