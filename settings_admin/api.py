"""The server's settings over the API: the page General."""

from datetime import timedelta
from typing import Any, Literal

from django.forms import model_to_dict
from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import Field

from agora.base.access import requires
from agora.base.http import Request
from rest.answers import Body, IfMatch, if_unchanged, one
from rest.errors import Invalid
from rest.routes import problems, tagged
from settings_admin.forms import GeneralForm
from settings_admin.models import ServerSettings
from settings_admin.services import GENERAL, change_general

router = Router(tags=["Settings"])
MINUTE = timedelta(minutes=1)
LIMITS = ("idle_limit", "absolute_limit")  # whole minutes here


class General(Schema):
    """The page General."""

    hostname: str
    allow_registration: bool
    two_factor_required: bool
    allow_api_keys: bool
    send_error_mails: bool
    error_recipients: str
    allow_feedback: bool
    zip_stream: bool
    max_download_gb: Literal[1, 5, 10, 20]
    idle_limit: int = Field(description="Minutes.")
    absolute_limit: int = Field(description="Minutes.")

    @classmethod
    def of(cls, row: ServerSettings) -> "General":
        values = {name: getattr(row, name) for name in GENERAL}
        return cls.model_construct(**values | {name: values[name] // MINUTE for name in LIMITS})


class GeneralChange(Body):
    """What is left out stays as it is."""

    hostname: str = Field("", min_length=1, max_length=260)
    allow_registration: bool = False
    two_factor_required: bool = False
    allow_api_keys: bool = False
    send_error_mails: bool = False
    error_recipients: str = Field("", max_length=2000)
    allow_feedback: bool = False
    zip_stream: bool = False
    max_download_gb: Literal[1, 5, 10, 20] = 5
    idle_limit: int = Field(480, ge=5, le=525_600, description="Minutes.")
    absolute_limit: int = Field(10_080, ge=5, le=525_600, description="Minutes.")


@router.get("/general", response=General, operation_id="read_general", summary="Read the settings of the server")
@requires("settings.change")
@tagged
def read_general(request: Request) -> HttpResponse:
    return one(request, General.of(ServerSettings.load()))


@router.patch("/general", response=General, operation_id="change_general", summary="Change settings of the server")
@requires("settings.change")
@problems(409)
def write_general(request: Request, data: GeneralChange, if_match: IfMatch = None) -> HttpResponse:
    """Each change is in the audit log with its old and new value."""
    sent = data.model_dump(exclude_unset=True)

    def act(row: ServerSettings) -> None:
        form = GeneralForm(_as_typed(row, sent), instance=row)
        if not form.is_valid():
            raise Invalid.form(form)
        wanted = {name: form.cleaned_data[name] for name in sent}
        change_general(wanted, version=form.cleaned_data["version"], actor=request.actor)

    if_unchanged(if_match, ServerSettings.locked, General.of, act)
    return one(request, General.of(ServerSettings.load()))


def _as_typed(row: ServerSettings, sent: dict[str, Any]) -> dict[str, Any]:
    """The present values and the sent ones as the page's form would send them: a limit is a number and its unit."""
    values = model_to_dict(row, fields=GENERAL) | sent | {"version": row.version}
    for name in LIMITS:
        minutes = values.pop(name)
        values[f"{name}_number"] = minutes // MINUTE if isinstance(minutes, timedelta) else minutes
        values[f"{name}_unit"] = int(MINUTE.total_seconds())
    return values
