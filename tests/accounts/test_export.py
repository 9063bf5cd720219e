"""The list as CSV."""

import csv
import io
from collections.abc import Callable

import pytest
from django.http import HttpResponseBase
from django.test import Client

from accounts.models import Account
from accounts.services.locks import lock
from agora.base.actor import Actor
from audit.models import Entry
from tests.conftest import PASSWORD, Make

SignedIn = Callable[[Account], Client]
EXPORT = "/accounts/export/"


def rows(answer: HttpResponseBase) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


def test_it_has_the_accounts_of_the_filter(signed_in: SignedIn, ada: Account, make: Make) -> None:
    vic = make.account("vic", role="viewer", first_name="Vic", external_id="AD-1", email="vic@example.org")
    make.account("ed", role="editor")
    answer = signed_in(ada).post(f"{EXPORT}?role=viewer")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="accounts.csv"'
    [row] = rows(answer)
    assert row["account_id"] == str(vic.pk)
    assert (row["username"], row["first_name"], row["external_account_id"]) == ("vic", "Vic", "AD-1")
    assert (row["role"], row["email"], row["active"], row["last_login"]) == ("viewer", "vic@example.org", "True", "")


def test_text_and_state_filter_too(signed_in: SignedIn, ada: Account, make: Make) -> None:
    lock(make.account("lou"), actor=Actor.system("night shift"))
    make.account("louise")
    [row] = rows(signed_in(ada).post(f"{EXPORT}?q=LOU&state=locked"))
    assert (row["username"], row["locked_by"]) == ("lou", "night shift")


def test_it_is_recorded_with_its_filter(signed_in: SignedIn, ada: Account) -> None:
    signed_in(ada).post(f"{EXPORT}?role=viewer&q=x")
    entry = Entry.objects.get(event="account.exported")
    assert entry.actor_id == ada.pk
    assert entry.details == {"filter": "role=viewer&q=x"}


def test_no_password_leaves(signed_in: SignedIn, make: Make) -> None:
    ada = make.account("ada", role="administrator", password=PASSWORD)
    [row] = rows(signed_in(ada).post(EXPORT))
    assert not [name for name in row if "password" in name or "digest" in name]
    assert ada.password not in row.values()


@pytest.mark.parametrize("name", ["=1+1", "+49", "-1", "@SUM(A1)"])
def test_formulas_are_defused(signed_in: SignedIn, ada: Account, make: Make, name: str) -> None:
    make.account("vic", role="viewer", first_name=name)
    [row] = rows(signed_in(ada).post(f"{EXPORT}?role=viewer"))
    assert row["first_name"] == f"'{name}"


def test_commas_quotes_and_scripts_of_the_world_survive(signed_in: SignedIn, ada: Account, make: Make) -> None:
    make.account("مريم", role="viewer", first_name='a, "b"', last_name="Ω;x")
    [row] = rows(signed_in(ada).post(f"{EXPORT}?role=viewer"))
    assert (row["username"], row["first_name"], row["last_name"]) == ("مريم", 'a, "b"', "Ω;x")


def test_looking_exports_nothing(signed_in: SignedIn, ada: Account) -> None:
    assert signed_in(ada).get(EXPORT).status_code == 405
    assert not Entry.objects.filter(event="account.exported").exists()


@pytest.mark.parametrize("who", ["sam", "connie", "ed", "vic", "otto", "nell"])
def test_other_roles_may_not(signed_in: SignedIn, request: pytest.FixtureRequest, who: str) -> None:
    assert signed_in(request.getfixturevalue(who)).post(EXPORT).status_code == 403


def test_visitors_sign_in_first(client: Client, db: None) -> None:
    assert client.post(EXPORT)["Location"].startswith("/sign-in/")
