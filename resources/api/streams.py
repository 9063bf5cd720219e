"""Streams over the API."""

from django.http import HttpResponse
from ninja import Query, Router

from agora.base.access import requires, signed_in, signed_in_with
from agora.base.http import Request
from resources.api import common
from resources.filters import StreamFilter
from resources.forms import NewStreamForm, StreamForm
from resources.models import Resource
from resources.roles import Kind
from resources.schemas import StreamChange, StreamIn, StreamOut, StreamPage, StreamQuery
from resources.services.resources import create_stream
from resources.views.common import person
from rest.answers import IfMatch
from rest.idempotency import IdempotencyKey, once
from rest.routes import problems, tagged

KIND = Kind.STREAM
router = Router(tags=["Streams"])


@router.get("", response=StreamPage, operation_id="list_streams", summary="List streams")
@signed_in
def list_streams(request: Request, query: Query[StreamQuery]) -> HttpResponse:
    """Those that you may see."""
    return common.page(request, KIND, StreamFilter, query.limit, StreamPage, StreamOut)


@router.post("", response={201: StreamOut}, operation_id="create_stream", summary="Create a stream")
@requires("streams.create")
@problems(409)
def create(request: Request, data: StreamIn, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    """Of a streamer that you see; you become its Administrator."""

    def act() -> HttpResponse:
        streamers = Resource.objects.visible_to(person(request), at=request.actor.at, kind=Kind.STREAMER)
        form = common.valid(NewStreamForm(data.model_dump(), streamers=streamers))
        made = create_stream(**form.cleaned_data, actor=request.actor)
        return common.read(request, KIND, made.pk, StreamOut, status=201)

    return once(request, idempotency_key, act)


@router.get("/{int:pk}", response=StreamOut, operation_id="read_stream", summary="Read a stream")
@signed_in_with("Viewer on it")
@tagged
def read(request: Request, pk: int) -> HttpResponse:
    return common.read(request, KIND, pk, StreamOut)


@router.patch("/{int:pk}", response=StreamOut, operation_id="change_stream", summary="Change a stream")
@signed_in_with("Editor on it")
@problems(409)
def change(request: Request, pk: int, data: StreamChange, if_match: IfMatch = None) -> HttpResponse:
    return common.change(request, KIND, pk, data.model_dump(exclude_unset=True), StreamForm, StreamOut, if_match)


@router.api_operation(
    ["DELETE"], "/{int:pk}", response={204: None}, operation_id="delete_stream", summary="Delete a stream"
)
@signed_in_with("Editor on it and on everything below it")
@problems(409)
def delete(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    """With its sessions and recordings."""
    return common.remove(request, KIND, pk, StreamOut, if_match)
