"""The API as Django views: each path's methods with the access that they declare, errors as problem details."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as WrongTypes
from ninja.operation import Operation, PathView

from agora.base.access import Access, declared
from agora.base.errors import problem
from rest.errors import Invalid, Problem, from_django, invalid, wrong_http, wrong_types

# Every answer may be one of these: a damaged request, nobody, a refusal, too many requests.
ALWAYS = (400, 401, 403, 429)
View = Callable[..., HttpResponseBase]


class Api(NinjaAPI):
    """django-ninja's, whose errors are problems and whose access is declared on each operation as on a page."""

    def set_default_exception_handlers(self) -> None:
        """Refusals, 404 and what broke go on to the same handlers as from pages."""
        self.add_exception_handler(Invalid, invalid)  # type: ignore[arg-type]
        self.add_exception_handler(ValidationError, from_django)  # type: ignore[arg-type]
        self.add_exception_handler(WrongTypes, wrong_types)  # type: ignore[arg-type]
        self.add_exception_handler(HttpError, wrong_http)  # type: ignore[arg-type]

    def patterns(self) -> list[URLPattern]:
        """The addresses, with views of our own in place of django-ninja's."""
        found = []
        for router in self._get_bound_routers():
            for route, path_view in router.path_operations.items():
                address = "/".join(part.strip("/") for part in (router.prefix, route) if part.strip("/"))
                name = re.sub(r"\W+", "-", re.sub(r"\{[^}]*\}", "one", address)).strip("-")
                found.append(path(re.sub(r"\{(\w+):(\w+)\}", r"<\1:\2>", address), view_of(path_view), name=name))
        return found

    def schema(self) -> dict[str, Any]:
        """OpenAPI 3.1 with what is true of every operation: who may call it, how it fails, which headers come along."""
        schema: dict[str, Any] = dict(self.get_openapi_schema(path_prefix="api/v1/"))
        schemas = schema["components"]["schemas"]
        for model in Problem.model_json_schema(ref_template="#/components/schemas/{model}").pop("$defs").items():
            schemas.setdefault(*model)
        own = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        own.pop("$defs")
        schemas["Problem"] = own
        schema["components"]["securitySchemes"] = SECURITY
        schema["security"] = [{name: []} for name in SECURITY if name != "MachineKey"]
        for router in self._get_bound_routers():
            for path_view in router.path_operations.values():
                for operation in path_view.operations:
                    self._complete(schema, operation)
        return schema

    def _complete(self, schema: dict[str, Any], operation: Operation) -> None:
        wanted = operation.operation_id or self.get_openapi_operation_id(operation)
        for methods in schema["paths"].values():
            for described in methods.values():
                if described["operationId"] == wanted:
                    complete(described, operation)


SECURITY = {
    "ApiKey": {"type": "http", "scheme": "bearer", "description": "An API key of your profile: agora_…"},
    "Session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "agora_session",
        "description": "A signed-in browser. Changes need the page's token in the header X-CSRFToken.",
    },
    "MachineKey": {"type": "http", "scheme": "bearer", "description": "A configuration key: agora_streamer_…"},
}


def complete(described: dict[str, Any], operation: Operation) -> None:
    """Access, failures and headers of one operation's description."""
    access = declared(operation.view_func)
    described["x-access"] = str(access)
    if access.machine:
        described["security"] = [{"MachineKey": []}]
    described["description"] = "\n\n".join(filter(None, [described.get("description", ""), f"Access: {access}."]))
    statuses = {*ALWAYS, *getattr(operation.view_func, "problems", ())}
    if operation.path.count("{"):
        statuses.add(404)
    if described.get("parameters") or "requestBody" in described:
        statuses.add(422)
    if "application/json" in described.get("requestBody", {}).get("content", {}):
        statuses.add(413)
    names = {parameter["name"] for parameter in described.get("parameters", ())}
    if "If-Match" in names:
        statuses.add(412)
    answers = {str(status): answer for status, answer in described["responses"].items()}
    for status in sorted(statuses):
        answers[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    if getattr(operation.view_func, "tagged", False) and "GET" in operation.methods:
        answers["304"] = {"description": "Not Modified: If-None-Match names the present ETag."}
    for answer in answers.values():
        answer["headers"] = HEADERS
    described["responses"] = dict(sorted(answers.items()))


HEADERS = {
    "X-Request-Id": {"description": "Names this request in the server's logs.", "schema": {"type": "string"}},
    "RateLimit": {"description": "What is left of the limit, and for how many seconds.", "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": "Requests allowed in so many seconds.", "schema": {"type": "string"}},
}


def problems(*statuses: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare how an operation can fail besides the usual ways: 409 for a refusal that depends on the state."""

    def mark(view: Callable[..., Any]) -> Callable[..., Any]:
        view.problems = statuses  # type: ignore[attr-defined]
        return view

    return mark


def tagged(view: Callable[..., Any]) -> Callable[..., Any]:
    """Declare that the answer has an ETag and honours If-None-Match."""
    view.tagged = True  # type: ignore[attr-defined]
    return view


def view_of(path_view: PathView) -> View:
    """One Django view for the methods of a path. Not exempt from CSRF: only a browser's session is asked for it."""
    operations = {method: operation for operation in path_view.operations for method in operation.methods}
    if "GET" in operations:
        operations["HEAD"] = operations["GET"]  # RFC 9110, section 9.3.2: whatever answers GET answers HEAD

    def view(request: HttpRequest, **values: Any) -> HttpResponseBase:
        operation = operations.get(request.method or "")
        if operation is None:
            return not_allowed(request, operations)
        return operation.run(request, **values)

    view.access = {method: declared(operation.view_func) for method, operation in operations.items()}  # type: ignore[attr-defined]
    return view


def not_allowed(request: HttpRequest, operations: Mapping[str, Operation]) -> HttpResponse:
    answer = problem(request, 405, "method_not_allowed", _("This address has no such method; see the header Allow."))
    answer["Allow"] = ", ".join(sorted(operations))
    return answer


def access_of(view: Any) -> dict[str, Access]:
    """What each method of an API view declares; empty for a page."""
    access = getattr(view, "access", None)
    return dict(access) if isinstance(access, Mapping) else {}
