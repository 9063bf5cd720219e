"""The good path at a real OpenID provider, whose pages are walked through without a browser."""

import re
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from tests.services.openid import OpenIdProvider
from tests.sso.conftest import MakeProvider
from tests.sso.openid.conftest import address_in, begin, come_back

pytestmark = pytest.mark.django_db
AGORA = "http://testserver"
PEOPLE = {
    "u-1001": {
        "preferred_username": "vera", "given_name": "Vera", "family_name": "Moss", "email": "vera@example.com",
        "email_verified": True, "groups": ["radiology"],
    }
}  # fmt: skip


@pytest.fixture
def staff(openid_process: OpenIdProvider, provider: MakeProvider) -> OpenIdProvider:
    openid_process.set_up(agora=AGORA, alias="staff", accounts=PEOPLE)
    provider(
        "openid",
        "staff",
        client_id="agora",
        client_secret="only between the two of them",
        discovery_endpoint=openid_process.discovery,
        scopes="openid profile email groups",
    )
    return openid_process


def agree(address: str, login: str = "u-1001", browser: requests.Session | None = None) -> dict[str, str]:
    """Types the login where it is asked; returns what the browser brings back to us."""
    browser = browser or requests.Session()
    answer = browser.get(address, allow_redirects=False, timeout=10)
    for _step in range(10):
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            if target.startswith(AGORA):
                return dict(parse_qsl(urlsplit(target).query))
            answer = browser.get(target, allow_redirects=False, timeout=10)
        else:
            assert "Provider sign-in" in answer.text, answer.text
            answer = browser.post(answer.url, {"login": login}, allow_redirects=False, timeout=10)
    raise AssertionError("The provider leads nowhere.")


def test_signing_in_and_out(client: Client, staff: OpenIdProvider) -> None:
    brought = agree(begin(client))
    assert brought["iss"] == staff.issuer  # RFC 9207
    answer = come_back(client, brought)
    assert answer.status_code == 302 and answer["Location"] == "/profile/"
    account = Account.objects.get(username="vera")
    assert (account.first_name, account.last_name, account.email) == ("Vera", "Moss", "vera@example.com")
    session = Session.objects.get(account=account)
    assert session.provider_subject == "u-1001" and session.provider_session
    address = address_in(client.post("/sign-out/"))
    assert address.startswith(f"{staff.issuer}/session/end?")
    assert client.get("/profile/").status_code == 302


def test_the_code_is_worthless_without_the_verifier(client: Client, staff: OpenIdProvider) -> None:
    """Somebody who reads the address of the way back can't use the code in a sign-in of their own (PKCE)."""
    stolen = agree(begin(Client()))
    mine = agree(begin(client))
    assert come_back(client, mine | {"code": stolen["code"]}).status_code == 403
    failed = Entry.objects.get(event="session.opened")
    assert failed.details["reason"] == "code_refused" and "invalid_grant" in failed.details["sentence"]


def test_the_provider_signs_with_a_new_key(client: Client, staff: OpenIdProvider) -> None:
    assert come_back(client, agree(begin(client))).status_code == 302
    staff.rotate()
    again = Client()
    assert come_back(again, agree(begin(again))).status_code == 302
    assert again.get("/profile/").status_code == 200


def test_a_wrong_secret_is_said_by_the_provider(client: Client, staff: OpenIdProvider) -> None:
    staff.set_up(agora=AGORA, alias="staff", accounts=PEOPLE, client_secret="another one")
    assert come_back(client, agree(begin(client))).status_code == 403
    failed = Entry.objects.get(event="session.opened")
    assert failed.details["reason"] == "code_refused" and "invalid_client" in failed.details["sentence"]


def test_somebody_says_no_at_the_provider(client: Client, staff: OpenIdProvider) -> None:
    browser = requests.Session()
    page = browser.get(begin(client), timeout=10)
    answer = browser.post(page.url, {"cancel": "1"}, allow_redirects=False, timeout=10)
    while not answer.headers["Location"].startswith(AGORA):
        answer = browser.get(urljoin(answer.url, answer.headers["Location"]), allow_redirects=False, timeout=10)
    brought = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    assert brought["error"] == "access_denied"
    assert come_back(client, brought).status_code == 403
    assert Entry.objects.get(event="session.opened").details["reason"] == "declined"


def test_a_session_there_needs_no_second_login(client: Client, staff: OpenIdProvider) -> None:
    browser = requests.Session()
    come_back(client, agree(begin(client), browser=browser))
    answer = browser.get(begin(Client()), allow_redirects=False, timeout=10)
    assert re.match(rf"{AGORA}/sso/staff/callback/\?code=", answer.headers["Location"])
