"""What the operations of all kinds share: the list, and one to read, to change, to delete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router
from pydantic import BaseModel

from agora.base.access import signed_in, signed_in_with
from agora.base.filters import ListFilter
from agora.base.http import Request
from audit.services import values_of
from resources.models import Resource
from resources.roles import CHILDREN, Action, Kind
from resources.schemas import ResourceShown
from resources.services.resources import OWN, change_resource, delete_resource
from resources.services.rules import check_recorded, effective_role, effective_roles
from resources.views.common import person, visible
from rest.answers import Body, IfMatch, Listed, checked, if_unchanged, listed, one
from rest.errors import Invalid
from rest.routes import problems, tagged

Out = type[ResourceShown]
F = TypeVar("F", bound=forms.Form)


@dataclass(frozen=True)
class Schemas:
    """What a list of the kind is asked with and answers, one of them, and what changes it."""

    query: type[Listed]
    page: type[BaseModel]
    out: Out
    change: type[Body]


def operations(
    router: Router, kind: Kind, schemas: Schemas, filters: type[ListFilter], form: type[forms.Form], *, goes: str = ""
) -> None:
    """List, read, change and delete, alike for every kind. ``goes``: what a deletion takes along."""
    noun = kind.value.replace("_", " ")
    query, body = schemas.query, schemas.change

    @router.get("", response=schemas.page, operation_id=f"list_{kind}s", summary=f"List {noun}s")
    @signed_in
    def list_all(request: Request, query: Query[query]) -> HttpResponse:  # type: ignore[valid-type]
        """Those that you may see."""
        rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=kind).with_facts(kind)
        found = checked(filters(request.GET, queryset=rows)).page(query.limit)  # type: ignore[attr-defined]
        decisions = effective_roles(person(request), found.rows, at=request.actor.at)
        return listed(request, schemas.page, found, lambda resource: schemas.out.of(resource, decisions[resource.pk]))

    @router.get("/{int:pk}", response=schemas.out, operation_id=f"read_{kind}", summary=f"Read a {noun}")
    @signed_in_with("Viewer on it")
    @tagged
    def read_one(request: Request, pk: int) -> HttpResponse:
        return read(request, kind, pk, schemas.out)

    @router.patch("/{int:pk}", response=schemas.out, operation_id=f"change_{kind}", summary=f"Change a {noun}")
    @signed_in_with("Editor on it")
    @problems(409)
    def change_one(request: Request, pk: int, data: body, if_match: IfMatch = None) -> HttpResponse:  # type: ignore[valid-type]
        sent = data.model_dump(exclude_unset=True, by_alias=True)  # type: ignore[attr-defined]
        with named_as_in(body):
            return change(request, kind, pk, sent, form, schemas.out, if_match)

    def delete_one(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
        return remove(request, kind, pk, schemas.out, if_match)

    delete_one.__doc__ = goes
    below = " and on everything below it" if CHILDREN[kind] else ""
    router.api_operation(
        ["DELETE"], "/{int:pk}", response={204: None}, operation_id=f"delete_{kind}", summary=f"Delete a {noun}"
    )(signed_in_with(f"Editor on it{below}")(problems(409)(delete_one)))


@contextmanager
def named_as_in(schema: type[BaseModel]) -> Iterator[None]:
    """What is wrong stands under the schema's names of fields, where the form has others. Raises Invalid."""
    names = {field.serialization_alias: name for name, field in schema.model_fields.items()}
    try:
        yield
    except (ValidationError, Invalid) as error:
        found = error if isinstance(error, Invalid) else Invalid.found(error)
        raise Invalid([one | {"field": names.get(one["field"], one["field"])} for one in found.errors]) from error


def read(request: Request, kind: Kind, pk: int, out: Out, *, status: int = 200) -> HttpResponse:
    """404 where this person may not see it."""
    location = reverse(f"api:{kind.page}-one", args=[pk]) if status == 201 else ""
    return one(request, out.of(*visible(request, pk, kind)), status=status, location=location)


def change(
    request: Request, kind: Kind, pk: int, sent: dict[str, Any], form: type[forms.Form], out: Out, if_match: str | None
) -> HttpResponse:
    """Change what was sent, as If-Match names it. Raises MayNot, ChangedSince, Invalid."""

    def act(resource: Resource) -> None:
        names = list(form.base_fields)
        present = values_of(resource, [name for name in names if name in OWN])
        present |= values_of(getattr(resource, kind.value), [name for name in names if name not in OWN])
        filled = form(present | sent)
        if not filled.is_valid():
            check_recorded(request.actor, resource, Action.EDIT)  # who may not is not told what else would be wrong
            raise Invalid.form(filled)
        change_resource(resource, filled.cleaned_data, actor=request.actor)

    if_unchanged(if_match, lambda: locked(request, kind, pk), lambda resource: shown(request, resource, out), act)
    return read(request, kind, pk, out)


def remove(request: Request, kind: Kind, pk: int, out: Out, if_match: str | None) -> HttpResponse:
    """Delete it and everything below it. Raises MayNot, PartNotYours, ChangedSince."""
    if_unchanged(
        if_match,
        lambda: locked(request, kind, pk),
        lambda resource: shown(request, resource, out),
        lambda resource: delete_resource(resource, actor=request.actor),
    )
    return HttpResponse(status=204)


def shown(request: Request, resource: Resource, out: Out) -> ResourceShown:
    return out.of(resource, effective_role(person(request), resource, at=request.actor.at))


def locked(request: Request, kind: Kind | None, pk: int) -> Resource:
    """The resource, its row locked until the transaction ends. 404 where this person may not see it."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=kind).with_facts(kind)
    return get_object_or_404(rows.select_for_update(of=("self",), no_key=True), pk=pk)


def valid(form: F) -> F:
    """Raises Invalid with the sentences of the page."""
    if not form.is_valid():
        raise Invalid.form(form)
    return form
