"""The hostname setting decides which names are answered and whose forms are taken, from one request to the next."""

import socket
from typing import Any

import pytest
from django.test import Client, RequestFactory, override_settings

from accounts.models import Account
from settings_admin.middleware import reached_address
from settings_admin.models import ServerSettings
from tests.conftest import PASSWORD, Make
from tests.settings_admin.test_general import PAGE, typed


def rename(hostname: str) -> None:
    ServerSettings.objects.update(hostname=hostname)


def status(host: str, **how: Any) -> int:
    return Client(**how).get("/sign-in/", headers={"Host": host}).status_code


def test_a_new_name_is_answered_at_once_and_the_old_one_no_more(make: Make, ada: Account) -> None:
    client = make.client(ada)
    client.post(PAGE, typed(client, hostname="first.example:8443"))
    assert [status(host) for host in ("first.example", "FIRST.example:8443", "first.example.")] == [200, 200, 200]
    assert status("second.example") == 400
    client.post(PAGE, typed(client, hostname="second.example"))
    assert (status("first.example"), status("second.example"), status("www.second.example")) == (400, 200, 400)


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9000", "[::1]:8000"])
def test_the_servers_own_addresses_stay_usable(host: str, make: Make) -> None:
    rename("somewhere.else.example")
    assert status(host) == 200


def test_the_name_from_the_environment_and_the_address_to_listen_on_stay_usable(make: Make) -> None:
    rename("somewhere.else.example")
    with override_settings(OWN_HOSTS=["agora.example.com", "192.0.2.1"]):
        assert [status(host) for host in ("agora.example.com", "192.0.2.1:8000", "192.0.2.2")] == [200, 200, 400]


def test_an_address_of_this_machine_is_answered_where_the_connection_arrived(make: Make) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listening, socket.create_connection(listening.getsockname()):
        connection, _peer = listening.accept()
        with connection:
            arrived = {"gunicorn.socket": connection}
            assert reached_address(RequestFactory(**arrived).get("/")) == "127.0.0.2"
            assert status("127.0.0.2:8000", **arrived) == 200
            assert status("127.0.0.3:8000", **arrived) == 400
    assert status("127.0.0.2:8000") == 400


def test_a_unix_socket_has_no_address() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert reached_address(RequestFactory(**{"gunicorn.socket": near}).get("/")) == ""


def test_the_refusal_says_what_to_do_and_runs_nothing(make: Make) -> None:
    answer = Client().get("/sign-in/", headers={"Host": "evil.example"})
    text = answer.content.decode()
    assert "does not answer to the name evil.example" in text and "under Settings, General" in text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY" and answer.headers["X-Request-Id"]
    for host in ("<script>alert(1)</script>", "a b", "user@localhost", "localhost:x", "", "[::1", "localhost\\evil"):
        answer = Client().get("/sign-in/", headers={"Host": host})
        assert answer.status_code == 400 and "<script>alert" not in answer.content.decode(), host


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://agora.example.com", 302),
        ("http://agora.example.com", 403),
        ("https://old.example", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_forms_of_the_public_address_are_taken_even_when_a_proxy_hides_the_name(
    make: Make, origin: str, expected: int
) -> None:
    make.account("vic", password=PASSWORD)
    rename("old.example")
    client = Client(enforce_csrf_checks=True)
    with override_settings(HTTPS=True, CSRF_COOKIE_SECURE=False):
        client.get("/sign-in/")
        rename("agora.example.com:443")
        sent = {"username": "vic", "password": PASSWORD, "csrfmiddlewaretoken": client.cookies["csrftoken"].value}
        assert client.post("/sign-in/", sent, headers={"Origin": origin}).status_code == expected


def test_no_query_is_spent_on_the_name_where_an_own_address_was_used(
    make: Make, ada: Account, django_assert_num_queries: Any
) -> None:
    rename("agora.example.com")
    with django_assert_num_queries(0):
        Client().get("/profile/", headers={"Host": "localhost"})
    with django_assert_num_queries(1):
        Client().get("/profile/", headers={"Host": "agora.example.com"})
