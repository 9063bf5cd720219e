"""The fixed cast and the plain helpers of the whole suite."""

import copy
import gc
import signal
from collections.abc import Callable, Iterator
from email import message_from_string
from email.message import EmailMessage
from email.policy import default
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.contenttypes.management import create_contenttypes
from django.db import connection, transaction
from django.db.models.signals import post_migrate
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from accounts.roles import Role
from agora.base.actor import Actor, Origin
from agora.base.writing import update
from mail.models import MailSettings, Message, Mode
from tests.services import ON_CI

if TYPE_CHECKING:
    from tests.pages import World

PASSWORD = "every cloud has a silver lining"


def pytest_configure(config: pytest.Config) -> None:
    """Being told to end is like Ctrl-C: what the run started and made is cleared away."""
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-access-table", action="store_true", help="write tests/access.txt anew, to be reviewed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A run that asks for PostgreSQL where there is none tests nothing; under CI=true that is an error."""
    if settings.POSTGRES_MISSING:
        if ON_CI:
            raise pytest.UsageError(settings.POSTGRES_MISSING)
        for item in items:
            item.add_marker(pytest.mark.skip(reason=settings.POSTGRES_MISSING))
    elif connection.vendor != "postgresql":
        for item in items:
            for marker in item.iter_markers("postgresql"):
                item.add_marker(pytest.mark.skip(reason=f"{marker.args[0]} Run with AGORA_TEST_POSTGRES=1."))


def pytest_collection_finish() -> None:
    """Modules and the thousands of tests stay to the end: looking for garbage among them took a fifth of the run."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """After each test that commits Django empties the tables and writes its permissions and content types anew, in ten
    times the time. Agora asks for neither.
    """
    assert post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    assert post_migrate.disconnect(create_contenttypes)


class Make:
    """Makes rows; every name and value is said by the test."""

    def account(self, username: str, *, role: str = Role.NONE, password: str | None = None, **fields: Any) -> Account:
        """An account. Hashing takes time, so only those who sign in by the page get a password."""
        account = Account(username=username, role=role, **fields)
        account.set_password(password) if password else account.set_unusable_password()
        account.save()
        return account

    def actor(self, account: Account | None = None, **fields: Any) -> Actor:
        """An Actor at the shell or, with an account, in the web."""
        return Actor(account=account, origin=Origin(channel="web", address="192.0.2.7"), **fields)

    def client(self, account: Account, **headers: Any) -> Client:
        """A browser of its own, signed in; the account says so, as after the sign-in page."""
        client = Client(**headers)
        client.force_login(account)
        account.last_login = account.last_login_key = timezone.now()
        update(account, "last_login", "last_login_key")
        return client


@pytest.fixture
def make(db: None) -> Make:
    return Make()


@pytest.fixture(scope="module")
def _world_as_made(django_db_setup: None, django_db_blocker: Any) -> Iterator["World"]:
    """Made once for a module that walks all pages, in a transaction around those of its tests."""
    from tests.pages import World  # which needs this module

    with django_db_blocker.unblock():
        around = transaction.atomic()
        around.__enter__()
        made = World(Make())
    yield made
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture
def world(_world_as_made: "World", db: None) -> "World":
    """Everybody, and one row of every kind: as made, whatever the test before did with it."""
    return copy.deepcopy(_world_as_made)


@pytest.fixture
def root(make: Make) -> Account:
    """The superuser."""
    return make.account("root", role=Role.ADMINISTRATOR, is_superuser=True)


@pytest.fixture
def ada(make: Make) -> Account:
    return make.account("ada", role=Role.ADMINISTRATOR)


@pytest.fixture
def sam(make: Make) -> Account:
    return make.account("sam", role=Role.SECURITY)


@pytest.fixture
def connie(make: Make) -> Account:
    return make.account("connie", role=Role.CONTENT_MANAGER)


@pytest.fixture
def ed(make: Make) -> Account:
    return make.account("ed", role=Role.EDITOR)


@pytest.fixture
def vic(make: Make) -> Account:
    return make.account("vic", role=Role.VIEWER)


@pytest.fixture
def otto(make: Make) -> Account:
    return make.account("otto", role=Role.OBSERVER)


@pytest.fixture
def nell(make: Make) -> Account:
    return make.account("nell", role=Role.NONE)


@pytest.fixture
def signed_in(make: Make) -> Callable[[Account], Client]:
    """``signed_in(ada).get("/accounts/")``"""
    return make.client


class Mailbox:
    """Mail is on; what is sent stays queued, for no worker runs."""

    def queued(self) -> list[tuple[Message, EmailMessage]]:
        """Each row with the mail that would be sent, oldest first."""
        return [(row, self.parsed(row.content)) for row in Message.objects.order_by("pk")]

    def parsed(self, content: str) -> EmailMessage:
        mail = message_from_string(content, policy=default)
        assert isinstance(mail, EmailMessage)
        return mail


@pytest.fixture
def mailbox(db: None) -> Mailbox:
    """``mailbox.queued()`` after something sent mail."""
    MailSettings.objects.filter(pk=1).update(mode=Mode.SERVER, host="mail.example.com", from_email="agora@example.com")
    return Mailbox()
