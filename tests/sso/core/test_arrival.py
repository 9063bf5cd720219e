"""Coming back from a provider: into a session that says so, to the missing step, or to a page that says nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Account
from accounts.services import half_way, sign_in, ways
from agora.base.actor import actor_of
from audit.models import Entry
from sessions_admin.models import Method, Session
from sessions_admin.store import SessionStore
from settings_admin.models import ServerSettings
from sso.claims import Person, ProviderRefused, ProviderSilent
from sso.models import Begun, Identity, Provider, Seen
from sso.services import arrival, begun
from sso.services.arrival import arrive, end_sessions_of, refuse
from sso.services.identities import link, unlink
from sso.services.upkeep import purge
from tests.conftest import Make
from tests.sso.conftest import MakeProvider, meanwhile

EVA = Person(subject="sub-1", username="eva", session_id="sid-1")


def request_of(**cookies: str) -> Any:
    request: Any = RequestFactory().get("/sso/clinic/callback/")
    request.session, request.user, request.request_id = SessionStore(), AnonymousUser(), "0123456789abcdef"
    request.COOKIES |= cookies
    request.actor = actor_of(request)
    return request


def come(provider: Provider, person: Person = EVA, **how: Any) -> tuple[HttpRequest, HttpResponse]:
    request = request_of()
    return request, arrive(request, provider, person, method=Method.OPENID, actor=request.actor, **how)


def test_the_session_says_which_provider_opened_it_and_keeps_what_leaving_needs(provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic")
    request, response = come(clinic, next_path="/sessions/?tab=closed", keep={"id_token": "secret token"})
    assert response.headers["Location"] == "/sessions/?tab=closed"
    row = Session.objects.get()
    assert (row.method, row.provider_id, row.provider_name) == ("openid", clinic.pk, "Clinic")
    assert (row.provider_subject, row.provider_session, row.asks_second_factor) == ("sub-1", "sid-1", False)
    assert ways.kept(request.session) == {"id_token": "secret token"}
    assert "secret token" not in row.data
    entry = Entry.objects.filter(event="session.opened").get()
    assert (entry.actor_name, entry.details["provider"], entry.details["subject"]) == ("eva", "Clinic", "sub-1")
    assert "secret token" not in str(list(Entry.objects.values_list("details", flat=True)))


def test_a_link_that_is_removed_before_the_session_is_open_opens_none(
    make: Make, provider: MakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic = provider("openid", "clinic")
    come(clinic)
    Session.objects.all().delete()
    meanwhile(monkeypatch, arrival, "settle", lambda: unlink(Identity.objects.get(), actor=make.actor()))
    with pytest.raises(sign_in.TakenBack):
        come(clinic)
    assert not Session.objects.exists()
    entry = Entry.objects.latest("pk")
    assert (entry.event, entry.outcome, entry.target_name) == ("session.opened", "failed", "eva")
    assert (entry.details["reason"], entry.details["provider"]) == ("taken_back", "Clinic")


@pytest.mark.parametrize("path", ["https://evil.example.com/", "//evil.example.com", "/\\evil.example.com", "", "x"])
def test_nobody_is_sent_elsewhere_afterwards(provider: MakeProvider, path: str) -> None:
    _request, response = come(provider("openid", "clinic"), next_path=path)
    assert response.headers["Location"] == "/"


def test_our_second_factor_is_asked_for_only_where_the_provider_says_so(provider: MakeProvider) -> None:
    ServerSettings.objects.update(two_factor_required=True)
    _request, response = come(provider("openid", "clinic"))
    assert response.headers["Location"] == "/"
    request, response = come(provider("openid", "strict", ask_second_factor=True), Person("sub-2", "max"),
                             keep={"id_token": "t"})  # fmt: skip
    assert response.headers["Location"].startswith("/sign-in/second-factor/")
    found = half_way.held(request)
    assert found is not None and (found[0].username, found[1].provider_name) == ("max", "Strict")
    assert ways.kept(request.session) == {"id_token": "t"}
    assert not Session.objects.of_account(found[0].pk).exists()


def test_a_refusal_tells_the_log_why_and_the_person_a_reference_only(make: Make, provider: MakeProvider) -> None:
    make.account("eva", first_name="Eva", last_name="Moser")
    _request, response = come(provider("openid", "clinic"))
    page = response.content.decode()
    assert response.status_code == 403
    assert "0123456789abcdef" in page
    assert "exists" not in page and "username_taken" not in page
    entry = Entry.objects.filter(event="session.opened").get()
    assert (entry.outcome, entry.details["reason"], entry.request_id) == (
        "failed",
        "username_taken",
        "0123456789abcdef",
    )
    assert (entry.details["subject"], entry.details["username"]) == ("sub-1", "eva")
    assert not Session.objects.signed_in().exists()


@pytest.mark.parametrize("field", [{"is_active": False}, {"locked_at": timezone.now()}])
def test_locked_and_inactive_accounts_see_the_same_neutral_page(provider: MakeProvider, field: dict[str, Any]) -> None:
    clinic = provider("openid", "clinic")
    come(clinic)
    Account.objects.update(**field)
    _request, response = come(clinic)
    page = response.content.decode()
    assert response.status_code == 403
    assert "You are not signed in." in page and "locked" not in page and "inactive" not in page


def test_a_provider_that_does_not_answer_is_named_with_what_to_do(provider: MakeProvider) -> None:
    clinic = provider("openid", "clinic")
    request = request_of()
    response = refuse(request, clinic, ProviderSilent("10.0.0.7 timed out"), actor=request.actor)
    assert response.status_code == 503
    assert "Clinic does not answer. Try again later, or sign in another way." in response.content.decode()
    assert "10.0.0.7" not in response.content.decode()


def test_two_providers_with_the_same_subject_end_only_their_own_sessions(make: Make, provider: MakeProvider) -> None:
    clinic, studio = provider("openid", "clinic"), provider("openid", "studio")
    come(clinic)
    come(studio, Person("sub-1", "eva.s", session_id="sid-1"))
    come(clinic, Person("sub-1", "eva", session_id="sid-2"))
    assert end_sessions_of(clinic, session_id="sid-1", actor=make.actor()) == 1
    assert [row.provider_session for row in Session.objects.not_closed().order_by("pk")] == ["sid-1", "sid-2"]
    assert end_sessions_of(clinic, subject="sub-1", actor=make.actor()) == 1
    row = Session.objects.not_closed().get()
    assert row.provider_name == "Studio"
    assert Session.objects.closed().first().cause == "signed_out_there"  # type: ignore[union-attr]
    assert end_sessions_of(clinic, subject="sub-1", actor=make.actor()) == 0


def test_what_was_begun_is_used_up_by_the_first_answer_of_the_same_browser(make: Make, provider: MakeProvider) -> None:
    clinic, request = provider("openid", "clinic"), request_of()
    begun.begin(clinic, request=request, request_id="state-1", data={"nonce": "n"}, actor=request.actor)
    row = Begun.objects.get()
    assert "state-1" not in str(row.__dict__)
    response = begun.mark(request, HttpResponse())
    cookie = response.cookies[begun.COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/"
    found, data = begun.take("openid", "clinic", "state-1", actor=make.actor())
    assert data == {"nonce": "n"}
    begun.check_browser(found, request_of(**{begun.COOKIE: cookie.value}))
    for other in ("", "x" * 43):
        with pytest.raises(ProviderRefused) as refused:
            begun.check_browser(found, request_of(**{begun.COOKIE: other}))
        assert refused.value.reason == "other_browser"
    with pytest.raises(ProviderRefused) as refused:
        begun.take("openid", "clinic", "state-1", actor=make.actor())
    assert refused.value.reason == "unknown_request"


def test_what_was_begun_more_than_ten_minutes_ago_counts_no_more(make: Make, provider: MakeProvider) -> None:
    clinic, request = provider("openid", "clinic"), request_of()
    begun.begin(clinic, request=request, request_id="state-1", data={}, actor=request.actor)
    late = make.actor(at=request.actor.at + timedelta(minutes=11))
    with pytest.raises(ProviderRefused) as refused:
        begun.take("openid", "clinic", "state-1", actor=late)
    assert refused.value.reason == "expired_request"


def test_a_one_time_id_counts_once_for_each_provider_and_is_forgotten_when_it_is_void(
    make: Make, provider: MakeProvider
) -> None:
    clinic, studio = provider("saml", "clinic"), provider("saml", "studio")
    until = timezone.now() + timedelta(minutes=5)
    assert Seen.objects.once(clinic, "assertion", "_1", until)
    assert not Seen.objects.once(clinic, "assertion", "_1", until)
    assert Seen.objects.once(studio, "assertion", "_1", until)
    assert Seen.objects.once(clinic, "logout", "_1", until)
    assert purge(now=until) == 3


def test_an_account_that_was_linked_by_hand_is_found_whatever_its_name(
    make: Make, vic: Account, provider: MakeProvider
) -> None:
    clinic = provider("openid", "clinic", create_accounts=False)
    link(vic, clinic, "sub-1", actor=make.actor())
    come(clinic)
    assert Session.objects.get().account == vic
    assert Identity.objects.get().last_sign_in_at is not None
