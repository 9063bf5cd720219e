"""The command palette and the page behind it."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from tests.conftest import Make

SignedIn = Callable[[Account], Client]
HTMX = {"HX-Request": "true"}


def results(client: Client, text: str) -> str:
    page: str = client.get("/jump/", {"q": text}, headers=HTMX).content.decode()
    return page


def test_it_finds_pages_and_accounts(signed_in: SignedIn, ada: Account, make: Make) -> None:
    sophie = make.account("sophie", first_name="Sophie", last_name="Ses")
    found = results(signed_in(ada), "ses")
    assert 'href="/sessions/"' in found
    assert f'href="/accounts/{sophie.pk}/"' in found
    assert 'role="option"' in found
    assert "<html" not in found


def test_it_finds_only_what_one_may_open(signed_in: SignedIn, nell: Account, make: Make) -> None:
    make.account("sophie")
    client = signed_in(nell)
    assert "/accounts/" not in results(client, "s")
    assert "/sessions/" not in results(client, "s")
    assert 'href="/"' in results(client, "over")


def test_nothing_typed_shows_the_pages(signed_in: SignedIn, ada: Account) -> None:
    found = results(signed_in(ada), "")
    assert 'href="/accounts/"' in found
    assert f'href="/accounts/{ada.pk}/"' not in found


def test_it_shows_the_first_eight(signed_in: SignedIn, ada: Account, make: Make) -> None:
    for number in range(12):
        make.account(f"zed{number:02}")
    assert results(signed_in(ada), "zed").count('id="result-account-') == 8


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "%", "a\x00b", "x" * 5_000, "'"])
def test_hostile_text_finds_nothing_and_breaks_nothing(signed_in: SignedIn, ada: Account, text: str) -> None:
    client = signed_in(ada)
    answer = client.get("/jump/", {"q": text}, headers=HTMX)
    assert answer.status_code == 200
    assert "Nothing found" in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


def test_without_javascript_it_is_a_page(signed_in: SignedIn, ada: Account) -> None:
    page = signed_in(ada).get("/jump/", {"q": "ada"}).content.decode()
    assert "<html" in page
    assert f'href="/accounts/{ada.pk}/"' in page
    assert 'role="option"' not in page.partition("<main")[2].partition("</main")[0]


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    assert client.get("/jump/?q=a")["Location"] == "/sign-in/?next=/jump/%3Fq%3Da"
