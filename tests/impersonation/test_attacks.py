"""Ways in that must not be: by GET, by id, by a forged or old session value, from inside."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client

from accounts.models import Account
from accounts.services.locks import lock
from audit.models import Entry
from impersonation.middleware import read_only
from sessions_admin.models import Elevation, Session
from tests.conftest import Make
from tests.impersonation.conftest import ActAs, begin

SignedIn = Callable[[Account], Client]
HOME = "/settings/impersonate/"
FORM = {"reason": "Ticket 4711", "mode": "act"}


def name(client: Client) -> str:
    return client.get("/").content.decode().split('aria-label="Your account, ')[1].split('"')[0]


def test_looking_at_the_address_starts_and_stops_nothing(
    act_as: ActAs, signed_in: SignedIn, root: Account, vic: Account
) -> None:
    client = signed_in(root)
    client.get(f"{HOME}{vic.pk}/", FORM)
    client.head(f"{HOME}{vic.pk}/")
    assert name(client) == "root"
    inside = act_as(vic)
    assert inside.get(f"{HOME}stop/").status_code == 405
    assert name(inside) == "vic"


@pytest.mark.parametrize("facts", [
    {"role": "administrator", "is_superuser": True}, {"locked_at": "2026-11-20T12:00Z"}, {"is_active": False},
])  # fmt: skip
def test_superusers_locked_and_inactive_accounts_by_their_id(
    facts: dict[str, Any], signed_in: SignedIn, root: Account, make: Make
) -> None:
    target, client = make.account("rita", **facts), signed_in(root)
    answer = client.post(f"{HOME}{target.pk}/", FORM)
    assert answer.status_code == 403
    assert name(client) == "root"
    entry = Entry.objects.latest("pk")
    assert (entry.event, entry.outcome, entry.target_name) == ("impersonation.started", "denied", "rita")
    page = client.get(f"{HOME}{target.pk}/").content.decode()
    assert "Nobody can act as rita now" in page
    assert '<button class="btn btn-primary">' not in page


def test_oneself(signed_in: SignedIn, root: Account) -> None:
    assert signed_in(root).post(f"{HOME}{root.pk}/", FORM).status_code == 403


@pytest.mark.parametrize("person", ["ada", "sam", "vic"])
def test_nobody_but_superusers(person: str, request: pytest.FixtureRequest, signed_in: SignedIn, nell: Account) -> None:
    client = signed_in(request.getfixturevalue(person))
    assert client.get(HOME).status_code == 403
    assert client.post(f"{HOME}{nell.pk}/", FORM).status_code == 403
    assert not Elevation.objects.exists()


@pytest.mark.parametrize("mode", ["look", "act"])
def test_no_chains(mode: str, act_as: ActAs, ada: Account, vic: Account) -> None:
    client = act_as(ada, mode)
    for method in (client.get, client.post):
        assert method(f"{HOME}{vic.pk}/", FORM).status_code == 403
    assert client.get(HOME).status_code == 403
    assert Elevation.objects.count() == 1


def test_one_session_has_one(signed_in: SignedIn, root: Account, vic: Account) -> None:
    client = signed_in(root)
    begin(client, vic)
    first = Elevation.objects.get()
    with pytest.raises(IntegrityError, match=r"elevation_one_in_a_session|session_id"), transaction.atomic():
        Elevation.objects.create(
            kind="admin_mode", session_id=first.session_id, account_id=root.pk, account_name="root", reason="x",
            started_at=first.started_at, ends_at=first.ends_at, last_used_at=first.started_at,
        )  # fmt: skip


def forge(session: Session, **value: Any) -> None:
    """As if somebody could write the session's data in the database."""
    Session.objects.filter(pk=session.pk).update(
        data=session.data[:-1] + f',"elevation":{{"id":{value["id"]},"kind":"{value["kind"]}"}}}}'
    )


def test_the_name_of_anothers_impersonation_in_ones_own_session_opens_nothing(
    act_as: ActAs, make: Make, ada: Account, vic: Account
) -> None:
    act_as(vic)
    theirs = Elevation.objects.get()
    client = make.client(ada)
    forge(Session.objects.get(account=ada), id=theirs.pk, kind="impersonation")
    assert name(client) == "ada"
    theirs.refresh_from_db()
    assert theirs.is_running


def test_an_ended_one_that_comes_back_opens_nothing(act_as: ActAs, root: Account, vic: Account) -> None:
    client = act_as(vic)
    client.post(f"{HOME}stop/")
    forge(Session.objects.get(), id=Elevation.objects.get().pk, kind="impersonation")
    assert name(client) == "root"
    assert "elevation" not in Session.objects.get().data


def test_a_name_that_was_lost_does_not_keep_the_session_from_another(
    act_as: ActAs, vic: Account, nell: Account
) -> None:
    client = act_as(vic)
    session = Session.objects.get()
    Session.objects.update(data=session.data.replace('"elevation"', '"other"'))
    assert name(client) == "root"
    begin(client, nell)
    assert name(client) == "nell"
    assert [one.is_running for one in Elevation.objects.order_by("pk")] == [False, True]


CLOSED = ["/profile/password/", "/accounts/{pk}/set-password/", "/accounts/{pk}/password/"]


@pytest.mark.parametrize("address", CLOSED)
def test_credentials_stay_closed(address: str, act_as: ActAs, ada: Account, vic: Account) -> None:
    client = act_as(ada)
    before = Account.objects.get(pk=vic.pk).password
    answer = client.post(address.format(pk=vic.pk), {"new_password": "a fine new password", "temporary": "on"})
    assert answer.status_code == 403
    assert "not open while you act as somebody else" in answer.content.decode()
    assert Account.objects.get(pk=vic.pk).password == before


def test_the_menu_and_buttons_follow(act_as: ActAs, ada: Account) -> None:
    page = act_as(ada).get("/profile/").content.decode()
    assert 'href="/settings/impersonate/"' not in page
    assert "/profile/impersonations/" not in page


def test_nobody_locks_themselves_through_somebody_else(act_as: ActAs, make: Make, root: Account, ada: Account) -> None:
    make.account("rita", role="administrator", is_superuser=True)
    answer = act_as(ada).post(f"/accounts/{root.pk}/lock/", {"reason": "a slip"})
    assert answer.status_code == 403
    root.refresh_from_db()
    assert not root.is_locked


def test_the_database_refuses_to_write_while_somebody_looks(vic: Account, make: Make) -> None:
    with pytest.raises(DatabaseError, match=r"read-?only"), transaction.atomic(), read_only():
        lock(vic, actor=make.actor())
    vic.refresh_from_db()
    assert not vic.is_locked
    lock(vic, actor=make.actor())


@pytest.mark.django_db(transaction=True)
def test_a_page_that_writes_by_mistake_fails_while_somebody_looks(
    act_as: ActAs, vic: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second wall, behind the refusal of every unsafe method."""

    def careless(account: Account) -> str:
        Account.objects.filter(pk=account.pk).update(first_name="Careless")
        return ""

    monkeypatch.setattr(Account, "full_name", property(careless))
    client = act_as(vic, "look")
    client.raise_request_exception = False
    assert client.get("/").status_code == 500
    monkeypatch.undo()
    assert Account.objects.get(pk=vic.pk).first_name == ""
    assert client.get("/").status_code == 200


def test_the_session_is_kept_alive_while_looking(act_as: ActAs, vic: Account) -> None:
    client = act_as(vic, "look")
    long_ago = Elevation.objects.get().started_at - timedelta(minutes=5)
    Session.objects.update(last_seen_at=long_ago)
    assert client.get("/").status_code == 200
    assert Session.objects.get().last_seen_at > long_ago
