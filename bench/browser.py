"""A signed-in browser that asks for pages through the whole stack of middlewares."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from accounts.roles import Role

EMPTY = "/bench/empty/"


def administrator() -> Account:
    """The account that looks at the pages; made once in each database."""
    found = Account.objects.named("bench").first()
    if found is None:
        found = Account(username="bench", role=Role.ADMINISTRATOR, is_superuser=True, last_login=timezone.now())
        found.set_unusable_password()
        found.save()
    account: Account = found
    return account


class Browser:
    """One session in the database that is the default when it is made."""

    def __init__(self) -> None:
        self.client = Client(headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0"})
        self.client.force_login(administrator())

    def page(self, address: str) -> bytes:
        """The whole page. Raises AssertionError when it is not answered with 200."""
        response = self.client.get(address)
        if response.status_code != 200:
            raise AssertionError(f"{address} was answered with {response.status_code}.")
        return response.content

    def load(self, address: str) -> Callable[[], object]:
        return lambda: self.page(address)

    def queries(self, address: str) -> int:
        """How many queries the page takes."""
        self.page(address)
        with CaptureQueriesContext(connection) as queries:
            self.page(address)
        return len(queries)
