"""Keys that somebody stole, guessed, planted or kept: none lets anybody in."""

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Account
from accounts.services import locks
from sessions_admin.models import Session, digest_of
from tests.conftest import PASSWORD, Make

COOKIE = settings.SESSION_COOKIE_NAME


def key_of(client: Client) -> str:
    return client.cookies[COOKIE].value


def holding(key: str) -> Client:
    """Another browser that sends this key."""
    client = Client()
    client.cookies[COOKIE] = key
    return client


def let_in(client: Client) -> bool:
    return client.get("/profile/").status_code == 200


@pytest.mark.parametrize("key", ["", "a" * 32, "x" * 10_000, "' OR 1=1 --", "../../etc/passwd", "%00", "0"])
def test_a_guessed_key_lets_nobody_in_and_leaves_no_row(make: Make, sam: Account, key: str) -> None:
    make.client(sam)
    assert not let_in(holding(key))
    assert Session.objects.count() == 1


def test_the_digest_that_is_stored_is_not_a_key(make: Make, sam: Account) -> None:
    make.client(sam)
    session = Session.objects.get()
    assert not let_in(holding(session.key_digest))
    assert not let_in(holding(str(session.pk)))


def test_a_key_in_a_url_or_a_form_is_no_key(make: Make, sam: Account) -> None:
    key = key_of(make.client(sam))
    assert Client().get(f"/profile/?{COOKIE}={key}").status_code == 302
    assert Client().post("/profile/names/", {COOKIE: key}).status_code == 302


@pytest.mark.parametrize("how", ["signed out", "ended", "locked"])
def test_a_kept_key_is_dead_once_its_session_ended(make: Make, sam: Account, vic: Account, how: str) -> None:
    client = make.client(vic)
    thief = holding(key_of(client))
    assert let_in(thief)
    if how == "signed out":
        client.post("/sign-out/")
    elif how == "ended":
        make.client(sam).post(f"/sessions/{Session.objects.get(account=vic).pk}/end/")
    else:
        locks.lock(vic, actor=make.actor(sam))
    assert not let_in(thief)
    assert not let_in(client)
    assert Session.objects.of_account(vic.pk).not_closed().count() == 0


def test_a_key_that_was_planted_before_signing_in_is_not_the_one_signed_in_with(make: Make) -> None:
    make.account("vic", password=PASSWORD)
    planted = "p" * 32
    victim = holding(planted)
    victim.post("/sign-in/", {"username": "vic", "password": PASSWORD})
    assert let_in(victim)
    assert key_of(victim) != planted
    assert not let_in(holding(planted))
    assert not Session.objects.filter(key_digest=digest_of(planted)).exists()


def test_signing_in_over_somebody_elses_session_ends_it(make: Make, sam: Account) -> None:
    make.account("vic", password=PASSWORD)
    shared = make.client(sam)
    kept = holding(key_of(shared))
    shared.post("/sign-in/", {"username": "vic", "password": PASSWORD})
    assert shared.get("/profile/").context is not None or let_in(shared)
    assert not let_in(kept)
    assert Session.objects.filter(account=sam, closed_at=None).count() == 0


def test_an_account_locked_behind_our_back_is_not_let_in_by_its_open_session(make: Make, vic: Account) -> None:
    client = make.client(vic)
    Account.objects.filter(pk=vic.pk).update(is_active=False)
    assert Session.objects.get().is_open
    assert not let_in(client)


def test_two_browsers_of_one_account_are_two_sessions(make: Make, sam: Account, vic: Account) -> None:
    first, second = make.client(vic), make.client(vic)
    assert key_of(first) != key_of(second)
    session = Session.objects.get(key_digest=digest_of(key_of(first)))
    make.client(sam).post(f"/sessions/{session.pk}/end/")
    assert not let_in(first)
    assert let_in(second)


def test_the_end_of_ones_own_session_leads_to_signing_in_with_the_confirmation(make: Make, sam: Account) -> None:
    client = make.client(sam)
    session = Session.objects.get()
    assert "you will be signed out" in client.get(f"/sessions/{session.pk}/end/").content.decode()
    answer = client.post(f"/sessions/{session.pk}/end/", follow=True)
    assert answer.redirect_chain[-1][0] == "/sign-in/?next=/sessions/"
    assert "The session of sam has ended." in answer.content.decode()
    assert not let_in(client)


@pytest.mark.parametrize("address", ["/sessions/{}/end/", "/sessions/end/?id={}"])
def test_a_link_ends_nothing(make: Make, sam: Account, vic: Account, address: str) -> None:
    other = make.client(vic)
    make.client(sam).get(address.format(Session.objects.get(account=vic).pk))
    assert let_in(other)


@pytest.mark.parametrize("person", ["ed", "vic", "connie", "otto", "nell"])
def test_other_roles_end_nobodys_session(make: Make, person: str, sam: Account) -> None:
    other = make.client(sam)
    session = Session.objects.get(account=sam)
    client = make.client(make.account(person, role={"ed": "editor", "vic": "viewer"}.get(person, "none")))
    for address, sent in ((f"/sessions/{session.pk}/end/", {}), ("/sessions/end/", {"id": session.pk})):
        assert client.post(address, sent).status_code == 403
        assert Client().post(address, sent).status_code == 302
    assert let_in(other)
