"""Stream sessions over the API. They are opened by streamers, which report them."""

from django.http import HttpResponse
from ninja import Query, Router

from agora.base.access import signed_in, signed_in_with
from agora.base.http import Request
from resources.api import common
from resources.filters import SessionFilter
from resources.forms import SessionForm
from resources.roles import Action, Kind
from resources.schemas import StreamSessionPage, StreamSessionQuery, StreamSessionShown, TitleChange
from resources.services.stream_sessions import end_session
from resources.views.common import permitted
from rest.answers import IfMatch
from rest.routes import problems, tagged

KIND = Kind.SESSION
router = Router(tags=["Stream sessions"])


@router.get("", response=StreamSessionPage, operation_id="list_stream_sessions", summary="List stream sessions")
@signed_in
def list_sessions(request: Request, query: Query[StreamSessionQuery]) -> HttpResponse:
    """Those that you may see, the newest first."""
    return common.page(request, KIND, SessionFilter, query.limit, StreamSessionPage, StreamSessionShown)


@router.get(
    "/{int:pk}", response=StreamSessionShown, operation_id="read_stream_session", summary="Read a stream session"
)
@signed_in_with("Viewer on it")
@tagged
def read(request: Request, pk: int) -> HttpResponse:
    return common.read(request, KIND, pk, StreamSessionShown)


@router.patch(
    "/{int:pk}", response=StreamSessionShown, operation_id="change_stream_session",
    summary="Change a stream session's title",
)  # fmt: skip
@signed_in_with("Editor on it")
@problems(409)
def change(request: Request, pk: int, data: TitleChange, if_match: IfMatch = None) -> HttpResponse:
    return common.change(request, KIND, pk, data.model_dump(), SessionForm, StreamSessionShown, if_match)


@router.post(
    "/{int:pk}/end", response=StreamSessionShown, operation_id="end_stream_session", summary="End a stream session"
)
@signed_in_with("Editor on it")
@problems(409)
def end(request: Request, pk: int) -> HttpResponse:
    """Its streamer is told at its next contact; until it says that it did, the state is "ending"."""
    resource, _decision = permitted(request, pk, Action.EDIT, KIND)
    end_session(resource, actor=request.actor)
    return common.read(request, KIND, pk, StreamSessionShown)


@router.api_operation(
    ["DELETE"], "/{int:pk}", response={204: None}, operation_id="delete_stream_session",
    summary="Delete a stream session",
)  # fmt: skip
@signed_in_with("Editor on it and on everything below it")
@problems(409)
def delete(request: Request, pk: int, if_match: IfMatch = None) -> HttpResponse:
    """With its recordings."""
    return common.remove(request, KIND, pk, StreamSessionShown, if_match)
