"""What all pages of a project share: the project itself, its tabs, what the person may."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.views.common import person
from agora.base.http import Request
from projects.models import Project, in_admin_mode
from projects.services.projects import note_opening
from projects.services.rules import is_owner, rights_in

TABS = (
    ("projects:card", _("Overview")),
    ("projects:members", _("Members")),
    ("projects:settings", _("Settings")),
)


def visible_project(request: Request, pk: int) -> Project:
    """404 for everybody but its members; in admin mode a look into others' projects is recorded."""
    rows = Project.objects.visible_to(request.actor).select_related("owner").with_members()
    project: Project = get_object_or_404(rows.with_role_of(person(request).pk), pk=pk)
    note_opening(project, actor=request.actor)
    return project


def frame(request: Request, project: Project, current: str) -> dict[str, Any]:
    """What stands around every tab of the project."""
    return {
        "project": project,
        "tabs": [(label, reverse(name, args=[project.pk]), name == current) for name, label in TABS],
        "role_label": project.role_name,
        "rights": rights_in(project, request.actor),
        "owns": is_owner(project, request.actor),
        "as_admin": in_admin_mode(request.actor) and not project.role,
    }
