"""Stream sessions over the API. They are opened by streamers, which report them."""

from django.http import HttpResponse
from ninja import Router

from agora.base.access import signed_in_with
from agora.base.http import Request
from resources.api import common
from resources.filters import SessionFilter
from resources.forms import SessionForm
from resources.roles import Action, Kind
from resources.schemas import StreamSessionPage, StreamSessionQuery, StreamSessionShown, TitleChange
from resources.services.stream_sessions import end_session
from resources.views.common import permitted
from rest.routes import problems

KIND = Kind.SESSION
router = Router(tags=["Stream sessions"])
common.operations(
    router,
    KIND,
    common.Schemas(StreamSessionQuery, StreamSessionPage, StreamSessionShown, TitleChange),
    SessionFilter,
    SessionForm,
    goes="With its recordings.",
)


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
