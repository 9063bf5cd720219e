"""The lists: Connected Applications, Stream Configuration, Sessions and Recordings."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agora.base.access import signed_in
from agora.base.http import Request
from resources.filters import FILTERS
from resources.models import Resource
from resources.roles import Kind
from resources.views.common import lines, person


@signed_in
@require_safe
def resources(request: Request, kind: Kind) -> HttpResponse:
    """Every resource of the kind that the person may see."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=kind).with_facts(kind)
    filters = FILTERS[kind](request.GET, queryset=rows)
    filters.seen = Resource.objects.visible_to(person(request), at=request.actor.at)
    page = filters.page()
    context = {
        "filters": filters,
        "page": page,
        "lines": lines(request, page.rows),
        "here": request.get_full_path(),
    }
    return render(request, f"resources/{kind.permissions}.html", context)
