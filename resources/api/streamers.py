"""Streamers over the API."""

from django.http import HttpResponse
from ninja import Query, Router

from agora.base.access import requires, signed_in, signed_in_with
from agora.base.http import Request
from resources.api import common
from resources.filters import StreamerFilter
from resources.forms import StreamerForm
from resources.roles import Kind
from resources.schemas import StreamerChange, StreamerIn, StreamerOut, StreamerPage, StreamerQuery
from resources.services.resources import create_streamer
from rest.answers import IfMatch
from rest.idempotency import IdempotencyKey, once
from rest.routes import problems, tagged

KIND = Kind.STREAMER
router = Router(tags=["Streamers"])


@router.get("", response=StreamerPage, operation_id="list_streamers", summary="List streamers")
@signed_in
def list_streamers(request: Request, query: Query[StreamerQuery]) -> HttpResponse:
    """Those that you may see."""
    return common.page(request, KIND, StreamerFilter, query.limit, StreamerPage, StreamerOut)


@router.post("", response={201: StreamerOut}, operation_id="create_streamer", summary="Connect a streamer")
@requires("streamers.create")
def create(request: Request, data: StreamerIn, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    """You become its Administrator."""

    def act() -> HttpResponse:
        form = common.valid(StreamerForm({"name": data.hostname, **data.model_dump()}))
        made = create_streamer(**form.cleaned_data, actor=request.actor)
        return common.read(request, KIND, made.pk, StreamerOut, status=201)

    return once(request, idempotency_key, act)


@router.get("/{int:pk}", response=StreamerOut, operation_id="read_streamer", summary="Read a streamer")
@signed_in_with("Viewer on it")
@tagged
def read(request: Request, pk: int) -> HttpResponse:
    return common.read(request, KIND, pk, StreamerOut)


@router.patch("/{int:pk}", response=StreamerOut, operation_id="change_streamer", summary="Change a streamer")
@signed_in_with("Editor on it")
@problems(409)
def change(request: Request, pk: int, data: StreamerChange, if_match: IfMatch = None) -> HttpResponse:
    sent = data.model_dump(exclude_unset=True)
    if "hostname" in sent:
        sent["name"] = sent.pop("hostname")
    return common.change(request, KIND, pk, sent, StreamerForm, StreamerOut, if_match)


@router.api_operation(
    ["DELETE"], "/{int:pk}", response={204: None}, operation_id="delete_streamer", summary="Delete a streamer"
)
@signed_in_with("Editor on it and on everything below it")
@problems(409)
def delete(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    """With its streams, their sessions and recordings."""
    return common.remove(request, KIND, pk, StreamerOut, if_match)
