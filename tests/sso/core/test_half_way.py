"""Between a provider's yes and our second factor: what takes the yes back ends the sign-in that it began."""

from collections.abc import Callable

import pytest

from accounts.services.half_way import held
from sessions_admin.models import Method
from sessions_admin.store import SessionStore
from settings_admin.models import ServerSettings
from sso.claims import Person
from sso.models import Identity, Provider
from sso.services import identities, providers
from sso.services.arrival import arrive, end_sessions_of
from tests.conftest import Make
from tests.sso.conftest import MakeProvider
from tests.sso.core.test_arrival import request_of

EVA = Person(subject="sub-1", username="eva", session_id="sid-1")


@pytest.fixture
def clinic(provider: MakeProvider) -> Provider:
    ServerSettings.objects.update(two_factor_required=True)
    return provider("openid", "clinic", ask_second_factor=True)


def half_way(clinic: Provider, person: Person = EVA, session: SessionStore | None = None) -> SessionStore:
    """The session of a browser that has come back and is asked for a second factor."""
    request = request_of()
    request.session = session or request.session
    arrive(request, clinic, person, method=Method.OPENID, actor=request.actor)
    request.session.save()
    store: SessionStore = request.session
    return store


def is_held(store: SessionStore) -> bool:
    request = request_of()
    request.session = SessionStore(store.session_key)
    return held(request) is not None


@pytest.mark.parametrize(
    "take_back",
    [
        lambda clinic, actor: providers.set_enabled(clinic, False, actor=actor),
        lambda clinic, actor: providers.delete_provider(clinic, actor=actor),
        lambda clinic, actor: identities.unlink(Identity.objects.get(), actor=actor),
        lambda clinic, actor: end_sessions_of(clinic, subject="sub-1", actor=actor),
        lambda clinic, actor: end_sessions_of(clinic, session_id="sid-1", actor=actor),
    ],
    ids=["disabled", "deleted", "unlinked", "signed out by sub", "signed out by sid"],
)
def test_what_takes_the_word_back_ends_what_is_half_way(
    make: Make, clinic: Provider, take_back: Callable[..., object]
) -> None:
    store = half_way(clinic)
    assert is_held(store)
    take_back(clinic, make.actor())
    assert not is_held(store)


def test_it_ends_also_in_a_browser_that_had_a_session_of_nobody(make: Make, clinic: Provider) -> None:
    visitor = SessionStore()
    visitor["seen"] = True
    visitor.save()
    store = half_way(clinic, session=visitor)
    assert is_held(store)
    end_sessions_of(clinic, session_id="sid-1", actor=make.actor())
    assert not is_held(store)


def test_somebody_else_who_is_half_way_goes_on(make: Make, clinic: Provider, provider: MakeProvider) -> None:
    studio = provider("openid", "studio", ask_second_factor=True)
    same_there = half_way(studio, Person("sub-1", "eva.s", session_id="sid-1"))
    other = half_way(clinic, Person("sub-2", "max", session_id="sid-2"))
    half_way(clinic)
    end_sessions_of(clinic, subject="sub-1", actor=make.actor())
    providers.set_enabled(provider("openid", "third"), False, actor=make.actor())
    assert is_held(same_there) and is_held(other)
