"""The session's row is the check: what is ended, forged or replayed lets nobody in."""

import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from agora.base.actor import Actor
from sessions_admin.models import Cause, Session, digest_of
from sessions_admin.services import end_sessions_of
from sessions_admin.store import SessionStore
from tests.conftest import Make


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_only_a_digest_of_the_key_is_stored(make: Make, ada: Account) -> None:
    key = key_of(make.client(ada))
    row = Session.objects.get()
    assert row.key_digest == digest_of(key)
    assert key not in row.data and key not in row.key_digest


def test_a_key_has_160_random_bits(make: Make, ada: Account) -> None:
    keys = {key_of(make.client(ada)) for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch("[0-9a-f]{40}", key) for key in keys)


def test_an_ended_session_is_not_found_by_the_next_request(make: Make, ada: Account) -> None:
    key = key_of(make.client(ada))
    assert SessionStore(key).account == ada
    end_sessions_of(ada.pk, cause=Cause.LOCKED, actor=make.actor())
    assert SessionStore(key).account is None


def test_a_session_that_ended_while_a_request_ran_is_not_brought_back(make: Make, ada: Account) -> None:
    running = SessionStore(key_of(make.client(ada)))
    running["seen"] = "page"
    end_sessions_of(ada.pk, cause=Cause.LOCKED, actor=make.actor())
    with pytest.raises(UpdateError):
        running.save()
    row = Session.objects.get()
    assert (row.cause, row.data) == ("locked", "")


def test_a_forged_key_opens_nothing_and_is_not_adopted(make: Make, ada: Account) -> None:
    make.client(ada)
    forged = SessionStore("a" * 32)
    assert forged.account is None
    assert forged.session_key is None


@pytest.mark.parametrize(("field", "cause"), [("last_seen_at", Cause.IDLE), ("opened_at", Cause.ABSOLUTE)])
def test_a_session_past_a_limit_is_refused(make: Make, ada: Account, field: str, cause: Cause) -> None:
    key = key_of(make.client(ada))
    Session.objects.update(**{field: timezone.now() - timedelta(days=8)})
    store = SessionStore(key)
    assert store.account is None
    assert store.ended is not None and store.ended[1] == cause


def test_session_account_and_limits_are_one_query(make: Make, ada: Account, django_assert_num_queries: object) -> None:
    key = key_of(make.client(ada))
    with django_assert_num_queries(1):  # type: ignore[operator]
        account = SessionStore(key).account
        assert account is not None and account.username == "ada"


def test_ending_all_of_an_account_is_a_look_and_an_update(
    make: Make, ada: Account, django_assert_num_queries: object
) -> None:
    kept, ended, also = [key_of(make.client(ada)) for _ in range(3)]
    theirs = key_of(make.client(make.account("sam")))
    but, actor = SessionStore(kept), make.actor(ada)
    assert but.account == ada
    end_sessions_of(0, cause=Cause.ENDED, actor=actor)  # statements are prepared once
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert end_sessions_of(ada.pk, cause=Cause.ENDED_OTHERS, actor=actor, but=but.row_id) == 2
    assert SessionStore(kept).account == ada and SessionStore(theirs).account is not None
    assert SessionStore(ended).account is SessionStore(also).account is None
    rows = Session.objects.closed().values_list("cause", "data", "closed_at", "closed_by_id", "closed_by_name")
    assert set(rows) == {("ended_others", "", actor.at, ada.pk, "ada")}
    assert end_sessions_of(ada.pk, cause=Cause.LOCKED, actor=Actor.system()) == 1
    last = Session.objects.closed().get(cause="locked")
    assert (last.closed_by_id, last.closed_by_name) == (None, "system")


def test_one_index_finds_the_open_and_the_closed_ones_of_an_account() -> None:
    """Each index more is written by every sign-in."""
    assert [index.name for index in Session._meta.indexes if index.fields[0] == "account"] == ["session_account_closed"]


def test_cycling_the_key_keeps_the_session_and_kills_the_old_key(make: Make, ada: Account) -> None:
    old = key_of(make.client(ada))
    store = SessionStore(old)
    store.cycle_key()
    assert SessionStore(old).account is None
    assert SessionStore(store.session_key).account == ada
    assert Session.objects.count() == 1


def test_an_old_key_does_not_delete_the_cookie_of_the_new_one(make: Make, ada: Account) -> None:
    """A second window's request, sent with the key of before a switch, is answered after the browser has the new."""
    client = make.client(ada)
    late = Client()
    late.cookies[settings.SESSION_COOKIE_NAME] = key_of(client)
    session = SessionStore(key_of(client))
    session.cycle_key()
    assert late.get("/")["Location"].startswith("/sign-in/")
    assert key_of(late) == key_of(client), "left as it was"
    assert client.post("/sign-out/").cookies.get(settings.SESSION_COOKIE_NAME) is None
    fresh = make.client(ada)
    assert fresh.post("/sign-out/").cookies[settings.SESSION_COOKIE_NAME].value == ""
