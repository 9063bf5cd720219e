"""Who may do what with one resource, over the API: its grants, Why?, and many questions at once."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router
from pydantic_core import to_json

from accounts.names import validate_name
from agora.base.access import only_reads, signed_in, signed_in_with
from agora.base.http import Request
from agora.base.pages import keyset_page
from resources.api.common import locked, valid
from resources.forms import WhyForm
from resources.models import Grant, Resource
from resources.permission_schemas import (
    Checked,
    CheckIn,
    GrantChange,
    GrantIn,
    GrantOut,
    GrantPage,
    GrantQuery,
    GrantsChange,
    GrantsIn,
    GrantsSaved,
    Why,
    WhyQuery,
    told,
)  # fmt: skip
from resources.roles import Action, ResourceRole
from resources.services.answers import Question, answer_all, explain
from resources.services.grants import Wanted, ids_of, replace_grants, save_grants
from resources.services.rules import check_recorded
from resources.views.common import permitted, visible
from rest.answers import JSON, IfMatch, etag, if_unchanged, listed, one
from rest.errors import Invalid
from rest.routes import problems

router = Router(tags=["Permissions"])
checks = Router(tags=["Permissions"])


@router.get("/{int:pk}/grants", response=GrantPage, operation_id="list_grants", summary="List a resource's grants")
@signed_in_with("Editor on it")
def grants(request: Request, pk: int, query: Query[GrantQuery]) -> HttpResponse:
    """Of any kind of resource. System administrators always have access and stand in no list."""
    resource, _decision = permitted(request, pk, Action.SEE_PERMISSIONS)
    rows = Grant.objects.on(resource).select_related("account")
    found = keyset_page(rows, order="account_id", params=request.GET, size=query.limit)

    def shown(**values: object) -> GrantPage:
        return GrantPage.model_construct(version=resource.permissions_version, **values)  # type: ignore[arg-type]

    answer = listed(request, shown, found, GrantOut.of)
    answer["ETag"] = etag(state(resource))
    return answer


@router.put("/{int:pk}/grants", response=GrantsSaved, operation_id="replace_grants", summary="Replace all grants")
@signed_in_with("Administrator on it")
@problems(409)
def replace(request: Request, pk: int, data: GrantsIn, if_match: IfMatch = None) -> HttpResponse:
    """All in one transaction: who is not in the list loses the grant."""

    def save(resource: Resource) -> list[str]:
        wanted = {account: one for account, one in read(request, resource, data.items).items() if one}
        return list(replace_grants(resource, wanted, version=resource.permissions_version, actor=request.actor))

    return saved(request, pk, if_match, save)


@router.patch("/{int:pk}/grants", response=GrantsSaved, operation_id="change_grants", summary="Change some grants")
@signed_in_with("Administrator on it")
@problems(409)
def change(request: Request, pk: int, data: GrantsChange, if_match: IfMatch = None) -> HttpResponse:
    """All in one transaction; the accounts that are not named keep theirs."""

    def save(resource: Resource) -> list[str]:
        wanted = read(request, resource, data.items)
        return list(save_grants(resource, wanted, version=resource.permissions_version, actor=request.actor))

    return saved(request, pk, if_match, save)


def saved(request: Request, pk: int, if_match: str | None, save: Callable[[Resource], list[str]]) -> HttpResponse:
    """Save as If-Match names the list, and tell its version now."""

    def act(resource: Resource) -> tuple[int, list[str]]:
        changed = save(resource)
        return resource.permissions_version + bool(changed), sorted(changed)

    # Not read again: whoever takes their own grant away does not see the resource any more.
    version, changed = if_unchanged(if_match, lambda: locked(request, None, pk), state, act)
    answer = GrantsSaved(version=version, changed=changed)
    return one(request, answer, tag=GrantsSaved(version=version, changed=[]))


def state(resource: Resource) -> GrantsSaved:
    """What the ETag of the list names."""
    return GrantsSaved(version=resource.permissions_version, changed=[])


def read(request: Request, resource: Resource, items: Sequence[GrantIn | GrantChange]) -> dict[int, Wanted | None]:
    """The grants that are wanted, by the account's id. Raises Invalid with the place of each that makes no sense."""
    check_recorded(request.actor, resource, Action.CHANGE_PERMISSIONS)
    ids = ids_of([item.account for item in items])
    ends = Grant.objects.on(resource).ends()
    wanted: dict[int, Wanted | None] = {}
    errors: list[dict[str, str]] = []
    for place, item in enumerate(items):
        pk = ids.get(item.account)
        if pk is None:
            errors.append(wrong(place, "account", "no_account", _("There is no such account.")))
        elif pk in wanted:
            errors.append(wrong(place, "account", "twice", _("This account is named twice.")))
        elif sentence := wrong_end(item.ends_at, request.actor.at, kept=ends.get(pk)):
            errors.append(wrong(place, "ends_at", "past", sentence))
        elif sentence := wrong_reason(item.reason):
            errors.append(wrong(place, "reason", "invalid", sentence))
        else:
            wanted[pk] = Wanted(ResourceRole(item.role), item.ends_at, item.reason.strip()) if item.role else None
    if errors:
        raise Invalid(errors)
    return wanted


def wrong(place: int, field: str, code: str, sentence: str) -> dict[str, str]:
    return {"field": f"items.{place}.{field}", "code": code, "message": sentence}


def wrong_end(ends_at: datetime | None, at: datetime, *, kept: datetime | None) -> str:
    """An end that is over is kept, not given."""
    if ends_at is None or ends_at == kept or (at < ends_at and ends_at.year < 3000):
        return ""
    return _("This end has passed, or is too far away. Choose one before the year 3000, or remove the grant.")


def wrong_reason(reason: str) -> str:
    try:
        validate_name(reason)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@router.get("/{int:pk}/why", response=Why, operation_id="why", summary="May somebody do this, and which fact decides?")
@signed_in_with("Editor on it, or the account its own")
def why(request: Request, pk: int, query: Query[WhyQuery]) -> HttpResponse:
    """The answer of the page Why?, true at this moment."""
    resource, decision = visible(request, pk)
    others = decision.allows(Action.SEE_PERMISSIONS)
    sent = {"account": query.account or decision.account.username, "action": query.action}
    form = valid(WhyForm(sent, only=None if others else decision.account))
    answer = explain(form.cleaned_data["account"], resource, Action(query.action), at=request.actor.at)
    return one(request, Why.of(answer, resource))


@checks.post("", response=Checked, operation_id="check", summary="Ask up to 1,000 such questions at once")
@only_reads
@signed_in
def check_all(request: Request, data: CheckIn) -> HttpResponse:
    """For media servers. Ask about yourself on what you see, about everybody on what you are Editor of."""
    questions = [Question(item.account, item.resource, Action(item.action)) for item in data.questions]
    answers = [told(answer, explain=data.explain) for answer in answer_all(questions, actor=request.actor)]
    return HttpResponse(to_json({"at": request.actor.at, "answers": answers}), content_type=JSON)
