"""The first page: figures for those who may open the lists behind them."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from accounts.services.locks import lock
from agora.base.actor import Actor
from tests.conftest import Make

SignedIn = Callable[[Account], Client]


def tiles(client: Client) -> dict[str, tuple[str, str]]:
    """Label → (figure, address) of each tile."""
    page = client.get("/").content.decode()
    found = re.findall(r'<a class="card tile" href="([^"]+)"[^>]*>.*?<b>([^<]+)</b><span>([^<]+)</span>', page)
    return {label: (figure, url.replace("&amp;", "&")) for url, figure, label in found}


def test_administrators_see_all_figures(signed_in: SignedIn, ada: Account, make: Make, client: Client) -> None:
    lock(make.account("lou"), actor=Actor.system())
    make.account("ina", is_active=False)
    client.post("/sign-in/", {"username": "nobody", "password": "wrong"})
    browser = signed_in(ada)
    browser.post(f"/accounts/{ada.pk}/lock/")
    seen = tiles(browser)
    assert {label: figure for label, (figure, _url) in seen.items()} == {
        "Locked users": "1",
        "Inactive users": "1",
        "Open sessions": "1",
        "Failed sign-ins, 24 hours": "1",
        "Refused actions, 24 hours": "1",
        "Feedback to handle": "0",
    }
    for _figure, url in seen.values():
        assert browser.get(url).status_code == 200


@pytest.mark.parametrize("who", ["connie", "ed", "vic", "otto", "nell"])
def test_others_see_their_own_account_and_no_figures(
    signed_in: SignedIn, request: pytest.FixtureRequest, who: str
) -> None:
    client = signed_in(request.getfixturevalue(who))
    assert tiles(client) == {}
    page = client.get("/").content.decode()
    assert f"Signed in as {who}." in page
    assert 'href="/accounts/"' not in page
    assert 'href="/audit/"' not in page


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    assert client.get("/")["Location"] == "/sign-in/?next=/"
