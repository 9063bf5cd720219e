"""The list of projects, and a new one."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.views.common import person
from agora.base.access import signed_in, signed_in_with
from agora.base.http import Request
from projects.filters import ProjectFilter
from projects.forms import ProjectForm
from projects.models import Project, in_admin_mode
from projects.services.projects import create_project, my_agora
from projects.services.rules import MayNotCreate, may_create


@signed_in
@require_safe
def project_list(request: Request) -> HttpResponse:
    """One's own and joined projects, in admin mode all there are. The first visit makes MyAgora."""
    account, everything = person(request), in_admin_mode(request.actor)
    if not (request.elevation and request.elevation.only_looks):
        my_agora(account, actor=request.actor)
    rows = Project.objects.visible_to(request.actor).select_related("owner").with_members().with_role_of(account.pk)
    filters = ProjectFilter(request.GET, queryset=rows, account_id=account.pk, everything=everything)
    page = filters.page()
    context = {"filters": filters, "page": page, "everything": everything, "may_create": may_create(account)}
    return render(request, "projects/list.html", context)


@signed_in_with("with a role, or where the settings allow it")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: Request) -> HttpResponse:
    """A name is enough."""
    form = ProjectForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        project = create_project(**form.cleaned_data, actor=request.actor)
        messages.success(request, _("%(name)s is created. Invite its members.") % {"name": project.name})
        return redirect("projects:members", project.pk)
    if not may_create(person(request)):
        raise MayNotCreate
    return render(request, "projects/create.html", {"form": form}, status=422 if form.errors else 200)
