"""Why? One question or a thousand: may this account do this with that resource, and which fact decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Account
from agora.base.actor import Actor
from resources.models import Grant, Resource
from resources.roles import CHILDREN, Action, Because, Decision, Kind, ResourceRole, decide, given_by_system_role

MOST = 1_000  # questions at once
Pair = tuple[Account, Resource]


@dataclass(frozen=True)
class Question:
    """``account``: a username or an id; None for who asks."""

    account: str | int | None
    resource: int
    action: Action


@dataclass(frozen=True)
class Answer:
    """``below``: so many resources below it may not be deleted by the account, so it may not be deleted either."""

    decision: Decision
    action: Action
    below: int = 0

    @property
    def allowed(self) -> bool:
        return self.decision.allows(self.action) and not self.below

    @property
    def because(self) -> Because:
        """The deciding fact: for creating the system role, unless the account does not even see it."""
        if self.below:
            return Because.BELOW
        by_role = self.action == Action.CREATE and self.decision.allows(Action.VIEW)
        return Because.SYSTEM_ROLE if by_role else self.decision.because

    @property
    def sentence(self) -> str:
        """The deciding fact as people read it."""
        if not self.below:
            return self.decision.sentence_for(self.action)
        return ngettext(
            "%(name)s may not delete %(num)d resource below it, and deleting needs Editor on each.",
            "%(name)s may not delete %(num)d resources below it, and deleting needs Editor on each.",
            self.below,
        ) % {"name": self.decision.account.username, "num": self.below}


class Unanswered(models.TextChoices):
    """Why a question has no answer; what is asked is refused then."""

    NO_RESOURCE = "no_resource", _("There is no such resource, or you may not see it.")
    NO_ACCOUNT = "no_account", _("There is no such account.")
    NOT_YOURS = "not_yours_to_ask", _("You may ask about yourself. Editors of the resource may ask about everybody.")


def explain(account: Account, resource: Resource, action: Action, *, at: datetime) -> Answer:
    """The answer to one question."""
    return _answers([(account, resource, action)], at)[0]


def answer_all(questions: Sequence[Question], *, actor: Actor) -> list[Answer | Unanswered]:
    """The answers in the order of the questions, with the same few queries whatever their number."""
    accounts = _accounts(questions, actor)
    resources = Resource.objects.in_bulk({question.resource for question in questions})
    mine: dict[int, Decision] = {}
    if isinstance(actor.account, Account):
        asking = [(actor.account, resource) for resource in resources.values()]
        mine = {one.pk: decision for (_me, one), decision in zip(asking, _decisions(asking, actor.at), strict=True)}
    found: list[Answer | Unanswered | None] = []
    asked: list[tuple[Account, Resource, Action]] = []
    for question in questions:
        account, resource = accounts.get(question.account), resources.get(question.resource)
        decision = mine.get(question.resource)
        if resource is None or (decision and not decision.allows(Action.VIEW)):
            found.append(Unanswered.NO_RESOURCE)
        elif decision and account != decision.account and not decision.allows(Action.SEE_PERMISSIONS):
            found.append(Unanswered.NOT_YOURS)
        elif account is None:
            found.append(Unanswered.NO_ACCOUNT)
        else:
            found.append(None)
            asked.append((account, resource, question.action))
    answers = iter(_answers(asked, actor.at))
    return [one or next(answers) for one in found]


def _accounts(questions: Iterable[Question], actor: Actor) -> dict[str | int | None, Account]:
    """Whom the questions mean, each by how it is named there."""
    named = {question.account for question in questions}
    ids = [one for one in named if isinstance(one, int)]
    names = [one for one in named if isinstance(one, str)]
    found: dict[str | int | None, Account] = dict(Account.objects.in_bulk(ids)) if ids else {}
    if names:
        found |= Account.objects.by_key(names)
    if isinstance(actor.account, Account):
        found[None] = actor.account
    return found


def _answers(asked: Sequence[tuple[Account, Resource, Action]], at: datetime) -> list[Answer]:
    decisions = _decisions([(account, resource) for account, resource, _action in asked], at)
    deleting = {
        (account.pk, resource.pk): (account, resource)
        for (account, resource, action), decision in zip(asked, decisions, strict=True)
        if action == Action.DELETE and decision.allows(action) and CHILDREN[decision.kind]
    }
    below = _not_deletable_below(deleting.values(), at)
    return [
        Answer(decision, action, below.get((account.pk, resource.pk), 0) if action == Action.DELETE else 0)
        for (account, resource, action), decision in zip(asked, decisions, strict=True)
    ]


def _decisions(pairs: Sequence[Pair], at: datetime) -> list[Decision]:
    """The one rule for each pair; one query for the grants of them all."""
    grants = {
        (grant.account_id, grant.resource_id): grant
        for grant in Grant.objects.of_pairs({(account.pk, resource.pk) for account, resource in pairs})
    }
    return [
        decide(account, Kind(resource.kind), grants.get((account.pk, resource.pk)), at=at)
        for account, resource in pairs
    ]


BELOW = """
WITH RECURSIVE asked(account, root, streams, sessions, recordings) AS (VALUES {values}),
below(account, root, streams, sessions, recordings, id, kind) AS (
    SELECT asked.*, child.id, child.kind FROM asked JOIN {resource} child ON child.parent_id = asked.root
    UNION ALL
    SELECT below.account, below.root, below.streams, below.sessions, below.recordings, child.id, child.kind
    FROM below JOIN {resource} child ON child.parent_id = below.id)
SELECT below.account, below.root, count(*) FROM below LEFT JOIN {grant} given
    ON given.account_id = below.account AND given.resource_id = below.id
    AND (given.ends_at IS NULL OR given.ends_at > %s)
WHERE CASE WHEN given.id IS NOT NULL THEN given.role NOT IN ({enough})
    WHEN below.kind = 'stream' THEN below.streams = 0 WHEN below.kind = 'stream_session' THEN below.sessions = 0
    ELSE below.recordings = 0 END
GROUP BY below.account, below.root
"""


def _not_deletable_below(pairs: Iterable[Pair], at: datetime) -> dict[tuple[int, int], int]:
    """How many resources below each the account may not delete, for those that have any; one query.

    ``editable_by`` for many accounts at once: what each one's system role gives stands beside its id.
    """
    values: list[int] = []
    for account, resource in pairs:
        given = [given_by_system_role(account, kind) for kind in (Kind.STREAM, Kind.SESSION, Kind.RECORDING)]
        if ResourceRole.ADMINISTRATOR not in given:
            values += [account.pk, resource.pk, *(int(role.reaches(ResourceRole.EDITOR)) for role in given)]
    if not values:
        return {}
    statement = BELOW.format(
        values=", ".join(["(%s, %s, %s, %s, %s)"] * (len(values) // 5)),
        resource=Resource._meta.db_table,
        grant=Grant._meta.db_table,
        enough=", ".join(f"'{role.value}'" for role in ResourceRole.EDITOR.or_more),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, connection.ops.adapt_datetimefield_value(at)])
        return {(account, root): count for account, root, count in cursor.fetchall()}
