"""What is wrong with a request, field by field, as problem details."""

from typing import Any

from django.core.exceptions import ValidationError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
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
        return cls.found(ValidationError(form.errors.as_data()))

    @classmethod
    def found(cls, error: ValidationError, field: str = "") -> "Invalid":
        """The same of what a service raised; what it says of no field is about ``field``."""
        named = getattr(error, "error_dict", None) or {field: error.error_list}
        return cls(
            [
                _field(field if name == "__all__" else name, one.code or "invalid", text)
                for name, errors in named.items()
                for one in errors
                for text in one.messages
            ]
        )


def _field(field: str, code: str, message: str) -> dict[str, str]:
    return {"field": field, "code": code, "message": str(message)}


def invalid(request: HttpRequest, error: Invalid) -> HttpResponse:
    sentence = " ".join(dict.fromkeys(one["message"] for one in error.errors))
    return problem(request, 422, "invalid", sentence, errors=error.errors)


def from_django(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """What a service found wrong."""
    return invalid(request, Invalid.found(error))


def wrong_types(request: HttpRequest, error: WrongTypes) -> HttpResponse:
    """What is not even of the right type, such as a text where a number belongs."""
    errors = []
    for one in error.errors:
        place: list[Any] = [part for part in one["loc"] if part not in ("body", "query", "path", "header", "data")]
        errors.append(_field(".".join(str(part) for part in place), *told(str(one["type"]), one.get("ctx", {}))))
    return invalid(request, Invalid(errors))


# What pydantic finds, as the code and the sentence of a form's field; the codes are Django's where it has one.
FOUND = {
    "missing": ("required", _("This field is required.")),
    "extra_forbidden": ("unknown", _("There is no such field here. Check how it is spelled.")),
    "string_type": ("text", _("Send a text.")),
    "string_unicode": ("text", _("Send a text without damaged characters.")),
    "string_too_long": ("max_length", _("Send at most %(max_length)s characters.")),
    "string_too_short": ("min_length", _("Send at least %(min_length)s characters.")),
    "too_long": ("max_length", _("Send at most %(max_length)s of these.")),
    "too_short": ("min_length", _("Send at least %(min_length)s of these.")),
    "greater_than_equal": ("min_value", _("Send a number of at least %(ge)s.")),
    "less_than_equal": ("max_value", _("Send a number of at most %(le)s.")),
    "literal_error": ("invalid_choice", _("Choose one of these: %(expected)s.")),
    "finite_number": ("number", _("Send a number.")),
    "list_type": ("list", _("Send a list.")),
    "timezone_aware": ("time", _("Send the time with its offset, such as 2030-01-31T12:00:00Z.")),
}
KINDS = {
    "bool": ("boolean", _("Send true or false.")),
    "int": ("number", _("Send a whole number.")),
    "float": ("number", _("Send a number.")),
    "datetime": ("time", _("Send a time such as 2030-01-31T12:00:00Z.")),
    "date": ("date", _("Send a day such as 2030-01-31.")),
    "dict": ("object", _("Send a JSON object.")),
    "model": ("object", _("Send a JSON object.")),
}
OTHER = ("invalid", _("This value is not valid here. See the description of the API."))


def told(kind: str, facts: dict[str, Any]) -> tuple[str, str]:
    """Our code and sentence for what pydantic calls ``kind``: its words may change with any version."""
    if kind == "string_too_short" and facts.get("min_length") == 1:
        kind = "missing"
    code, sentence = FOUND.get(kind) or KINDS.get(kind.partition("_")[0]) or OTHER
    return code, str(sentence) % facts


def wrong_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that can't be read."""
    sentence = _("The body is not JSON. Send a JSON object as UTF-8.")
    return problem(request, error.status_code, "bad_request", str(sentence))
