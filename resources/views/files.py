"""Files of recordings, up and down."""

from typing import cast

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.http.request import UnreadablePostError
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.decorators import decorator_from_middleware
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from agora.base.access import requires, signed_in_with
from agora.base.http import Request
from resources.files import ToDisk, answer, path_of
from resources.forms import UploadForm
from resources.models import Resource
from resources.roles import Action, Kind
from resources.services.recordings import BrokenOff, check_file, disk_full, upload_recording
from resources.services.rules import by_now
from resources.views.common import card_url, list_url, permitted, person
from settings_admin.middleware import CsrfMiddleware

csrf_protect = decorator_from_middleware(CsrfMiddleware)


@requires("recordings.create")
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: Request) -> HttpResponse:
    """A recording from a file, written to the disk as it arrives.

    The usual check of the form's token would read the whole body into the default place, before anybody asked whether
    the person may upload. So the body is read here, by whom may, and the token is checked then.
    """
    handler = ToDisk(request)
    request.upload_handlers = [handler]
    try:
        try:
            request.POST  # noqa: B018 - reads the body
        except UnreadablePostError as error:
            raise BrokenOff from error
        except OSError as error:
            raise disk_full(error) from error
        return cast(HttpResponse, _checked(request))
    finally:
        handler.drop()


@csrf_protect
def _checked(request: Request) -> HttpResponse:
    session, stream = request.GET.get("session", ""), request.GET.get("stream", "")
    kind = Kind.SESSION if session else Kind.STREAM
    parents = Resource.objects.visible_to(person(request), at=request.actor.at, kind=kind)
    if session:  # there are too many to choose from: the one whose card led here
        parents = parents.numbered(session)
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    needed = bool(session) or not request.user.has_perm("recordings.change")
    form = UploadForm(*sent, parents=parents, parent_needed=needed, initial={"parent": session or stream})
    if request.method == "POST" and request.FILES and "whole" not in request.POST:
        raise BrokenOff
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        actor = by_now(request.actor, at=timezone.now())
        resource = upload_recording(values["title"], values["file"], parent=values["parent"], actor=actor)
        messages.success(request, _("%(name)s is uploaded.") % {"name": resource})
        return redirect(card_url(resource))
    context = {"form": form, "back": list_url(Kind.RECORDING)}
    return render(request, "resources/recording_new.html", context, status=422 if form.errors else 200)


@signed_in_with("Viewer on it")
@require_safe
def download(request: Request, pk: int) -> HttpResponseBase:
    """The file, whole or the range asked for."""
    resource, _decision = permitted(request, pk, Action.VIEW, Kind.RECORDING)
    check_file(resource)
    file = resource.recording
    return answer(request, path_of(pk), name=file.file_name or resource.label, checksum=file.checksum)
