"""The Resource Permissions dialog: a dialog for htmx, a page of its own without."""

from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Account
from agora.base.access import signed_in_with
from agora.base.http import Request, next_url
from resources import drafts
from resources.forms import WhyForm
from resources.models import Grant, Resource
from resources.people import search
from resources.roles import Action, Decision, Kind, ResourceRole
from resources.services.answers import explain
from resources.services.grants import ChangedMeanwhile, save_grants
from resources.services.rules import effective_role
from resources.views.common import allow, card_url, list_url, permitted, person


@signed_in_with("Editor on it; Administrator on it to change")
@require_http_methods(["GET", "HEAD", "POST"])
def permissions(request: Request, pk: int) -> HttpResponse:
    """GET shows what is saved; POST carries the draft along, and with the button Save writes it."""
    resource, decision = permitted(request, pk, Action.SEE_PERMISSIONS)
    typed = {}
    if request.method == "POST":
        allow(request, resource, decision, Action.CHANGE_PERMISSIONS)
        typed = _draft(request, resource)
    rows = drafts.rows_of(resource, typed, at=request.actor.at)
    version = _number(request, "version") if request.method == "POST" else resource.permissions_version
    refusal, saving = None, _saving(request)
    if saving and not any(row.error for row in rows):
        wanted = {row.account.pk: row.wanted for row in rows if row.state}
        try:
            changes = save_grants(resource, wanted, version=version, actor=request.actor)
        except ChangedMeanwhile as error:
            refusal, version = error, resource.permissions_version
        else:
            return _saved(request, resource, len(changes))
    context = _context(request, resource, decision, rows) | {"version": version, "refusal": refusal}
    wrong = refusal is not None or saving
    status = (422 if request.htmx else 409) if refusal else 422 if wrong else 200
    return render(request, "resources/permissions.html", context, status=status)


def _saving(request: Request) -> bool:
    """Is all to be written? Enter presses the first button: it searches while there is something to search for."""
    return "save" in request.POST or ("enter" in request.POST and not request.POST.get("q", "").strip())


def _draft(request: Request, resource: Resource) -> dict[int, drafts.Typed]:
    """The rows as they were sent, with what the pressed button does to one of them; an added one comes first."""
    typed = drafts.read(request.POST)
    add, drop, undo = (_number(request, button) for button in ("add", "drop", "undo"))
    if add and add not in typed:
        saved = Grant.objects.on(resource).of_accounts([add]).exists()
        typed = {add: drafts.AS_SAVED if saved else drafts.ADDED, **typed}
    if drop in typed:
        typed[drop] = drafts.GONE
    if undo in typed:
        typed[undo] = drafts.AS_SAVED
    return typed


def _number(request: Request, name: str) -> int:
    sent = request.POST.get(name, "")
    return int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 19 else 0


def _context(request: Request, resource: Resource, decision: Decision, rows: list[drafts.Row]) -> dict[str, Any]:
    start = _number(request, "page") if "page" in request.POST else _number(request, "start")
    pressed = _number(request, "add")
    kept = [row for row in rows if row.state or row.account.pk == pressed]
    but = [row.account.pk for row in kept]
    saved, following = drafts.saved_page(resource, after=start, but=but, at=request.actor.at)
    text = request.POST.get("q", "") if "add" not in request.POST else ""
    return {
        "resource": resource,
        "may_change": decision.allows(Action.CHANGE_PERMISSIONS),
        "rows": [*kept, *saved],
        "unsaved": sum(1 for row in kept if row.state),
        "start": start,
        "following": following,
        "roles": ResourceRole.choices,
        "q": text,
        "full": len(kept) >= drafts.UNSAVED,
        "found": search(resource, text, drafted=[row.account.pk for row in kept], at=request.actor.at),
        "searched": bool(text.strip()),
        "administrators": drafts.administrators(),
        "today": drafts.today(request.actor.at),
        "next": next_url(request, card_url(resource)),
        "focus": _focus(request),
    }


def _focus(request: Request) -> str:
    """The id of the control that has the keyboard next; empty where it stays on the one that was used."""
    if drop := _number(request, "drop"):
        return f"undo-{drop}"
    if undo := _number(request, "undo"):
        return f"role-{undo}"
    return "permissions-search" if request.method != "POST" or {"add", "search", "enter"} & request.POST.keys() else ""


def _saved(request: Request, resource: Resource, count: int) -> HttpResponse:
    text = ngettext("%(n)d change saved.", "%(n)d changes saved.", count) % {"n": count}
    messages.success(request, text if count else _("Nothing was changed."))
    target = _afterwards(request, resource)
    if not request.htmx:
        return redirect(target)
    answer = HttpResponse(status=204)
    answer["HX-Redirect"] = target
    return answer


def _afterwards(request: Request, resource: Resource) -> str:
    """Where the page came from, unless what was saved closed that to the person: then what is still open."""
    card, everything = card_url(resource), list_url(Kind(resource.kind))
    target = next_url(request, card)
    decision = effective_role(person(request), resource, at=request.actor.at)
    on_card = urlsplit(target).path.startswith((card, reverse("resources:permissions", args=[resource.pk])))
    if not on_card or decision.allows(Action.SEE_PERMISSIONS):
        return target
    return card if decision.allows(Action.VIEW) else everything


@signed_in_with("Administrator on it")
@require_safe
def people(request: Request, pk: int) -> HttpResponse:
    """The options of the user search. A fragment."""
    resource, decision = permitted(request, pk, Action.SEE_PERMISSIONS)
    allow(request, resource, decision, Action.CHANGE_PERMISSIONS)
    text = request.GET.get("q", "")[:100]
    found = search(resource, text, drafted=drafts.read(request.GET), at=request.actor.at)
    return render(request, "resources/_people.html", {"found": found, "q": text, "searched": bool(text.strip())})


@signed_in_with("Editor on it, or the account its own")
@require_safe
def why(request: Request, pk: int) -> HttpResponse:
    """May this account do this with it, and which fact decides?"""
    resource, decision = permitted(request, pk, Action.VIEW)
    others = decision.allows(Action.SEE_PERMISSIONS)
    form = WhyForm(
        request.GET if "action" in request.GET else None,
        initial={"account": request.GET.get("account", decision.account.username)},
        only=None if others else decision.account,
    )
    asked: Account | None = form.cleaned_data["account"] if form.is_valid() else None
    action = Action(form.cleaned_data["action"]) if asked else Action.VIEW
    answer = explain(asked, resource, action, at=request.actor.at) if asked else None
    context = {
        "resource": resource,
        "form": form,
        "asked": asked,
        "action": action,
        "answer": answer,
        "back": card_url(resource),
    }
    return render(request, "resources/why.html", context, status=400 if form.errors else 200)
