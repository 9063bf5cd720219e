"""Ending a stream session."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from agora.base.access import signed_in_with
from agora.base.http import Request, next_url
from resources.roles import Action, Kind
from resources.services.stream_sessions import end_session
from resources.views.common import card_url, permitted


@signed_in_with("Editor on it")
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: Request, pk: int) -> HttpResponse:
    """Ask; then tell the streamer at its next contact."""
    resource, _decision = permitted(request, pk, Action.EDIT, Kind.SESSION)
    back = next_url(request, card_url(resource))
    if request.method == "POST":
        end_session(resource, actor=request.actor)
        messages.success(request, _("The streamer is told to end %(name)s.") % {"name": resource})
        return redirect(back)
    return render(request, "resources/stream_session_end.html", {"resource": resource, "next": back})
