"""``pk__among=ids`` finds what ``pk__in=ids`` finds, on both databases."""

import pytest

from accounts.models import Account
from sessions_admin.models import Session
from tests.conftest import Make


@pytest.mark.parametrize("chosen", [[], ["ada"], ["ada", "sam"], ["ada", "ada", "ed"]])
def test_it_finds_what_in_finds(chosen: list[str], make: Make) -> None:
    ids = {name: make.account(name).pk for name in ("ada", "sam", "ed")}
    for name in ids:
        make.client(Account.objects.get(username=name))
    asked = [ids[name] for name in chosen] + ([10**15] if chosen else [])
    assert {*Account.objects.filter(pk__among=asked)} == {*Account.objects.filter(pk__in=asked)}
    assert Session.objects.filter(account__among=asked).count() == len(set(chosen))
    assert Session.objects.exclude(account__among=asked).count() == 3 - len(set(chosen))


def test_only_numbers_get_there() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Account.objects.filter(pk__among=["1) OR (1=1"])
