"""The third tab of a project: name, owner, archive, end."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from agora.base.access import signed_in_with
from agora.base.http import Request
from projects.forms import DeleteForm, ProjectForm, TransferForm
from projects.models import members_of
from projects.services import projects
from projects.services.rules import check, check_owner
from projects.views.common import frame, visible_project

MOST = 500  # members offered as the next owner


@signed_in_with("member of it")
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: Request, pk: int) -> HttpResponse:
    """For managers a form, for others what it says."""
    project = visible_project(request, pk)
    name = project.name
    form = ProjectForm(request.POST if request.method == "POST" else None, instance=project)
    if request.method == "POST" and form.is_valid():
        projects.change_project(project, form.cleaned_data, actor=request.actor)
        messages.success(request, _("Saved."))
        return redirect("projects:settings", pk)
    project.name = name  # the form writes into its instance also what is refused
    context = {**frame(request, project, "projects:settings"), "form": form}
    return render(request, "projects/settings.html", context, status=422 if form.errors else 200)


@signed_in_with("owner of it")
@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: Request, pk: int) -> HttpResponse:
    """Ask to whom, then give it away."""
    project = visible_project(request, pk)
    check_owner(project, request.actor)
    others = {row.pk: row for row in members_of(project).exclude(pk=project.owner_id).order_by("username_key")[:MOST]}
    choices = [(account.pk, account.username) for account in others.values()]
    form = TransferForm(request.POST if request.method == "POST" else None, members=choices)
    if request.method == "POST" and form.is_valid():
        account = others[form.cleaned_data["account"]]
        projects.transfer(project, account, actor=request.actor)
        messages.success(request, _("%(name)s owns the project now.") % {"name": account.username})
        return redirect("projects:settings", pk)
    context = {**frame(request, project, "projects:settings"), "form": form, "others": choices}
    return render(request, "projects/transfer.html", context, status=422 if form.errors else 200)


@signed_in_with("manager of it")
@require_http_methods(["GET", "HEAD", "POST"])
def archive(request: Request, pk: int) -> HttpResponse:
    """Ask, then archive."""
    project = visible_project(request, pk)
    if request.method == "POST":
        projects.archive(project, actor=request.actor)
        messages.success(request, _("%(name)s is archived.") % {"name": project.name})
        return redirect("projects:settings", pk)
    check(project, "change_settings", request.actor, personal=False)
    return render(request, "projects/archive.html", frame(request, project, "projects:settings"))


@signed_in_with("manager of it")
@require_POST
def restore(request: Request, pk: int) -> HttpResponse:
    project = visible_project(request, pk)
    projects.restore(project, actor=request.actor)
    messages.success(request, _("%(name)s is back from the archive.") % {"name": project.name})
    return redirect("projects:settings", pk)


@signed_in_with("owner of it")
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: Request, pk: int) -> HttpResponse:
    """Ask for the name and say what goes; then delete."""
    project = visible_project(request, pk)
    check_owner(project, request.actor)
    form = DeleteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            projects.delete_project(project, form.cleaned_data["typed"], actor=request.actor)
        except projects.NameDiffers as refusal:
            form.add_error("typed", str(refusal))
        else:
            messages.success(request, _("%(name)s is deleted.") % {"name": project.name})
            return redirect("projects:list")
    context = {**frame(request, project, "projects:settings"), "form": form, "facts": _goes(projects.contents(project))}
    return render(request, "projects/delete.html", context, status=422 if form.errors else 200)


def _goes(contents: dict[str, int]) -> list[tuple[str, str]]:
    count = contents["members"]
    text = ngettext("%(n)d member loses it", "%(n)d members lose it", count) % {"n": count}
    return [("users", text), ("trash-2", _("It can’t be brought back")), ("scroll-text", _("Its audit entries stay"))]
