"""What is wrong with a request, field by field, as problem details."""

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Schema
from ninja.errors import HttpError
from ninja.errors import ValidationError as WrongTypes
from pydantic import Field

from agora.base.errors import problem


class FieldProblem(Schema):
    """One field that is wrong."""

    field: str = Field(description="Name of the field or parameter; empty when it is about all of them.")
    code: str
    message: str = Field(description="The sentence that the page would show.")


class Problem(Schema):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str = Field(description="Stable: scripts may rely on it.")
    detail: str = Field(description="The sentence that the page would show.")
    request_id: str = Field(description="Also in the header X-Request-Id and in the server's logs.")
    errors: list[FieldProblem] = []


class Invalid(Exception):
    """Fields that a form found wrong: 422."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        self.errors = errors
        super().__init__(errors)

    @classmethod
    def form(cls, form: BaseForm) -> "Invalid":
        """The form's own sentences, which are those of the page."""
        found = []
        for name, errors in form.errors.as_data().items():
            for error in errors:
                field = "" if name == "__all__" else name
                found += [_field(field, error.code or "invalid", text) for text in error.messages]
        return cls(found)


def _field(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": str(message)}


def invalid(request: HttpRequest, error: Invalid) -> HttpResponse:
    sentence = " ".join(dict.fromkeys(one["message"] for one in error.errors))
    return problem(request, 422, "invalid", sentence, errors=error.errors)


def from_django(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What a service found wrong."""
    if not hasattr(error, "error_dict"):
        return invalid(request, Invalid([_field("", error.code or "invalid", text) for text in error.messages]))
    return invalid(
        request,
        Invalid(
            [
                _field("" if name == "__all__" else name, one.code or "invalid", text)
                for name, errors in error.error_dict.items()
                for one in errors
                for text in one.messages
            ]
        ),
    )


def wrong_types(request: HttpRequest, error: WrongTypes) -> HttpResponse:
    """What is not even of the right type, such as a text where a number belongs."""
    errors = []
    for one in error.errors:
        place: list[Any] = [part for part in one["loc"] if part not in ("body", "query", "path", "header", "data")]
        field = ".".join(str(part) for part in place)
        errors.append(_field(field, str(one["type"]), f"{field or 'body'}: {one['msg']}."))
    return invalid(request, Invalid(errors))


def wrong_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that can't be read."""
    sentence = _("The body is not JSON. Send a JSON object as UTF-8.")
    return problem(request, error.status_code, "bad_request", sentence)
