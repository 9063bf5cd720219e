"""The same answer twice at the same moment counts once."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Account
from audit.models import Entry
from sessions_admin.models import Session
from sso.models import Provider, Seen
from tests.sso.openid.test_at_once import at_once
from tests.sso.saml.attacks import message
from tests.sso.saml.conftest import Visitor, answer

pytestmark = pytest.mark.django_db(transaction=True)
ACS = "/sso/forge/acs/"


def reasons() -> list[str]:
    rows = Entry.objects.filter(event="session.opened", outcome="failed")
    return [entry.details["reason"] for entry in rows]


def test_an_answer_to_a_request(forge: Callable[..., Provider], visitor: Visitor) -> None:
    provider = forge()
    visitor.go(provider)
    sent = {"SAMLResponse": message(answer(provider, visitor).root()), "RelayState": visitor.relay_state}
    found = at_once(*[lambda: Client().post(ACS, sent)] * 4)
    assert sorted(posted.status_code for posted in found)[0] == 303
    taken = [posted for posted in found if posted.status_code == 303]
    assert len(taken) == 1 and len(reasons()) == 3 and set(reasons()) <= {"unknown_request", "replayed"}
    assert visitor.client.get(taken[0]["Location"]).status_code == 302
    assert Session.objects.signed_in().count() == 1


def test_an_answer_to_nothing_where_that_is_allowed(forge: Callable[..., Provider], visitor: Visitor) -> None:
    provider = forge(allow_idp_initiated=True)
    sent = {"SAMLResponse": message(answer(provider, visitor, request_id=None).root())}
    found = at_once(*[lambda: Client().post(ACS, sent).status_code] * 4)
    assert sorted(found) == [303, 403, 403, 403]
    assert reasons() == ["replayed"] * 3 and Seen.objects.count() == 1


def test_the_way_from_the_first_half_to_the_second(forge: Callable[..., Provider], visitor: Visitor) -> None:
    provider = forge()
    visitor.go(provider)
    sent = {"SAMLResponse": message(answer(provider, visitor).root()), "RelayState": visitor.relay_state}
    onwards = Client().post(ACS, sent)["Location"]
    copies = [Client(), Client(), Client()]
    for copy in copies:
        copy.cookies = visitor.client.cookies.copy()
    found = at_once(*(lambda copy=copy: copy.get(onwards).status_code for copy in copies))
    assert sorted(found) == [302, 400, 400]
    assert Session.objects.signed_in().count() == 1 and Account.objects.count() == 1
