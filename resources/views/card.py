"""The card of one resource: its facts, editing it, and its history."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.forms.seen import remember, seen, tell
from accounts.services.editing import EditedMeanwhile
from agora.base.access import signed_in_with
from agora.base.http import Request
from agora.base.pages import keyset_page
from audit.events import EVENTS
from audit.models import Entry
from audit.services import values_of
from resources.forms import RecordingForm, SessionForm, StreamerForm, StreamForm
from resources.models import Resource
from resources.roles import Action, Decision, Kind
from resources.services.recordings import without_contact
from resources.services.resources import OWN, change_resource
from resources.services.rules import MayNot, may_create
from resources.views.common import allow, card_url, lines, list_url, person, visible

FORMS: dict[Kind, type[forms.Form]] = {
    Kind.STREAMER: StreamerForm,
    Kind.STREAM: StreamForm,
    Kind.SESSION: SessionForm,
    Kind.RECORDING: RecordingForm,
}
see, edit_it = signed_in_with("Viewer on it"), signed_in_with("Editor on it")
# The tab of its own that a kind has, by the name of its page.
PARTS = {
    Kind.STREAMER: ("streamers-devices", gettext_lazy("Devices")),
    Kind.STREAM: ("streams-ends", gettext_lazy("Inputs and pushes")),
}
BELOW = 10  # children that a card names
CHILD = {Kind.STREAMER: Kind.STREAM, Kind.STREAM: Kind.SESSION, Kind.SESSION: Kind.RECORDING}


@see
@require_http_methods(["GET", "HEAD", "POST"])
def card(request: Request, pk: int, kind: Kind) -> HttpResponse:
    """Facts and the form to edit them; POST saves. Editors only."""
    resource, decision = visible(request, pk, kind)
    editing = request.method == "POST"
    if editing:
        allow(request, resource, decision, Action.EDIT)
    form = FORMS[kind](request.POST if editing else None, initial=_values(resource, FORMS[kind]))
    remember(form)
    status = 200
    if editing and form.is_valid():
        try:
            changed = change_resource(resource, form.cleaned_data, actor=request.actor, seen=seen(form))
        except ValidationError as error:
            form.add_error(None, error)
        except EditedMeanwhile as error:
            tell(form, error.current)
            status = 409
        else:
            messages.success(request, _("%(name)s is saved.") % {"name": changed})
            return redirect(card_url(resource))
    children = _children(request, resource, decision)
    recordings = _recordings(request, resource, decision) if kind == Kind.STREAM else []
    context = {
        **frame(request, resource, decision, "card"),
        "form": form,
        "children": lines(request, children[:BELOW]),
        "more": len(children) > BELOW,
        "recordings": lines(request, recordings[:BELOW]),
        "more_recordings": len(recordings) > BELOW,
        "may_create_stream": may_create(request.actor, Kind.STREAM, resource),
        "parent_url": _parent_url(request, resource),
        "silent": bool(without_contact([resource], at=request.actor.at)),
        "may_record": may_create(request.actor, Kind.RECORDING, resource),
    }
    return render(request, f"resources/{kind}.html", context, status=422 if form.errors and status == 200 else status)


def _parent_url(request: Request, resource: Resource) -> str:
    """The card of what it was made from, for those who may see that."""
    rows = Resource.objects.visible_to(person(request), at=request.actor.at)
    return card_url(resource.parent) if resource.parent and rows.numbered(str(resource.parent_id)).exists() else ""


def _children(request: Request, resource: Resource, decision: Decision) -> list[Resource]:
    """The first few that are made from it and that the person may see: streams by name, the newest of others."""
    kind = CHILD.get(Kind(resource.kind))
    if kind is None:
        return []
    rows = Resource.objects.visible_to(decision.account, at=request.actor.at, kind=kind).children_of([resource.pk])
    order = ("label_key", "id") if kind == Kind.STREAM else ("-created_at", "-id")
    return list(rows.with_facts(kind).order_by(*order)[: BELOW + 1])


def _recordings(request: Request, resource: Resource, decision: Decision) -> list[Resource]:
    """The newest few of the stream and its sessions that the person may see."""
    rows = Resource.objects.visible_to(decision.account, at=request.actor.at, kind=Kind.RECORDING).below(resource.pk)
    return list(rows.with_facts(Kind.RECORDING).order_by("-created_at", "-id")[: BELOW + 1])


def _values(resource: Resource, form: type[forms.Form]) -> dict[str, Any]:
    names = list(form.base_fields)
    own = [name for name in names if name in OWN]
    part = getattr(resource, resource.kind)
    return values_of(resource, own) | values_of(part, [name for name in names if name not in OWN])


def frame(request: Request, resource: Resource, decision: Decision, current: str) -> dict[str, Any]:
    """What every tab of the card shows around its own content."""
    kind = Kind(resource.kind)
    tabs = [(_("Overview"), card_url(resource), current == "card")]
    if kind in PARTS:
        name, label = PARTS[kind]
        tabs.append((str(label), reverse(f"resources:{name}", args=[resource.pk]), current == name))
    if decision.allows(Action.SEE_PERMISSIONS) or request.user.has_perm("audit.view"):
        tabs.append((_("History"), f"{card_url(resource)}history/", current == "history"))
    return {
        "resource": resource,
        "decision": decision,
        "tabs": tabs,
        "back": list_url(kind),
        "here": request.get_full_path(),
        "may_edit": decision.allows(Action.EDIT),
        "may_delete": decision.allows(Action.DELETE),
        "may_see_permissions": decision.allows(Action.SEE_PERMISSIONS),
        "delete_name": f"resources:{kind.page}-delete",
    }


@edit_it
@require_safe
def history(request: Request, pk: int, kind: Kind) -> HttpResponse:
    """What happened to it, from the audit log: for its Editors, and for those who read the whole log."""
    resource, decision = visible(request, pk, kind)
    if not decision.allows(Action.SEE_PERMISSIONS) and not request.user.has_perm("audit.view"):
        raise MayNot
    page = keyset_page(Entry.objects.of_target(kind, pk), order="-at", params=request.GET)
    context = {**frame(request, resource, decision, "history"), "page": page, "labels": EVENTS}
    return render(request, "resources/history.html", context)
