"""Every page that refuses names the request, as the logs and the audit log do."""

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from accounts.models import Account
from agora.errors import server_error
from tests.conftest import Make


def named(response: HttpResponse) -> bool:
    return f"Reference <code>{response['X-Request-Id']}</code>" in response.content.decode()


@pytest.mark.parametrize(
    ("status", "address"),
    [(404, "/nothing/here/"), (403, "/streamers/new/"), (404, "/streams/999/"), (400, "/streams/?after=x")],
)
def test_refusals_are_named_after_their_request(make: Make, vic: Account, status: int, address: str) -> None:
    page = make.client(vic).get(address)
    assert (page.status_code, named(page)) == (status, True)


@pytest.mark.django_db
def test_nobody_is_told_the_same(client: Client) -> None:
    page = client.get("/nothing/here/")
    assert page.status_code == 404 and named(page)


def test_what_broke_is_named_too() -> None:
    request = RequestFactory().get("/")
    request.request_id = "4711"  # type: ignore[attr-defined]
    assert "Reference <code>4711</code>" in server_error(request).content.decode()
