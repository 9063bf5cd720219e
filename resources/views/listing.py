"""The lists: Connected Applications and Stream Configuration."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from agora.base.access import signed_in
from agora.base.http import Request
from resources.filters import RecordingFilter, StreamerFilter, StreamFilter
from resources.models import Resource
from resources.roles import Kind
from resources.views.common import lines, person


@signed_in
@require_safe
def streamers(request: Request) -> HttpResponse:
    """Every streamer that the person may see."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=Kind.STREAMER).with_facts()
    filters = StreamerFilter(request.GET, queryset=rows)
    page = filters.page()
    context = {"filters": filters, "page": page, "lines": lines(request, page.rows), "here": request.get_full_path()}
    return render(request, "resources/streamers.html", context)


@signed_in
@require_safe
def streams(request: Request) -> HttpResponse:
    """Every stream that the person may see."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=Kind.STREAM).with_facts()
    filters = StreamFilter(request.GET, queryset=rows)
    page = filters.page()
    context = {"filters": filters, "page": page, "lines": lines(request, page.rows), "here": request.get_full_path()}
    return render(request, "resources/streams.html", context)


@signed_in
@require_safe
def recordings(request: Request) -> HttpResponse:
    """Every recording that the person may see."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at, kind=Kind.RECORDING).with_facts()
    filters = RecordingFilter(request.GET, queryset=rows)
    page = filters.page()
    context = {"filters": filters, "page": page, "lines": lines(request, page.rows), "here": request.get_full_path()}
    return render(request, "resources/recordings.html", context)
