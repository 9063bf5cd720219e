"""What load balancers and container engines ask."""

import pytest
from django.test import Client

from accounts.models import Account
from tests.conftest import Make
from tests.ops.conftest import Run

ASK = """
import django
django.setup()
from django.test import Client
for address in ("/healthz", "/readyz"):
    browser = Client(headers={"Host": "10.0.0.7"})
    browser.cookies["agora_session"] = "k" * 32
    answer = browser.get(address)
    print(answer.status_code, answer.content.decode())
"""


def test_the_process_lives_and_can_serve(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "database": "ok", "migrations": 0}
    assert "no-store" in client.get("/readyz").headers["Cache-Control"]


def test_asking_costs_the_health_check_no_query(
    make: Make, ada: Account, django_assert_num_queries: object, db: None
) -> None:
    client = make.client(ada)
    with django_assert_num_queries(0):  # type: ignore[operator]
        assert client.get("/healthz").status_code == 200


def test_monitors_call_the_server_by_any_name(client: Client, db: None) -> None:
    assert client.get("/readyz", headers={"Host": "10.0.0.7"}).status_code == 200
    assert client.get("/sign-in/", headers={"Host": "10.0.0.7"}).status_code == 400
    assert client.post("/healthz").status_code == 405


def test_before_the_migrations_it_can_not_serve(run: Run) -> None:
    health, ready = run("-c", ASK).stdout.splitlines()
    assert health == '200 {"status": "ok"}'
    assert ready.startswith('503 {"status": "unavailable", "database": "ok", "migrations": ')


@pytest.mark.parametrize(
    "address", ["postgres://agora:secret@127.0.0.1:9/agora", "sqlite:////nonexistent/agora.sqlite3"]
)
def test_without_its_database_it_lives_and_can_not_serve(run: Run, address: str) -> None:
    ended = run("-c", ASK, DATABASE_URL=address)
    assert ended.stdout.splitlines() == [
        '200 {"status": "ok"}',
        '503 {"status": "unavailable", "database": "unreachable"}',
    ]
