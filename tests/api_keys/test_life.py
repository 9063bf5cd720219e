"""The life of a key by real HTTP: made in a browser's session, used, limited, disabled, reset, refused, deleted."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest
from pytest_django.live_server_helper import LiveServer

from accounts.models import Account
from accounts.services import locks
from settings_admin.models import ServerSettings
from tests.conftest import PASSWORD, Make

SECRET = re.compile(r'id="secret"[^>]*>(agora_\w+)<')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Browser:
    """A session with its cookies and the page's token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(self, address: str) -> str:
        with self.opener.open(self.url + address, timeout=20) as answer:
            return str(answer.read().decode())

    def post(self, address: str, form_page: str, **fields: str) -> str:
        token = TOKEN.search(self.get(form_page))
        assert token
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        with self.opener.open(self.url + address, body, timeout=20) as answer:
            return str(answer.read().decode())


def ask(url: str, secret: str, method: str = "GET", body: object = None) -> tuple[int, str]:
    """The status and the code of a refusal."""
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, str(json.loads(error.read())["code"])


@pytest.mark.django_db(transaction=True)
def test_from_its_making_to_its_end(live_server: LiveServer, make: Make, sam: Account) -> None:
    ada = make.account("ada", role="administrator", password=PASSWORD)
    me, accounts = f"{live_server.url}/api/v1/me", f"{live_server.url}/api/v1/accounts"
    browser = Browser(live_server.url)
    browser.post("/sign-in/", "/sign-in/", username="ada", password=PASSWORD)
    home, new = "/profile/keys/", "/profile/keys/new/"
    made = SECRET.search(browser.post(new, new, name="Script"))
    assert made
    secret = made[1]
    number = re.search(r'id="key-(\d+)"', browser.get(home))
    assert number
    key = f"/keys/{number[1]}/"

    assert ask(me, secret) == (200, "")
    assert ask(accounts, secret, "POST", {"username": "robot"}) == (201, "")
    browser.post(key, key, name="Script", read_only="on")
    assert ask(me, secret) == (200, "")
    assert ask(accounts, secret, "POST", {"username": "other"}) == (403, "read_only_key")
    browser.post(key, key, name="Script", networks="192.0.2.0/24")
    assert ask(me, secret) == (401, "address_not_allowed")
    browser.post(key, key, name="Script")
    assert ask(me, secret) == (200, "")
    browser.post(f"{key}disable/", home)
    assert ask(me, secret) == (401, "key_disabled")
    browser.post(f"{key}enable/", home)
    ServerSettings.objects.update(allow_api_keys=False)
    assert ask(me, secret) == (401, "keys_not_allowed")
    ServerSettings.objects.update(allow_api_keys=True)
    again = SECRET.search(browser.post(f"{key}reset/", home))
    assert again
    assert ask(me, secret) == (401, "unknown_key")
    assert ask(me, again[1]) == (200, "")
    locks.lock(ada, actor=make.actor(sam))
    assert ask(me, again[1]) == (401, "account_not_usable")
    locks.unlock(Account.objects.get(pk=ada.pk), actor=make.actor(sam))
    assert ask(me, again[1]) == (200, "")
    browser = Browser(live_server.url)  # the lock ended the session, not the key
    browser.post("/sign-in/", "/sign-in/", username="ada", password=PASSWORD)
    browser.post(f"{key}delete/", home)
    assert ask(me, again[1]) == (401, "unknown_key")
