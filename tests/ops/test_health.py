"""What load balancers and container engines ask."""

import pytest
from django.test import Client

from tests.ops.conftest import Run

ASK = """
import django
django.setup()
from django.test import Client
for address in ("/healthz", "/readyz"):
    answer = Client(headers={"Host": "localhost"}).get(address)
    print(answer.status_code, answer.content.decode())
"""


def test_the_process_lives_and_can_serve(client: Client, db: None) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "database": "ok", "migrations": 0}
    assert "no-store" in client.get("/readyz").headers["Cache-Control"]


def test_asking_costs_the_health_check_no_query(client: Client, django_assert_num_queries: object, db: None) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        client.get("/healthz")


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
