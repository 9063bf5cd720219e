"""The REST API, ``/api/v1/``: the routers of all apps, its schema, and the page that explains it."""

from django.http import JsonResponse
from django.urls import path
from django.views.decorators.http import require_safe

from accounts.api import me
from agora.base.access import signed_in
from agora.base.http import Request
from api_keys.api import keys
from rest.routes import Api

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


@signed_in
@require_safe
def openapi(request: Request) -> JsonResponse:
    """The schema, for generators and tests."""
    return JsonResponse(SCHEMA)


urlpatterns = [path("openapi.json", openapi, name="openapi"), *api.patterns()]
SCHEMA = api.schema()
app_name = "api"
