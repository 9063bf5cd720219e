"""The second tab of a project: who belongs to it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from accounts.views.common import person
from agora.base.access import signed_in_with
from agora.base.http import Request
from agora.base.pages import keyset_page
from projects.forms import ROLE_CHOICES, AddForm, RoleForm
from projects.models import Membership, Project, members_of
from projects.services import members
from projects.services.rules import check, role_in
from projects.views.common import frame, visible_project


@signed_in_with("member of it")
@require_safe
def member_list(request: Request, pk: int) -> HttpResponse:
    """The members; for managers with a search for somebody to invite."""
    project = visible_project(request, pk)
    text = request.GET.get("q", "")[:100]
    page = keyset_page(members_of(project), order="username_key", params=request.GET)
    context = {**_frame(request, project), "page": page, "text": text, **_found(request, project, text)}
    return render(request, "projects/members.html", context)


@signed_in_with("manager of it")
@require_safe
def find(request: Request, pk: int) -> HttpResponse:
    """Who can be invited, as it is typed."""
    project = visible_project(request, pk)
    check(project, "manage_members", request.actor, personal=False)
    text = request.GET.get("q", "")[:100]
    context = {**_frame(request, project), "text": text, **_found(request, project, text)}
    return render(request, "projects/_found.html" if request.htmx else "projects/find.html", context)


def _frame(request: Request, project: Project) -> dict[str, Any]:
    around = frame(request, project, "projects:members")
    manages = "manage_members" in around["rights"] and not project.is_archived and not project.is_personal
    return {**around, "manages": manages, "roles": ROLE_CHOICES}


def _found(request: Request, project: Project, text: str) -> dict[str, Any]:
    role = role_in(project, request.actor)
    return {"found": members.candidates(project, text) if role == "manager" and not project.is_personal else []}


@signed_in_with("manager of it")
@require_POST
def add(request: Request, pk: int) -> HttpResponse:
    project = visible_project(request, pk)
    form = AddForm(request.POST)
    back = redirect("projects:members", pk)
    if not form.is_valid():
        messages.error(request, _("Choose somebody from the search, and a role."))
        return back
    check(project, "manage_members", request.actor, personal=False)
    account = get_object_or_404(_all_accounts(), pk=form.cleaned_data["account"])
    members.add_member(project, account, form.cleaned_data["role"], actor=request.actor)
    messages.success(request, _("%(name)s is a member now.") % {"name": account.username})
    return back


def _all_accounts() -> Any:
    """For those who manage members: they choose from what the search shows, which is everybody who may sign in."""
    return Account._default_manager


def _membership(project: Project, member: int) -> Membership:
    return get_object_or_404(project.memberships.select_related("account", "project__owner"), pk=member)


@signed_in_with("manager of it")
@require_POST
def change_role(request: Request, pk: int, member: int) -> HttpResponse:
    membership = _membership(visible_project(request, pk), member)
    form = RoleForm(request.POST)
    if form.is_valid():
        members.change_member_role(membership, form.cleaned_data["role"], actor=request.actor)
        messages.success(request, _("The role of %(name)s is changed.") % {"name": membership.account.username})
    else:
        messages.error(request, _("There is no such role. Choose one of the list."))
    return redirect("projects:members", pk)


@signed_in_with("manager of it")
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: Request, pk: int, member: int) -> HttpResponse:
    """Ask, then remove."""
    project = visible_project(request, pk)
    membership = _membership(project, member)
    if request.method == "POST":
        members.remove_member(membership, actor=request.actor)
        messages.success(request, _("%(name)s is no longer a member.") % {"name": membership.account.username})
        return redirect("projects:members", pk)
    check(project, "manage_members", request.actor)
    context = {**_frame(request, project), "member": membership}
    return render(request, "projects/remove.html", context)


@signed_in_with("member of it")
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: Request, pk: int) -> HttpResponse:
    """Ask, then go."""
    project = visible_project(request, pk)
    if request.method == "POST":
        members.leave(project, actor=request.actor)
        messages.success(request, _("You have left %(name)s.") % {"name": project.name})
        return redirect("projects:list")
    if not project.role:  # in admin mode one sees projects that one is no member of
        raise members.NotInIt
    owner = project.owner_id == person(request).pk
    context = {**_frame(request, project), "stays": owner, "back": reverse("projects:members", args=[pk])}
    return render(request, "projects/leave.html", context)
