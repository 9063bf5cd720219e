"""A provider that is disabled or deleted while it is being asked lets nobody in any more, and is no error."""

from typing import Any

import pytest
from django.test import Client

from audit.models import Entry, Outcome
from sessions_admin.models import Session
from sso.models import Begun, Provider
from sso.openid import answers, protocol
from tests.sso.conftest import meanwhile
from tests.sso.openid.conftest import Connect, begin, come_back, sign_in
from tests.sso.openid.hostile import Hostile
from tests.sso.openid.test_ask_again import boss, confirm, reasons  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db(transaction=True)  # what refers to nothing is noticed when a transaction ends


def disable() -> None:
    Provider.objects.update(enabled=False)


def delete() -> None:
    Provider.objects.all().delete()


@pytest.mark.parametrize("act", [disable, delete])
@pytest.mark.parametrize("known", [True, False])
def test_nobody_comes_in_any_more(
    client: Client, hostile: Hostile, connect: Connect, monkeypatch: pytest.MonkeyPatch, act: Any, known: bool
) -> None:
    connect(hostile)
    if known:
        sign_in(Client(), hostile)
    before = Session.objects.count()
    brought = hostile.agree(begin(client))
    meanwhile(monkeypatch, answers, "read", act)
    assert come_back(client, brought).status_code == 403
    entry = Entry.objects.latest("pk")
    assert (entry.outcome, entry.details["reason"]) == (Outcome.FAILED, "disabled")
    assert Session.objects.count() == before


def test_nobody_is_sent_to_one_that_is_deleted_while_it_is_asked_where_to(
    client: Client, hostile: Hostile, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(hostile)
    meanwhile(monkeypatch, protocol, "discover", delete)
    assert client.post("/sso/staff/login/").status_code == 403
    assert Entry.objects.latest("pk").details["reason"] == "disabled"
    assert not Begun.objects.exists()


def test_it_confirms_nobody_any_more(
    boss: Client,  # noqa: F811 - the fixture
    hostile: Hostile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    meanwhile(monkeypatch, answers, "read", disable)
    assert confirm(boss, hostile).status_code == 403
    assert reasons() == ["disabled"]
