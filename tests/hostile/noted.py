"""Which fields a page looks at: what it does not look at reaches no code, whatever is in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.http import QueryDict


class Noted(QueryDict):
    """What a request sends, which remembers the names it was asked for. Who goes through all of it asks for all.

    ``lists()`` and ``urlencode()``, by which links take along what stands in the address, only pass it on.
    """

    asked: set[str]  # of the class made for one block

    def _note(self, *names: str) -> None:
        if not self._mutable:  # complete: while it is filled it asks itself
            self.asked.update(names)

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(str(name))
        return super().__contains__(name)

    def getlist(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().getlist(name, default)

    def __iter__(self) -> Iterator[str]:
        self._note(*dict.keys(self))
        return super().__iter__()

    def keys(self) -> Any:
        return dict.fromkeys(self).keys()

    def __or__(self, other: Any) -> Any:
        return dict.fromkeys([*self, *other])

    def copy(self) -> QueryDict:
        self._note(*dict.keys(self))
        return super().copy()


@contextmanager
def noted() -> Iterator[set[str]]:
    """The names of the fields and parameters that requests inside the block were asked for, forms' and addresses'."""
    asked: set[str] = set()
    kind = type("Noted", (Noted,), {"asked": asked})
    with mock.patch("django.core.handlers.wsgi.QueryDict", kind), mock.patch("django.http.request.QueryDict", kind):
        yield asked
