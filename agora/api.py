"""The REST API, ``/api/v1/``: the routers of all apps, its schema, and the page that explains it."""

from typing import Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.api import me
from accounts.api import router as accounts
from agora.base.access import signed_in
from agora.base.http import Request
from api_keys.api import keys
from audit.api import router as audit
from resources.api.permissions import checks
from resources.api.permissions import router as permissions
from resources.api.recordings import router as recordings
from resources.api.stream_sessions import router as stream_sessions
from resources.api.streamers import router as streamers
from resources.api.streams import router as streams
from resources.streamer_api import router as streamer
from rest.described import described
from rest.routes import Api
from sessions_admin.api import router as sessions
from settings_admin.api import router as settings

api = Api(
    title="Agora",
    version="1",
    description="The same services, rules and audit as the pages. Times are UTC in ISO 8601.",
    openapi_url=None,
    docs_url=None,
    urls_namespace="api",
)
api.add_router("me", me)
api.add_router("me/keys", keys)
api.add_router("accounts", accounts)
api.add_router("sessions", sessions)
api.add_router("audit", audit)
api.add_router("settings", settings)
api.add_router("streamers", streamers)
api.add_router("streams", streams)
api.add_router("stream-sessions", stream_sessions)
api.add_router("recordings", recordings)
api.add_router("resources", permissions)
api.add_router("check", checks)
api.add_router("streamer", streamer)
SCHEMA: dict[str, Any] = api.schema()


@signed_in
@require_safe
def openapi(request: Request) -> JsonResponse:
    """The schema, for generators and tests."""
    return JsonResponse(SCHEMA)


@signed_in
@require_safe
def docs(request: Request) -> HttpResponse:
    """The schema for people: every operation with its access, parameters, fields and answers."""
    groups = described(SCHEMA)
    sections = [("how", _("How to call it")), *((group.id, group.title) for group in groups)]
    return render(request, "api/docs.html", {"groups": groups, "sections": sections})


urlpatterns = [path("openapi.json", openapi, name="openapi"), *api.patterns()]
app_name = "api"
