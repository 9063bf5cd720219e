"""The database restarts while mails are sent: each arrives once."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction

from agora.base.actor import Actor
from mail.models import Message, State
from mail.services import send
from mail.services.delivery import drain
from tests.mail.conftest import use
from tests.services.smtp import Mailhost

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql("A file does not restart."),
]
MAILS, AFTER, AWAY = 8, 3, 1.0  # seconds


class CuttingHost(Mailhost):
    """When it has taken its third mail, the database cuts every connection and takes no new ones for a while."""

    def note(self, content: bytes) -> None:
        super().note(content)
        if len(self.received) == AFTER:
            name = tell_database("ALLOW_CONNECTIONS false")
            threading.Timer(AWAY, tell_database, ["ALLOW_CONNECTIONS true"]).start()
            ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", name)


def tell_database(words: str) -> str:
    name = str(connection.settings_dict["NAME"])
    ask(f'ALTER DATABASE "{name}" WITH {words}')
    return name


def ask(query: str, *values: Any) -> None:
    """Through another database of the same server."""
    how = connection.settings_dict
    other = psycopg2.connect(host=how["HOST"], port=how["PORT"], user=how["USER"], dbname="postgres")
    other.autocommit = True
    with other.cursor() as cursor:
        cursor.execute(query, values)
    other.close()


@pytest.fixture
def host() -> Iterator[Mailhost]:
    host = CuttingHost()
    yield host
    host.stop()


def test_a_restart_of_the_database_loses_no_mail_and_sends_none_twice(host: Mailhost) -> None:
    use(host)
    with transaction.atomic():
        for number in range(MAILS):
            send("test", to=f"a{number}@example.com", actor=Actor.system(), context={"by": "root"})
    assert not drain(seconds=30)
    assert [mail["To"] for mail in host.received] == [f"a{number}@example.com" for number in range(MAILS)]
    assert list(Message.objects.values_list("state", flat=True)) == [State.SENT] * MAILS
