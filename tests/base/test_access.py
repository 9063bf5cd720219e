"""The one rule of access, and how its middleware answers."""

import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts.models import Account
from agora.base.access import AccessMiddleware, allows, declared, public, requires, signed_in, url_if_allowed
from tests.conftest import Make


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("seen")


@public
def open_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("seen")


@signed_in
def own_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("seen")


@requires("accounts.lock")
def lock_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("seen")


def test_a_view_that_declares_nothing_is_an_error_for_everybody(root: Account) -> None:
    request = RequestFactory().get("/")
    request.user = root
    with pytest.raises(ImproperlyConfigured, match=r"tests\.base\.test_access\.view declares no access. Mark it"):
        AccessMiddleware(view).process_view(request, view)


def test_a_permission_that_is_not_in_the_table_is_an_error(ada: Account) -> None:
    @requires("accounts.fly")
    def flying(request: HttpRequest) -> HttpResponse:
        return HttpResponse("seen")

    with pytest.raises(ValueError, match=r"accounts\.fly is not in the table of permissions"):
        allows(declared(flying), ada)


def test_the_declaration_decides(ada: Account, vic: Account) -> None:
    assert [allows(declared(open_view), person) for person in (ada, vic)] == [True, True]
    assert [allows(declared(own_view), person) for person in (ada, vic)] == [True, True]
    assert [allows(declared(lock_view), person) for person in (ada, vic)] == [True, False]


@pytest.mark.parametrize("state", [{"is_active": False}, {"locked_at": "2026-11-20T12:00Z"}])
def test_locked_and_inactive_accounts_may_nothing(make: Make, state: dict[str, object]) -> None:
    assert not allows(declared(lock_view), make.account("ina", role="administrator", **state))


def test_the_middleware_lets_through_or_refuses(ada: Account, vic: Account) -> None:
    request = RequestFactory().get("/accounts/")
    request.user = ada
    assert AccessMiddleware(lock_view).process_view(request, lock_view) is None
    request.user = vic
    with pytest.raises(PermissionDenied):
        AccessMiddleware(lock_view).process_view(request, lock_view)


def test_a_form_that_nobody_may_send_does_not_lead_back_to_its_address(client: Client, db: None) -> None:
    """After signing in, an address that takes only POST would answer 405."""
    assert client.post("/sign-out/").headers["Location"] == "/sign-in/?next=/"


def test_a_fragment_takes_its_whole_page_to_the_sign_in_page(client: Client, db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://agora.example.com/accounts/?role=viewer"}
    answer = client.get("/accounts/?q=a", headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["HX-Redirect"] == "/sign-in/?next=/accounts/%3Frole%3Dviewer"


def test_a_button_never_offers_what_is_refused(sam: Account, vic: Account) -> None:
    request = RequestFactory().get("/")
    request.user = sam
    assert url_if_allowed(request, "accounts:lock", 7) == "/accounts/7/lock/"
    assert url_if_allowed(request, "accounts:create") == ""
    request.user = vic
    assert url_if_allowed(request, "accounts:lock", 7) == ""
