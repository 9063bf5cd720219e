"""Why?, for one question and for many at once."""

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from accounts.roles import Role
from accounts.services import locks
from resources.models import Grant, Resource
from resources.roles import Action, ResourceRole
from resources.services.answers import Answer, Question, Unanswered, answer_all, explain
from resources.services.resources import PartNotYours, delete_resource
from tests.conftest import Make
from tests.resources.conftest import give, recording

N, V, E, A = ResourceRole.NONE, ResourceRole.VIEWER, ResourceRole.EDITOR, ResourceRole.ADMINISTRATOR


def allowed(question: Question, make: Make, asker: Account | None = None) -> bool | Unanswered:
    found = answer_all([question], actor=make.actor(asker))[0]
    return found.allowed if isinstance(found, Answer) else found


def test_deleting_a_parent_needs_editor_on_each_below(
    make: Make, ed: Account, nell: Account, origin: Resource, studio: Resource
) -> None:
    take = recording(make, studio)
    now = timezone.now()
    assert explain(ed, origin, Action.DELETE, at=now).allowed
    for resource in (studio, take):
        grant = give(ed, resource, V)
        answer = explain(ed, origin, Action.DELETE, at=now)
        assert not answer.allowed
        assert answer.sentence == "ed may not delete 1 resource below it, and deleting needs Editor on each."
        Grant.objects.filter(pk=grant.pk).update(ends_at=now)
        assert explain(ed, origin, Action.DELETE, at=now).allowed, "an ended grant takes nothing away"
    give(nell, origin, E)
    assert explain(nell, origin, Action.DELETE, at=now).below == 2
    give(nell, studio, A)
    give(nell, take, E)
    assert explain(nell, origin, Action.DELETE, at=now).allowed
    Grant.objects.filter(account=ed).update(ends_at=None)
    try:
        delete_resource(origin, actor=make.actor(ed))
    except PartNotYours:
        assert not explain(ed, origin, Action.DELETE, at=now).allowed
    else:
        raise AssertionError("deleted")
    assert explain(ed, origin, Action.EDIT, at=now).allowed, "only deleting asks below"


def test_who_may_ask_about_whom(
    make: Make, ada: Account, vic: Account, ed: Account, nell: Account, studio: Resource
) -> None:
    def ask(asker: Account, about: str | int | None) -> bool | Unanswered:
        return allowed(Question(about, studio.pk, Action.VIEW), make, asker)

    assert (ask(vic, None), ask(vic, "VIC"), ask(vic, vic.pk)) == (True, True, True)
    assert (ask(vic, "nell"), ask(vic, "nobody")) == (Unanswered.NOT_YOURS, Unanswered.NOT_YOURS)
    assert (ask(ed, "nell"), ask(ed, nell.pk), ask(ed, "vic")) == (False, False, True)
    assert (ask(ed, "nobody"), ask(ed, 10**9), ask(ed, "a\0b")) == (Unanswered.NO_ACCOUNT,) * 3
    assert (ask(nell, None), ask(nell, "ed")) == (Unanswered.NO_RESOURCE, Unanswered.NO_RESOURCE)
    assert allowed(Question(None, 10**9, Action.VIEW), make, ada) == Unanswered.NO_RESOURCE


def test_a_thousand_questions_cost_the_same_queries_as_one(
    make: Make, ed: Account, origin: Resource, studio: Resource
) -> None:
    people = [make.account(f"user{number}", role=Role.EDITOR) for number in range(20)]
    for account in people[:10]:
        give(account, studio, N)
    resources = [origin.pk, studio.pk]
    many = [Question(account.pk, pk, action) for account in people for pk in resources for action in Action]
    costs = []
    for questions in (many[:12], (many * 10)[:1_000]):
        with CaptureQueriesContext(connection) as queries:
            found = answer_all(questions, actor=make.actor(ed))
        costs.append(len(queries))
        assert len(found) == len(questions)
    assert costs[0] == costs[1] <= 5
    at = timezone.now()
    for question, answer in zip(many, answer_all(many, actor=make.actor(ed)), strict=True):
        account, resource = Account.objects.get(pk=question.account), Resource.objects.get(pk=question.resource)
        alone = explain(account, resource, question.action, at=at)
        assert isinstance(answer, Answer)
        assert (answer.allowed, answer.sentence) == (alone.allowed, alone.sentence)


def test_losing_counts_at_the_next_check(
    make: Make, root: Account, ed: Account, nell: Account, studio: Resource
) -> None:
    def edits(account: Account) -> bool | Unanswered:
        return allowed(Question(account.username, studio.pk, Action.EDIT), make)

    assert (edits(ed), edits(nell)) == (True, False)
    grant = give(nell, studio, E, ends_at=timezone.now() + timedelta(hours=1))
    assert edits(nell) is True
    Grant.objects.filter(pk=grant.pk).update(ends_at=timezone.now())
    assert edits(nell) is False
    Account.objects.filter(pk=ed.pk).update(role=Role.VIEWER)
    assert edits(ed) is False
    give(ed, studio, A)
    assert edits(ed) is True
    locks.lock(ed, actor=make.actor(root))
    assert edits(ed) is False
    Account.objects.filter(pk=ed.pk).update(locked_at=None, locked_by_id=None, locked_by_name="", is_active=False)
    assert edits(ed) is False
