"""The one rule, its reasons, and the same rule as one SQL condition."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from accounts.roles import Role
from accounts.services import locks
from resources.models import Grant, Resource
from resources.roles import Action, Because, Kind, ResourceRole
from resources.services.rules import effective_role, effective_roles
from tests.conftest import Make
from tests.resources.conftest import give

N, V, E, A = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR
# Written out from the product's table of roles, not computed from the code's.
BY_ROLE = {
    Role.NONE: {Kind.STREAMER: N, Kind.STREAM: N, Kind.SESSION: N, Kind.RECORDING: N},
    Role.VIEWER: {Kind.STREAMER: V, Kind.STREAM: V, Kind.SESSION: V, Kind.RECORDING: V},
    Role.OBSERVER: {Kind.STREAMER: V, Kind.STREAM: V, Kind.SESSION: V, Kind.RECORDING: V},
    Role.CONTENT_MANAGER: {Kind.STREAMER: V, Kind.STREAM: E, Kind.SESSION: E, Kind.RECORDING: E},
    Role.EDITOR: {Kind.STREAMER: E, Kind.STREAM: E, Kind.SESSION: E, Kind.RECORDING: E},
    Role.SECURITY: {Kind.STREAMER: N, Kind.STREAM: N, Kind.SESSION: N, Kind.RECORDING: N},
    Role.ADMINISTRATOR: {Kind.STREAMER: A, Kind.STREAM: A, Kind.SESSION: A, Kind.RECORDING: A},
}


def one_of_each(prefix: str = "") -> dict[Kind, Resource]:
    """A streamer, a stream, a session and a recording, each the child of the one before."""
    found: dict[Kind, Resource] = {}
    parent = None
    for kind in Kind:
        parent = found[kind] = Resource.objects.create(kind=kind, parent=parent, name=f"{prefix}{kind}")
    return found


@pytest.mark.parametrize("role", list(Role))
def test_without_a_grant_the_system_role_decides(role: Role, make: Make) -> None:
    account = make.account("x", role=role)
    for kind, resource in one_of_each().items():
        decision = effective_role(account, resource, at=timezone.now())
        assert decision.role == BY_ROLE[role][kind], kind
        assert decision.because == (Because.ADMINISTRATOR if role == Role.ADMINISTRATOR else Because.SYSTEM_ROLE)


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
@pytest.mark.parametrize("granted", list(ResourceRole))
def test_a_grant_decides_also_when_it_takes_away(role: Role, granted: ResourceRole, make: Make) -> None:
    account = make.account("x", role=role)
    for kind, resource in one_of_each().items():
        give(account, resource, granted)
        decision = effective_role(account, resource, at=timezone.now())
        assert (decision.role, decision.because) == (granted, Because.GRANT), kind
        assert "granted" not in decision.sentence and "by root on" in decision.sentence


def test_administrators_and_superusers_always_have_access(ada: Account, root: Account) -> None:
    for resource in one_of_each().values():
        for account in (ada, root):
            give(account, resource, N)
            assert effective_role(account, resource, at=timezone.now()).role == A


def test_from_the_second_of_its_end_a_grant_does_not_count(nell: Account, origin: Resource) -> None:
    end = timezone.now()
    give(nell, origin, E, ends_at=end)
    before, after = (effective_role(nell, origin, at=end + shift) for shift in (-timedelta(seconds=1), timedelta(0)))
    assert (before.role, after.role, after.because) == (E, N, Because.SYSTEM_ROLE)
    assert "The grant of Editor ended on" in after.sentence
    assert Resource.objects.visible_to(nell, at=end - timedelta(seconds=1)).get() == origin
    assert not Resource.objects.visible_to(nell, at=end).exists()


def test_locked_and_inactive_accounts_have_nothing(make: Make, root: Account, ed: Account, vic: Account) -> None:
    resource = one_of_each()[Kind.STREAMER]
    ed = locks.lock(ed, actor=make.actor(root))
    vic.is_active = False
    for account, because in ((ed, Because.LOCKED), (vic, Because.INACTIVE)):
        decision = effective_role(account, resource, at=timezone.now())
        assert (decision.role, decision.because) == (N, because)
        assert not Resource.objects.visible_to(account, at=timezone.now()).exists()


def test_what_each_role_allows() -> None:
    allowed = {role: {action for action in Action if role.reaches(action.needs)} for role in ResourceRole}
    everything = set(Action)
    assert allowed == {
        N: set(),
        V: {Action.VIEW, Action.CREATE},
        E: everything - {Action.CHANGE_PERMISSIONS},
        A: everything,
    }


@pytest.mark.parametrize("role", list(Role))
def test_creating_needs_a_system_role_that_creates_what_comes_next(role: Role, make: Make) -> None:
    account = make.account("x", role=role)
    creates = role in (Role.VIEWER, Role.CONTENT_MANAGER, Role.EDITOR, Role.ADMINISTRATOR)
    for kind, resource in one_of_each().items():
        give(account, resource, V)
        decision = effective_role(account, resource, at=timezone.now())
        assert decision.allows(Action.CREATE) == (creates and kind != Kind.RECORDING), kind
        sentence = decision.sentence_for(Action.CREATE)
        if kind == Kind.RECORDING:
            assert sentence == "Nothing is created from a Recording."
        elif creates:
            assert f"the system role {account.get_role_display()} creates: " in sentence
        else:
            assert "creates nothing from a" in sentence


grants = st.lists(
    st.tuples(
        st.integers(0, 7),  # which resource
        st.sampled_from(list(ResourceRole)),
        st.sampled_from([None, -1, 0, 1]),  # ends so many seconds from the moment asked about
    ),
    max_size=8,
    unique_by=lambda grant: grant[0],
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(role=st.sampled_from(list(Role)), given_ones=grants, state=st.sampled_from(["usable", "locked", "inactive"]))
def test_lists_are_the_rule_as_one_condition(
    role: Role, given_ones: list[tuple[int, ResourceRole, int | None]], state: str, make: Make
) -> None:
    Grant.objects.all().delete()
    Resource.objects.all().delete()
    Account.objects.all().delete()
    now = timezone.now()
    account = make.account("x", role=role, is_active=state != "inactive", locked_at=now if state == "locked" else None)
    other = make.account("y")
    rows = [*one_of_each("a-").values(), *one_of_each("b-").values()]
    for place, granted, seconds in given_ones:
        ends_at = None if seconds is None else now + timedelta(seconds=seconds)
        give(account, rows[place], granted, ends_at=ends_at)
        give(other, rows[7 - place], A)
    decisions = effective_roles(account, rows, at=now)
    for kind in (None, *Kind):
        wanted = [row for row in rows if kind in (None, row.kind)]
        assert set(Resource.objects.visible_to(account, at=now, kind=kind)) == {
            row for row in wanted if decisions[row.pk].allows(Action.VIEW)
        }
        assert set(Resource.objects.editable_by(account, at=now, kind=kind)) == {
            row for row in wanted if decisions[row.pk].allows(Action.EDIT)
        }
