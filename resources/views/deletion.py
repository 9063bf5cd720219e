"""Deleting a resource: the question with what goes along, and the deletion."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from agora.base.access import signed_in_with
from agora.base.http import Request
from resources.forms import DeleteForm
from resources.models import Device, Resource
from resources.roles import Action, Kind
from resources.services.resources import Subtree, delete_resource, subtree
from resources.views.common import card_url, list_url, permitted, person, seen_among

edit_it = signed_in_with("Editor on it")


@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def delete_recording(request: Request, pk: int) -> HttpResponse:
    """Ask for the title, for the file is gone for ever; then delete."""
    resource, _decision = permitted(request, pk, Action.DELETE, Kind.RECORDING)
    form = DeleteForm(request.POST if request.method == "POST" else None, title=resource.label)
    if request.method == "POST" and form.is_valid():
        delete_resource(resource, actor=request.actor)
        messages.success(request, _("%(name)s is deleted.") % {"name": resource})
        return redirect(list_url(Kind.RECORDING))
    context = {"resource": resource, "form": form, "back": card_url(resource)}
    return render(request, "resources/delete_recording.html", context, status=422 if form.errors else 200)


@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int, kind: Kind) -> HttpResponse:
    """Ask, naming what goes with it, and for its name where recordings do; then delete."""
    resource, _decision = permitted(request, pk, Action.DELETE, kind)
    found = subtree(resource, actor=request.actor)
    form = None
    if any(below == Kind.RECORDING for below, _number in found.counts) and not found.not_yours:
        form = DeleteForm(request.POST if request.method == "POST" else None, title=resource.label)
        form.fields["title"].label = _("Recordings go with it. Type “%(name)s” to delete all") % {"name": resource}
    if request.method == "POST" and (form is None or form.is_valid()):
        delete_resource(resource, actor=request.actor)
        messages.success(request, _("%(name)s is deleted.") % {"name": resource})
        return redirect(list_url(kind))
    seen = seen_among(request, [row.pk for row in [*found.below, *found.not_yours]])
    context = {
        "resource": resource,
        "form": form,
        "found": found,
        "going": going(request, resource, found),
        "below": [row for row in found.below if row.pk in seen],
        "not_yours": [row for row in found.not_yours if row.pk in seen],
        "hidden": sum(row.pk not in seen for row in found.not_yours),
        "back": card_url(resource),
    }
    return render(request, "resources/delete.html", context, status=422 if form and form.errors else 200)


def going(request: Request, resource: Resource, found: Subtree) -> list[str]:
    """A sentence for each kind of what goes with it."""
    sentences = {
        Kind.STREAM: lambda n: ngettext("%(n)d stream goes with it", "%(n)d streams go with it", n),
        Kind.SESSION: lambda n: ngettext("%(n)d session goes with it", "%(n)d sessions go with it", n),
        Kind.RECORDING: lambda n: ngettext("%(n)d recording goes with it", "%(n)d recordings go with it", n),
    }
    told = [sentences[kind](number) % {"n": number} for kind, number in found.counts]
    if devices := Device.objects.visible_to(person(request), at=request.actor.at).of_streamer(resource.pk).count():
        told.append(ngettext("%(n)d device goes with it", "%(n)d devices go with it", devices) % {"n": devices})
    return told
