"""A new streamer, and a new stream of a streamer."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agora.base.access import requires
from agora.base.http import Request
from resources.forms import NewStreamForm, StreamerForm
from resources.models import Resource
from resources.roles import Kind
from resources.services.resources import create_stream, create_streamer
from resources.views.common import card_url, list_url, person


@requires("streamers.create")
@require_http_methods(["GET", "HEAD", "POST"])
def streamer(request: Request) -> HttpResponse:
    form = StreamerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            resource = create_streamer(**form.cleaned_data, actor=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(name)s is connected.") % {"name": resource})
            return redirect(card_url(resource))
    context = {"form": form, "back": list_url(Kind.STREAMER)}
    return render(request, "resources/streamer_new.html", context, status=422 if form.errors else 200)


@requires("streams.create")
@require_http_methods(["GET", "HEAD", "POST"])
def stream(request: Request) -> HttpResponse:
    """Of a streamer that the person sees; ``streamer`` in the address chooses one beforehand."""
    streamers = Resource.objects.visible_to(person(request), at=request.actor.at, kind=Kind.STREAMER)
    sent = request.POST if request.method == "POST" else None
    form = NewStreamForm(sent, streamers=streamers, initial={"streamer": request.GET.get("streamer", "")})
    if request.method == "POST" and form.is_valid():
        try:
            resource = create_stream(**form.cleaned_data, actor=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(name)s is created.") % {"name": resource})
            return redirect(card_url(resource))
    context = {"form": form, "back": list_url(Kind.STREAM), "none": not streamers.exists()}
    return render(request, "resources/stream_new.html", context, status=422 if form.errors else 200)
