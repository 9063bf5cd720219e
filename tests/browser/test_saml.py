"""Signing in and out through a real SAML provider, in a real browser: the provider is another site, so that no cookie
of ours goes along with what its page posts to us."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from agora.base.actor import Actor
from sessions_admin.models import Session
from sso.models import Provider
from sso.saml import keys
from tests.browser.axe import complaints
from tests.browser.conftest import Browse
from tests.services.saml import IdentityProvider
from tests.sso.conftest import MakeProvider

US = "https://agora.example.com/sp"


@pytest.fixture(scope="session")
def saml_process() -> Iterator[IdentityProvider]:
    process = IdentityProvider()
    yield process
    process.stop()


@pytest.fixture
def clinic(saml_process: IdentityProvider, live_server: LiveServer, db: None) -> IdentityProvider:
    """The provider, which knows this server; ours is not made yet."""
    assert live_server.url.startswith("http://localhost:"), "127.0.0.1 is another site than this one"
    known = keys.active_key(actor=Actor.system())
    at = f"{live_server.url}/sso/clinic"
    saml_process.parties = {}
    saml_process.change(encrypt=True, signed=True, response=False, assertion=True)
    saml_process.register(US, acs=f"{at}/acs/", slo=f"{at}/slo/", certificate=known.certificate)
    saml_process.knows("vera", "8f3c", uid="vera", mail="vera@example.com", givenName="Vera", sn="Moss")
    return saml_process


@pytest.fixture
def ours(clinic: IdentityProvider) -> Provider:
    fields = {"metadata_url": clinic.metadata, "idp_entity_id": clinic.entity_id, "sp_entity_id": US}
    return MakeProvider()("saml", "clinic", name="Clinic", sign_requests=True, **fields)


def sign_in(page: Page) -> None:
    page.goto("/profile/")
    page.get_by_role("button", name="Clinic").click()
    page.get_by_label("Login").fill("vera")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    page.wait_for_load_state()


@pytest.mark.usefixtures("ours")
def test_signing_in_and_out(browse: Browse, clinic: IdentityProvider) -> None:
    page = browse(beside=(clinic.entity_id,))
    sign_in(page)
    assert Account.objects.get(username="vera").first_name == "Vera"
    page.get_by_role("button", name=re.compile("^Your account")).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out, at Clinic as well.")).to_be_visible()
    page.goto("/profile/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_role("button", name="Clinic").click()
    expect(page.get_by_label("Login")).to_be_visible()  # the provider asks again


@pytest.mark.usefixtures("ours")
def test_signing_in_without_javascript(browse: Browse, clinic: IdentityProvider) -> None:
    page = browse(beside=(clinic.entity_id,), java_script_enabled=False)
    page.goto("/profile/")
    page.get_by_role("button", name="Clinic").click()
    page.get_by_label("Login").fill("vera")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Submit").click()  # the provider's own
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")
    page.get_by_role("button", name=re.compile("^Your account")).click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out, at Clinic as well.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_provider_that_takes_forms_only(scripts: bool, browse: Browse, clinic: IdentityProvider) -> None:
    xml = re.sub(r"<SingleSignOnService[^>]*HTTP-Redirect[^>]*>", "", requests.get(clinic.metadata, timeout=10).text)
    known = {"idp_entity_id": clinic.entity_id, "sp_entity_id": US, "metadata_url": "", "metadata_xml": xml}
    MakeProvider()("saml", "clinic", name="Clinic", sign_requests=True, **known)
    page = browse(beside=(clinic.entity_id,), java_script_enabled=scripts)
    page.goto("/profile/")
    page.get_by_role("button", name="Clinic").click()
    if not scripts:
        page.get_by_role("button", name="Go on").click()
    page.get_by_label("Login").fill("vera")
    page.get_by_role("button", name="Continue").click()
    if not scripts:
        page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")


@pytest.fixture
def door(clinic: IdentityProvider) -> Iterator[str]:
    """Another host of the provider's, which sends on to it what is posted there."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(307)
            self.send_header("Location", f"{clinic.entity_id}/sso-post")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_provider_that_sends_the_form_on_to_another_host(browse: Browse, clinic: IdentityProvider, door: str) -> None:
    xml = re.sub(r"<SingleSignOnService[^>]*HTTP-Redirect[^>]*>", "", requests.get(clinic.metadata, timeout=10).text)
    xml = re.sub(r'(<SingleSignOnService[^>]*Location=")[^"]+', rf"\g<1>{door}/", xml)
    known = {"idp_entity_id": clinic.entity_id, "sp_entity_id": US, "metadata_url": "", "metadata_xml": xml}
    MakeProvider()("saml", "clinic", name="Clinic", sign_requests=True, **known)
    page = browse(beside=(clinic.entity_id, door))
    page.goto("/profile/")
    page.get_by_role("button", name="Clinic").click()
    page.get_by_label("Login").fill("vera")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Profile")


@pytest.mark.usefixtures("ours")
def test_signing_out_at_the_provider_signs_out_here(browse: Browse, clinic: IdentityProvider) -> None:
    page = browse(beside=(clinic.entity_id,))
    sign_in(page)
    page.goto(f"{clinic.entity_id}/logout")
    expect(page.get_by_role("heading", level=1)).to_have_text("Signed out of the provider")
    assert Session.objects.closed().get().cause == "signed_out_there"
    page.goto("/profile/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_the_test_of_a_form_that_is_not_saved(browse: Browse, clinic: IdentityProvider, ada: Account) -> None:
    page = browse(ada, beside=(clinic.entity_id,))
    page.goto("/settings/server/single-sign-on/new/saml/")
    page.get_by_label("Name", exact=True).fill("Clinic")
    page.get_by_label("Alias").fill("clinic")
    page.get_by_label("Metadata URL").fill(clinic.metadata)
    page.get_by_label("Identity Provider Entity ID").fill(clinic.entity_id)
    page.get_by_label("Service Provider Entity ID").fill(US)
    page.get_by_text("Sign requests").click()
    assert complaints(page) == []
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Test").click()
    tab = opened.value
    tab.get_by_label("Login").fill("vera")
    tab.get_by_role("button", name="Continue").click()
    expect(tab.get_by_text("The test passed")).to_be_visible()
    expect(tab.get_by_text("Would create the account vera").first).to_be_visible()
    assert complaints(tab) == []
    assert not Provider.objects.exists() and not Account.objects.filter(username="vera").exists()
    tab.close()
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page.get_by_text("Clinic is saved.")).to_be_visible()
    assert Provider.objects.get().tested


@pytest.mark.usefixtures("ours")
def test_keys_and_metadata(browse: Browse, ada: Account) -> None:
    page = browse(ada)
    page.goto("/settings/server/single-sign-on/saml/")
    assert complaints(page) == []
    page.get_by_role("button", name="Renew the metadata of Clinic").click()
    expect(page.get_by_text("The metadata of Clinic is up to date.")).to_be_visible()
    page.get_by_role("button", name="Announce the next key").click()
    page.get_by_role("link", name="Switch to the next key…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Switch", exact=True).click()
    expect(page.get_by_text("The next key signs from now on.")).to_be_visible()
    page.get_by_role("link", name="Retire the previous key…").click()
    page.get_by_role("button", name="Retire", exact=True).click()
    expect(page.get_by_text("The previous key is gone.")).to_be_visible()
