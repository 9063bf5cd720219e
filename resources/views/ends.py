"""The inputs and pushes of a stream: the tab of its card, and what is done to one of them."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.forms.seen import remember, seen, tell
from accounts.services.editing import EditedMeanwhile
from agora.base.access import signed_in_with
from agora.base.http import Request
from resources.forms import END_FORMS, EndForm
from resources.models import Input, Push, Resource
from resources.models.ends import InputKind, PushKind
from resources.roles import Action, Kind
from resources.services import ends
from resources.views.card import frame
from resources.views.common import permitted, seen_among, visible

edit_it = signed_in_with("Editor on it")
MODELS: dict[str, type[Input] | type[Push]] = {"inputs": Input, "pushes": Push}
KINDS = {"inputs": InputKind.choices, "pushes": PushKind.choices}
WORDS = {"inputs": gettext_lazy("Input"), "pushes": gettext_lazy("Push")}


@signed_in_with("Viewer on it")
@require_safe
def of_stream(request: Request, pk: int) -> HttpResponse:
    """Inputs in their order, and pushes."""
    stream, decision = visible(request, pk, Kind.STREAM)
    context = {
        **frame(request, stream, decision, "streams-ends"),
        "inputs": Input.objects.of_stream(pk).select_related("device"),
        "pushes": Push.objects.of_stream(pk),
        "kinds": KINDS,
    }
    return render(request, "resources/stream_ends.html", context)


@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: Request, pk: int, side: str) -> HttpResponse:
    """``kind`` in the address says which fields it has; without one the kinds are offered."""
    stream, _decision = permitted(request, pk, Action.EDIT, Kind.STREAM)
    kind = request.GET.get("kind", "")
    if kind not in END_FORMS[MODELS[side]]:
        context = {"stream": stream, "side": side, "kinds": KINDS[side], "word": WORDS[side], "back": tab(stream)}
        return render(request, "resources/end_kinds.html", context, status=404 if kind else 200)
    return _edit(request, stream, side, MODELS[side](kind=kind, stream_id=pk))


@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def end(request: Request, pk: int, item: int, side: str) -> HttpResponse:
    """Edit one; its kind stays."""
    stream, found = one(request, pk, item, side)
    return _edit(request, stream, side, found)


def _edit(request: Request, stream: Resource, side: str, found: Input | Push) -> HttpResponse:
    new = found.pk is None
    streamer_seen = bool(seen_among(request, [stream.parent_id or 0]))
    form: EndForm = END_FORMS[type(found)][str(found.kind)](
        request.POST if request.method == "POST" else None, end=found, streamer_seen=streamer_seen
    )
    status = 200
    if not new:
        remember(form)
    if request.method == "POST" and form.is_valid():
        try:
            if new:
                ends.add_end(stream, found, form.values, actor=request.actor)
            else:
                ends.change_end(stream, found, form.values, actor=request.actor, seen=seen(form), places=form.places)
        except ValidationError as error:
            form.add_error(None, error)
        except EditedMeanwhile as error:
            tell(form, error.current)
            status = 409
        else:
            messages.success(request, _("Saved."))
            return redirect(tab(stream))
    context = {"form": form, "stream": stream, "end": found, "new": new, "word": WORDS[side], "back": tab(stream)}
    return render(request, "resources/end.html", context, status=422 if form.errors and status == 200 else status)


@edit_it
@require_POST
def move(request: Request, pk: int, item: int, side: str) -> HttpResponse:
    """One place up with ``up``, down without."""
    stream, found = one(request, pk, item, side)
    ends.move_end(stream, found, up="up" in request.POST, actor=request.actor)
    return redirect(f"{tab(stream)}#{side}")


@edit_it
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: Request, pk: int, item: int, side: str) -> HttpResponse:
    """Ask, then remove."""
    stream, found = one(request, pk, item, side)
    if request.method == "POST":
        ends.remove_end(stream, found, actor=request.actor)
        messages.success(request, _("%(name)s is removed.") % {"name": found})
        return redirect(tab(stream))
    return render(request, "resources/end_remove.html", {"stream": stream, "end": found, "back": tab(stream)})


def one(request: Request, pk: int, item: int, side: str) -> tuple[Resource, Input | Push]:
    """An input or push of this very stream, for its Editors."""
    stream, _decision = permitted(request, pk, Action.EDIT, Kind.STREAM)
    found: Input | Push = get_object_or_404(MODELS[side].objects.of_stream(pk), pk=item)  # type: ignore[assignment]
    return stream, found


def tab(stream: Resource) -> str:
    return reverse("resources:streams-ends", args=[stream.pk])
