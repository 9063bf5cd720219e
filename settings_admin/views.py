"""Settings of the server: the page General."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from agora.base.access import requires
from agora.base.http import Request
from settings_admin.forms import GeneralForm
from settings_admin.models import ServerSettings, public_address
from settings_admin.services import (
    ChangedMeanwhile,
    change_general,
    changes_by_field,
    general_values,
    in_words,
    recorded,
)

SECTIONS = [
    ("address", gettext_lazy("Address")),
    ("registration", gettext_lazy("Registration")),
    ("authentication", gettext_lazy("Authentication")),
    ("sessions", gettext_lazy("Sessions")),
    ("errors", gettext_lazy("Error logging")),
    ("feedback", gettext_lazy("User feedback")),
    ("projects", gettext_lazy("Projects")),
    ("impersonation", gettext_lazy("Impersonation")),
    ("download", gettext_lazy("Download")),
]


@requires("settings.change")
@require_http_methods(["GET", "HEAD", "POST"])
def general(request: Request) -> HttpResponse:
    """The form; what another administrator saved meanwhile is shown before anything of it is overwritten."""
    form = GeneralForm(request.POST if request.method == "POST" else None, instance=ServerSettings.load())
    if request.method == "POST" and form.is_valid():
        try:
            change_general(form.cleaned_data, version=form.cleaned_data["version"], actor=request.actor)
        except ChangedMeanwhile as refusal:
            return _changed_meanwhile(request, form, refusal)
        messages.success(request, _("Saved."))
        return redirect("settings:general")
    unsaved = len(form.changed_data) if form.is_bound else 0
    return _show(request, form, status=422 if form.errors else 200, unsaved=unsaved)


def _show(request: Request, form: GeneralForm, *, status: int = 200, unsaved: int = 0, **more: Any) -> HttpResponse:
    address = ServerSettings.load().address
    context = {"form": form, "sections": SECTIONS, "address": address, "unsaved": unsaved, "refusal": None, **more}
    return render(request, "settings/general.html", context, status=status)


def _changed_meanwhile(request: Request, form: GeneralForm, refusal: ChangedMeanwhile) -> HttpResponse:
    """What the other one changed, over a form that holds it together with what this person typed."""
    row = ServerSettings.load()
    theirs = changes_by_field(refusal.since)
    started_from = general_values(row) | {name: old for name, (old, _new) in theirs.items()}
    typed = recorded(form.cleaned_data)
    mine = {name: form.cleaned_data[name] for name in started_from if typed[name] != started_from[name]}
    merged = GeneralForm(instance=row, initial=mine)
    changes = [(form.fields[name].label, in_words(old), in_words(new)) for name, (old, new) in theirs.items()]
    clashes = [form.fields[name].label for name in theirs if name in mine]
    return _show(request, merged, status=409, unsaved=len(mine), refusal=refusal, changes=changes, clashes=clashes)


@requires("settings.change")
@require_safe
def hostname_preview(request: Request) -> HttpResponse:
    """A link built from the hostname as it is typed."""
    form = GeneralForm(request.GET, instance=ServerSettings.load())
    errors = list(form.errors.get("hostname", []))
    address = public_address(form.cleaned_data.get("hostname", ""))
    return render(request, "settings/_preview.html", {"errors": errors, "address": address})
