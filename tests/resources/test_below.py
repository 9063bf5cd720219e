"""What lies below a resource and forbids deleting it: the same answer as asking each, without reading all of them."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from accounts.models import Account
from accounts.roles import Role
from resources.models import Resource
from resources.roles import Action, Kind, ResourceRole
from resources.services.answers import Question, answer_all, explain
from resources.services.below import COUNTED, not_deletable_below
from resources.services.resources import create_stream
from resources.services.rules import effective_roles
from resources.services.stream_sessions import open_session
from tests.conftest import Make
from tests.resources.conftest import give, recording

N, V, E, A = ResourceRole


def test_it_is_what_asking_each_of_them_says(make: Make, root: Account, origin: Resource, studio: Resource) -> None:
    lobby = create_stream("lobby", streamer=origin, actor=make.actor(root))
    session, _new = open_session(studio, name="v-1", actor=make.actor())
    takes = [recording(make, studio), recording(make, session)]
    rows, roots = [origin, studio, lobby, session, *takes], [origin, studio, lobby, session]
    now = timezone.now()
    people = []
    for role, pattern in product(Role, range(8)):
        account = make.account(f"{role}-{pattern}", role=role)
        people.append(account)
        for place, row in enumerate(rows):
            given = [None, N, V, E, A][(pattern * 7 + place * pattern + place) % 5]
            if given and pattern:
                ended = now - timedelta(days=1) if pattern == place else None
                give(account, row, given, ends_at=ended)
    kinds = {row.pk: Kind(row.kind) for row in rows}
    expected = {}
    for account, top in product(people, roots):
        roles = effective_roles(account, Resource.objects.below(top.pk), at=now)
        if number := sum(not role.allows(Action.DELETE) for role in roles.values()):
            expected[account.pk, top.pk] = number
    asked = [(account, top.pk) for account, top in product(people, roots)]
    assert not_deletable_below(asked, kinds, now) == expected
    assert 20 < len(expected) < len(asked) - 20


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_it_stops_counting_where_there_are_many(make: Make, origin: Resource, role: Role) -> None:
    account, now = make.account("zoe", role=role), timezone.now()
    give(account, origin, E)
    for number in range(COUNTED + 20):
        give(account, create_stream(f"s-{number}", streamer=origin, actor=make.actor()), V)
    answer = explain(account, origin, Action.DELETE, at=now)
    assert (answer.allowed, answer.below) == (False, COUNTED)
    assert answer.sentence.startswith("zoe may not delete 100 or more resources below it")


def test_many_questions_about_many_resources_are_answered_soon(make: Make, ed: Account, many: "Many") -> None:
    questions = [Question("ed", pk, Action.DELETE) for pk in many.streams[:1_000]]
    before = timezone.now()
    answers = answer_all(questions, actor=make.actor(ed))
    assert all(answer.allowed for answer in answers)  # type: ignore[union-attr]
    zoe = make.account("zoe", role=Role.VIEWER)
    for pk in many.streams[:500]:
        give(zoe, Resource(pk=pk), E)
    answers = answer_all([Question("zoe", pk, Action.DELETE) for pk in many.streams[:500]], actor=make.actor())
    assert all(answer.allowed for answer in answers)  # type: ignore[union-attr]
    helpers = [make.account(f"helper-{number}", role=Role.VIEWER) for number in range(50)]
    for helper in helpers:
        give(helper, many.streamer, E)
    questions = [Question(helper.pk, many.streamer.pk, Action.DELETE) for helper in helpers]
    answers = answer_all(questions, actor=make.actor())
    assert [answer.below for answer in answers] == [COUNTED] * 50  # type: ignore[union-attr]
    assert timezone.now() - before < timedelta(seconds=10), "PostgreSQL read the whole table once a question"


class Many:
    """A streamer with thousands of streams, one of which has had thousands of sessions."""

    def __init__(self, streamer: Resource, busy: Resource, size: int = 5_000) -> None:
        self.streamer = streamer
        self.streams = self._rows(Kind.STREAM, streamer, size)
        self.sessions = self._rows(Kind.SESSION, busy, size)

    def _rows(self, kind: Kind, parent: Resource, size: int) -> list[int]:
        rows = [Resource(kind=kind, parent=parent, name=f"{kind}-{number}") for number in range(size)]
        for row in rows:
            row.name_key = row.label_key = row.name
        return [row.pk for row in Resource.objects.bulk_create(rows, batch_size=1_000)]


@pytest.fixture
def many(origin: Resource, studio: Resource) -> Many:
    return Many(origin, studio)
