"""What several pages of resources need: the resource behind an id, and what the person may do with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from django.shortcuts import get_object_or_404
from django.urls import reverse

from accounts.models import Account
from agora.base.http import Request
from resources.models import Grant, Resource
from resources.roles import Action, Decision, Kind
from resources.services.recordings import without_contact
from resources.services.rules import check_recorded, effective_role, effective_roles, refusal_of

NAMES = 2  # accounts named in the column "Shared with"


@dataclass(frozen=True)
class Line:
    """One row of a list: the resource, the person's role on it, with whom it is shared (None: not theirs to see).

    ``parent``: what it was made from, where the person sees that. ``silent``: a recording that goes on without contact.
    """

    resource: Resource
    decision: Decision
    shared: list[Grant] | None
    parent: Resource | None
    silent: bool

    @property
    def shared_names(self) -> str:
        return ", ".join(grant.account.display_name for grant in (self.shared or [])[:NAMES])

    @property
    def may_see_permissions(self) -> bool:
        return self.decision.allows(Action.SEE_PERMISSIONS)

    @property
    def may_edit(self) -> bool:
        return self.decision.allows(Action.EDIT)

    @property
    def more(self) -> bool:
        return len(self.shared or []) > NAMES


def person(request: Request) -> Account:
    """The signed-in account; for views that are declared for signed-in people."""
    return cast(Account, request.user)


def visible(request: Request, pk: int, kind: Kind | None = None) -> tuple[Resource, Decision]:
    """The resource and the person's role on it. 404 when there is none of that kind that this person may see."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=kind).with_facts(kind)
    resource = get_object_or_404(rows, pk=pk)
    return resource, effective_role(person(request), resource, at=request.actor.at)


def permitted(request: Request, pk: int, action: Action, kind: Kind | None = None) -> tuple[Resource, Decision]:
    """The same for a page that is about acting. Raises what says why, where the person may see but not act."""
    resource, decision = visible(request, pk, kind)
    allow(request, resource, decision, action)
    return resource, decision


def allow(request: Request, resource: Resource, decision: Decision, action: Action) -> None:
    """Raises what says why not. A refused change is recorded, a refused look is not."""
    if not decision.allows(action):
        if request.method not in ("GET", "HEAD"):
            check_recorded(request.actor, resource, action)
        raise refusal_of(action)


def lines(request: Request, resources: Sequence[Resource]) -> list[Line]:
    """The rows of one page, with four queries whatever their number."""
    decisions = effective_roles(person(request), resources, at=request.actor.at)
    open_ones = [pk for pk, decision in decisions.items() if decision.allows(Action.SEE_PERMISSIONS)]
    shared: dict[int, list[Grant]] = {pk: [] for pk in open_ones}
    for grant in Grant.objects.counting(request.actor.at).giving().first_of_each(open_ones, NAMES + 1):
        shared[grant.resource_id].append(grant)
    seen = seen_among(request, [row.parent_id for row in resources if row.parent_id])
    silent = without_contact(resources, at=request.actor.at)
    return [
        Line(
            row,
            decisions[row.pk],
            shared.get(row.pk),
            parent=row.parent if row.parent_id in seen else None,
            silent=row.pk in silent,
        )
        for row in resources
    ]


def seen_among(request: Request, ids: Iterable[int]) -> set[int]:
    """Those of these resources that the person sees; the others' names are not theirs to read."""
    ids = set(ids)
    rows = Resource.objects.visible_to(person(request), at=request.actor.at).filter(pk__in=ids)
    return set(rows.values_list("pk", flat=True)) if ids else set()


def card_url(resource: Resource) -> str:
    return reverse(f"resources:{Kind(resource.kind).page}-card", args=[resource.pk])


def list_url(kind: Kind) -> str:
    return reverse(f"resources:{kind.page}")
