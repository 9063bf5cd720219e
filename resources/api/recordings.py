"""Recordings over the API, their files as bodies."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from ninja import Query, Router

from agora.base.access import requires, signed_in_with
from agora.base.http import Request
from resources.api import common
from resources.bodies import received
from resources.files import answer, path_of
from resources.filters import RecordingFilter
from resources.forms import NewRecordingForm, RecordingForm
from resources.models import Resource
from resources.roles import Kind
from resources.schemas import RecordingPage, RecordingQuery, RecordingShown, TitleChange, Upload
from resources.services.recordings import check_file, upload_recording
from resources.services.rules import by_now
from resources.streamer_api import without_unseen
from resources.views.common import person, visible
from rest.routes import problems, tagged

KIND = Kind.RECORDING
FILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
router = Router(tags=["Recordings"])
common.operations(
    router,
    KIND,
    common.Schemas(RecordingQuery, RecordingPage, RecordingShown, TitleChange),
    RecordingFilter,
    RecordingForm,
    goes="With its file, for ever.",
)


@router.post(
    "", response={201: RecordingShown}, operation_id="upload_recording", summary="Upload a recording",
    openapi_extra={"requestBody": {"required": True, "content": FILE}},
)  # fmt: skip
@requires("recordings.create")
@problems(409, 411, 415, 507)
def upload(request: Request, query: Query[Upload]) -> HttpResponse:
    """The body is the file, of any size, with Content-Length; with Content-Digest (RFC 9530, sha-256) what arrives is
    compared. Without a parent only for those who edit all recordings."""
    without_unseen(file_name=query.file_name)
    parents = Resource.objects.visible_to(person(request), at=request.actor.at).recorded_from(query.parent)
    free = request.user.has_perm("recordings.change")
    form = common.valid(NewRecordingForm(query.model_dump(), parents=parents, parent_needed=not free))
    title, parent = form.cleaned_data["title"], form.cleaned_data["parent"]
    with received(request, query.file_name or query.title) as file:
        made = upload_recording(title, file, parent=parent, actor=by_now(request.actor, at=timezone.now()))
    return common.read(request, KIND, made.pk, RecordingShown, status=201)


@router.get(
    "/{int:pk}/file", operation_id="download_recording", summary="Download a recording's file",
    openapi_extra={
        "responses": {
            200: {"description": "The file.", "content": FILE},
            206: {"description": "The part that the header Range asks for.", "content": FILE},
            416: {"description": "The file has no such part."},
        }
    },
)  # fmt: skip
@signed_in_with("Viewer on it")
@problems(409)
@tagged
def download(request: Request, pk: int) -> HttpResponseBase:
    """Whole, or the range asked for; its ETag is its checksum."""
    resource, _decision = visible(request, pk, KIND)
    check_file(resource)
    file: Any = resource.recording
    return answer(request, path_of(pk), name=file.file_name or resource.label, checksum=file.checksum)
