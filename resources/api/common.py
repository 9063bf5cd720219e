"""What the operations of all kinds share: a page of a list, one to read, to change, to delete."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from pydantic import BaseModel

from agora.base.filters import ListFilter
from agora.base.http import Request
from audit.services import values_of
from resources.models import Resource
from resources.roles import Action, Kind
from resources.schemas import ResourceShown
from resources.services.resources import OWN, change_resource, delete_resource
from resources.services.rules import check, effective_role, effective_roles
from resources.views.common import PAGES, person, visible
from rest.answers import checked, if_unchanged, listed, one
from rest.errors import Invalid

Out = type[ResourceShown]
F = TypeVar("F", bound=forms.Form)


def page(
    request: Request, kind: Kind, filters: type[ListFilter], limit: int, shown: Callable[..., BaseModel], out: Out
) -> HttpResponse:
    """By filter and order, each with the asking account's role."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=kind).with_facts(kind)
    found = checked(filters(request.GET, queryset=rows)).page(limit)
    decisions = effective_roles(person(request), found.rows, at=request.actor.at)
    return listed(request, shown, found, lambda resource: out.of(resource, decisions[resource.pk]))


def read(request: Request, kind: Kind, pk: int, out: Out, *, status: int = 200) -> HttpResponse:
    """404 where this person may not see it."""
    location = reverse(f"api:{PAGES[kind]}-one", args=[pk]) if status == 201 else ""
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
            check(request.actor, resource, Action.EDIT)  # who may not is not told what else would be wrong
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
    return get_object_or_404(rows.select_for_update(of=("self",)), pk=pk)


def valid(form: F) -> F:
    """Raises Invalid with the sentences of the page."""
    if not form.is_valid():
        raise Invalid.form(form)
    return form
