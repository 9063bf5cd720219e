"""Streams over the API."""

from django.http import HttpResponse
from ninja import Router

from agora.base.access import requires, signed_in_with
from agora.base.http import Request
from resources.api import common
from resources.filters import StreamFilter
from resources.forms import NewStreamForm, StreamForm
from resources.models import Input, Push, Resource
from resources.roles import Kind
from resources.schemas import Ends, EndShown, NewStream, StreamChange, StreamPage, StreamQuery, StreamShown, StreamState
from resources.services.resources import create_stream
from resources.views.common import person, visible
from rest.answers import one
from rest.idempotency import IdempotencyKey, once
from rest.routes import problems, tagged

KIND = Kind.STREAM
router = Router(tags=["Streams"])
common.operations(
    router,
    KIND,
    common.Schemas(StreamQuery, StreamPage, StreamShown, StreamChange),
    StreamFilter,
    StreamForm,
    goes="With its sessions and recordings.",
)


@router.post("", response={201: StreamShown}, operation_id="create_stream", summary="Create a stream")
@requires("streams.create")
@problems(409)
def create(request: Request, data: NewStream, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    """Of a streamer that you see; you become its Administrator."""

    def act() -> HttpResponse:
        streamers = Resource.objects.visible_to(person(request), at=request.actor.at, kind=Kind.STREAMER)
        form = common.valid(NewStreamForm(data.model_dump(), streamers=streamers))
        made = create_stream(**form.cleaned_data, actor=request.actor)
        return common.read(request, KIND, made.pk, StreamShown, status=201)

    return once(request, idempotency_key, act)


@router.get("/{int:pk}/ends", response=Ends, operation_id="list_ends", summary="List a stream's inputs and pushes")
@signed_in_with("Viewer on it")
@tagged
def ends(request: Request, pk: int) -> HttpResponse:
    """With what its streamer said of each; passphrases are never shown."""
    resource, _decision = visible(request, pk, KIND)
    inputs = [EndShown.of(end) for end in Input.objects.of_stream(resource.pk).select_related("device")]
    pushes = [EndShown.of(end) for end in Push.objects.of_stream(resource.pk)]
    return one(request, Ends(inputs=inputs, pushes=pushes))


@router.get("/{int:pk}/state", response=StreamState, operation_id="read_stream_state", summary="Read its state")
@signed_in_with("Viewer on it")
@tagged
def state(request: Request, pk: int) -> HttpResponse:
    """What its streamer reported, apart from what it is, so that its ETag stays meanwhile."""
    resource, _decision = visible(request, pk, KIND)
    return one(request, StreamState.of(resource.stream))
