"""Why? One question or a thousand: may this account do this with that resource, and which fact decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Account
from agora.base.actor import Actor
from resources.models import Grant, Resource
from resources.roles import (
    CHILDREN,
    Action,
    Because,
    Decision,
    Kind,
    decide,
    grants_matter,
)
from resources.services.below import COUNTED, Pair, not_deletable_below

MOST = 1_000  # questions at once


@dataclass(frozen=True)
class Question:
    """``account``: a username or an id; None for who asks."""

    account: str | int | None
    resource: int
    action: Action


@dataclass(frozen=True)
class Answer:
    """``below``: so many resources below it may not be deleted by the account, so it may not be deleted either. From
    ``COUNTED`` on there may be more."""

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
        facts = {"name": self.decision.account.username, "num": self.below}
        if self.below >= COUNTED:
            return (
                _("%(name)s may not delete %(num)d or more resources below it, and deleting needs Editor on each.")
                % facts
            )
        return (
            ngettext(
                "%(name)s may not delete %(num)d resource below it, and deleting needs Editor on each.",
                "%(name)s may not delete %(num)d resources below it, and deleting needs Editor on each.",
                self.below,
            )
            % facts
        )


class Unanswered(models.TextChoices):
    """Why a question has no answer; what is asked is refused then."""

    NO_RESOURCE = "no_resource", gettext_lazy("There is no such resource, or you may not see it.")
    NO_ACCOUNT = "no_account", gettext_lazy("There is no such account.")
    NOT_YOURS = (
        "not_yours_to_ask",
        gettext_lazy("You may ask about yourself. Editors of the resource may ask about everybody."),
    )


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
    found: dict[str | int | None, Account] = {row.pk: row for row in rows.filter(pk__among=ids)} if ids else {}
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
    below = not_deletable_below(deleting.values(), kinds, at)
    return [
        Answer(decision, action, below.get((account.pk, pk), 0) if action == Action.DELETE else 0)
        for (account, pk, action), decision in zip(asked, decisions, strict=True)
    ]


def _decisions(pairs: Sequence[Pair], kinds: Mapping[int, Kind], at: datetime) -> list[Decision]:
    """The one rule for each pair; one query for the grants of them all."""
    wanted = {(account.pk, pk) for account, pk in pairs if grants_matter(account)}
    grants = Grant.objects.facts_of(wanted)
    return [decide(account, kinds[pk], grants.get((account.pk, pk)), at=at) for account, pk in pairs]
