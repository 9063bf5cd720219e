"""Why? One question or a thousand: may this account do this with that resource, and which fact decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import Account
from agora.base.actor import Actor
from resources.models import Grant, Resource
from resources.roles import (
    CHILDREN,
    Action,
    Because,
    Decision,
    Kind,
    ResourceRole,
    decide,
    given_by_system_role,
    grants_matter,
)

MOST = 1_000  # questions at once
Pair = tuple[Account, int]  # the resource by its id


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
    return _answers([(account, resource.pk, action)], {resource.pk: Kind(resource.kind)}, at)[0]


def answer_all(questions: Sequence[Question], *, actor: Actor) -> list[Answer | Unanswered]:
    """The answers in the order of the questions, with the same few queries whatever their number."""
    accounts = _accounts(questions, actor)
    kinds = Resource.objects.kinds({question.resource for question in questions})
    mine: dict[int, Decision] = {}
    if isinstance(actor.account, Account):
        asking = [(actor.account, pk) for pk in kinds]
        mine = dict(zip(kinds, _decisions(asking, kinds, actor.at), strict=True))
    found: list[Answer | Unanswered | None] = []
    asked: list[tuple[Account, int, Action]] = []
    for question in questions:
        account, decision = accounts.get(question.account), mine.get(question.resource)
        if question.resource not in kinds or (decision and not decision.allows(Action.VIEW)):
            found.append(Unanswered.NO_RESOURCE)
        elif decision and account != decision.account and not decision.allows(Action.SEE_PERMISSIONS):
            found.append(Unanswered.NOT_YOURS)
        elif account is None:
            found.append(Unanswered.NO_ACCOUNT)
        else:
            found.append(None)
            asked.append((account, question.resource, question.action))
    answers = iter(_answers(asked, kinds, actor.at))
    return [one or next(answers) for one in found]


def _accounts(questions: Iterable[Question], actor: Actor) -> dict[str | int | None, Account]:
    """Whom the questions mean, each by how it is named there."""
    named = {question.account for question in questions}
    ids = [one for one in named if isinstance(one, int)]
    names = [one for one in named if isinstance(one, str)]
    rows = Account.objects.only("username", "username_key", "role", "is_superuser", "is_active", "locked_at")
    found: dict[str | int | None, Account] = dict(rows.in_bulk(ids)) if ids else {}
    if names:
        found |= rows.by_key(names)
    if isinstance(actor.account, Account):
        found[None] = actor.account
    return found


def _answers(asked: Sequence[tuple[Account, int, Action]], kinds: Mapping[int, Kind], at: datetime) -> list[Answer]:
    decisions = _decisions([(account, pk) for account, pk, _action in asked], kinds, at)
    deleting = {
        (account.pk, pk): (account, pk)
        for (account, pk, action), decision in zip(asked, decisions, strict=True)
        if action == Action.DELETE and decision.allows(action) and CHILDREN[decision.kind]
    }
    below = _not_deletable_below(deleting.values(), at)
    return [
        Answer(decision, action, below.get((account.pk, pk), 0) if action == Action.DELETE else 0)
        for (account, pk, action), decision in zip(asked, decisions, strict=True)
    ]


def _decisions(pairs: Sequence[Pair], kinds: Mapping[int, Kind], at: datetime) -> list[Decision]:
    """The one rule for each pair; one query for the grants of them all."""
    wanted = {(account.pk, pk) for account, pk in pairs if grants_matter(account)}
    grants = {(grant.account_id, grant.resource_id): grant for grant in Grant.objects.of_pairs(wanted)}
    return [decide(account, kinds[pk], grants.get((account.pk, pk)), at=at) for account, pk in pairs]


# A subquery for each pair, so that the database walks the index of parents; a join would read the whole table.
BELOW = """
WITH asked(account, root, streams, sessions, recordings) AS (VALUES {values})
SELECT account, root, counted FROM (SELECT account, root, (
    SELECT count(*) FROM (
        SELECT first.id, first.kind FROM {resource} first WHERE first.parent_id = asked.root
        UNION ALL SELECT second.id, second.kind FROM {resource} first
            JOIN {resource} second ON second.parent_id = first.id WHERE first.parent_id = asked.root
        UNION ALL SELECT third.id, third.kind FROM {resource} first
            JOIN {resource} second ON second.parent_id = first.id
            JOIN {resource} third ON third.parent_id = second.id WHERE first.parent_id = asked.root
    ) below LEFT JOIN {grant} given ON given.account_id = asked.account AND given.resource_id = below.id
        AND (given.ends_at IS NULL OR given.ends_at > %s)
    WHERE CASE WHEN given.id IS NOT NULL THEN given.role NOT IN ({enough})
        WHEN below.kind = 'stream' THEN asked.streams = 0
        WHEN below.kind = 'stream_session' THEN asked.sessions = 0
        ELSE asked.recordings = 0 END
) AS counted FROM asked) counts WHERE counted > 0
"""


def _not_deletable_below(pairs: Iterable[Pair], at: datetime) -> dict[tuple[int, int], int]:
    """How many resources below each the account may not delete, for those that have any; one query.

    ``editable_by`` for many accounts at once: what each one's system role gives stands beside its id.
    """
    values: list[int] = []
    for account, pk in pairs:
        given = [given_by_system_role(account, kind) for kind in (Kind.STREAM, Kind.SESSION, Kind.RECORDING)]
        if ResourceRole.ADMINISTRATOR not in given:
            values += [account.pk, pk, *(int(role.reaches(ResourceRole.EDITOR)) for role in given)]
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
