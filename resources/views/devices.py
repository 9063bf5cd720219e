"""Devices: the tab of a streamer's card, their own list, and one of them. Who may follows from the streamer."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms.seen import remember, seen, tell
from accounts.services.editing import EditedMeanwhile
from agora.base.access import signed_in, signed_in_with
from agora.base.http import Request
from audit.services import values_of
from resources.filters import DeviceFilter
from resources.forms import DeviceForm
from resources.models import Device, Resource
from resources.roles import Action, Decision, Kind
from resources.services import devices
from resources.services.rules import effective_role
from resources.views.card import frame
from resources.views.common import allow, permitted, person, visible


@signed_in
@require_safe
def listing(request: Request) -> HttpResponse:
    """Those of every streamer that the person may see."""
    rows = Device.objects.visible_to(person(request), at=request.actor.at).select_related("streamer")
    filters = DeviceFilter(request.GET, queryset=rows)
    return render(request, "resources/devices.html", {"filters": filters, "page": filters.page()})


@signed_in_with("Viewer on it")
@require_safe
def of_streamer(request: Request, pk: int) -> HttpResponse:
    streamer, decision = visible(request, pk, Kind.STREAMER)
    context = {
        **frame(request, streamer, decision, "streamers-devices"),
        "devices": Device.objects.visible_to(decision.account, at=request.actor.at).of_streamer(pk),
    }
    return render(request, "resources/streamer_devices.html", context)


@signed_in_with("Editor on it")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request, pk: int) -> HttpResponse:
    """A new device of this streamer."""
    streamer, _decision = permitted(request, pk, Action.EDIT, Kind.STREAMER)
    form = DeviceForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            device = devices.create_device(streamer, form.cleaned_data, actor=request.actor)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("%(name)s is created.") % {"name": device})
            return redirect(tab(streamer))
    context = {"form": form, "streamer": streamer, "back": tab(streamer), "device": None, "may_edit": True}
    return render(request, "resources/device.html", context, status=422 if form.errors else 200)


@signed_in_with("Viewer on its streamer; Editor to change")
@require_http_methods(["GET", "HEAD", "POST"])
def device(request: Request, pk: int) -> HttpResponse:
    """Its facts and the form to edit them; POST saves. Editors of the streamer only."""
    found, decision = one(request, pk)
    editing = request.method == "POST"
    if editing:
        allow(request, found.streamer, decision, Action.EDIT)
    form = DeviceForm(request.POST if editing else None, initial=values_of(found, devices.FIELDS))
    remember(form)
    status = 200
    if editing and form.is_valid():
        try:
            changed = devices.change_device(found, form.cleaned_data, actor=request.actor, seen=seen(form))
        except ValidationError as error:
            form.add_error(None, error)
        except EditedMeanwhile as error:
            tell(form, error.current)
            status = 409
        else:
            messages.success(request, _("%(name)s is saved.") % {"name": changed})
            return redirect(tab(found.streamer))
    back = tab(found.streamer)
    may_edit = decision.allows(Action.EDIT)
    context = {"form": form, "streamer": found.streamer, "back": back, "device": found, "may_edit": may_edit}
    return render(request, "resources/device.html", context, status=422 if form.errors and status == 200 else status)


@signed_in_with("Editor on its streamer")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask, then delete."""
    found, decision = one(request, pk)
    allow(request, found.streamer, decision, Action.EDIT)
    if request.method == "POST":
        devices.delete_device(found, actor=request.actor)
        messages.success(request, _("%(name)s is deleted.") % {"name": found})
        return redirect(tab(found.streamer))
    return render(request, "resources/device_delete.html", {"device": found, "back": tab(found.streamer)})


def one(request: Request, pk: int) -> tuple[Device, Decision]:
    """The device, and the person's role on its streamer. 404 when its streamer is not to be seen."""
    rows = Device.objects.visible_to(person(request), at=request.actor.at).select_related("streamer")
    found = get_object_or_404(rows, pk=pk)
    return found, effective_role(person(request), found.streamer, at=request.actor.at)


def tab(streamer: Resource) -> str:
    return reverse("resources:streamers-devices", args=[streamer.pk])
