"""Streamers over the API."""

from django.http import HttpResponse
from ninja import Router

from agora.base.access import requires, signed_in_with
from agora.base.http import Request
from resources.api import common
from resources.filters import StreamerFilter
from resources.forms import StreamerForm
from resources.models import Device
from resources.roles import Kind
from resources.schemas import (
    Devices,
    DeviceShown,
    NewStreamer,
    StreamerChange,
    StreamerPage,
    StreamerQuery,
    StreamerShown,
    StreamerState,
)  # fmt: skip
from resources.services.resources import create_streamer
from resources.views.common import person, visible
from rest.answers import one
from rest.idempotency import IdempotencyKey, once
from rest.routes import tagged

KIND = Kind.STREAMER
router = Router(tags=["Streamers"])
common.operations(
    router,
    KIND,
    common.Schemas(StreamerQuery, StreamerPage, StreamerShown, StreamerChange),
    StreamerFilter,
    StreamerForm,
    goes="With its streams, their sessions and recordings.",
)


@router.post("", response={201: StreamerShown}, operation_id="create_streamer", summary="Connect a streamer")
@requires("streamers.create")
def create(request: Request, data: NewStreamer, idempotency_key: IdempotencyKey = None) -> HttpResponse:
    """You become its Administrator."""

    def act() -> HttpResponse:
        with common.named_as_in(NewStreamer):
            form = common.valid(StreamerForm(data.model_dump(by_alias=True)))
            made = create_streamer(**form.cleaned_data, actor=request.actor)
        return common.read(request, KIND, made.pk, StreamerShown, status=201)

    return once(request, idempotency_key, act)


@router.get("/{int:pk}/state", response=StreamerState, operation_id="read_streamer_state", summary="Read its state")
@signed_in_with("Viewer on it")
@tagged
def state(request: Request, pk: int) -> HttpResponse:
    """Load and last contact, apart from what it is, so that its ETag stays while it reports."""
    resource, _decision = visible(request, pk, KIND)
    return one(request, StreamerState.of(resource.streamer, request.actor.at))


@router.get("/{int:pk}/devices", response=Devices, operation_id="list_devices", summary="List a streamer's devices")
@signed_in_with("Viewer on it")
@tagged
def devices(request: Request, pk: int) -> HttpResponse:
    """All of them, by name."""
    resource, _decision = visible(request, pk, KIND)
    rows = Device.objects.visible_to(person(request), at=request.actor.at).of_streamer(resource.pk)
    return one(request, Devices(items=[DeviceShown.of(device) for device in rows]))
