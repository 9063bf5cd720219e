"""What each role in a project may do there: the one table."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class ProjectRole(models.TextChoices):
    MANAGER = "manager", _("Manager")
    SCIENTIST = "scientist", _("Scientist")
    USER = "user", _("User")
    OBSERVER = "observer", _("Observer")


# In the order in which pages list them.
MAY: dict[str, str | Promise] = {
    "read": _("See the project and its data"),
    "edit_data": _("Edit data"),
    "run_tasks": _("Run tasks"),
    "define_tasks": _("Define tasks"),
    "change_settings": _("Change the settings, archive"),
    "manage_members": _("Invite, change and remove members"),
}
TABLE: dict[str, frozenset[str]] = {
    ProjectRole.MANAGER: frozenset(MAY),
    ProjectRole.SCIENTIST: frozenset({"read", "edit_data", "run_tasks", "define_tasks"}),
    ProjectRole.USER: frozenset({"read", "edit_data", "run_tasks"}),
    ProjectRole.OBSERVER: frozenset({"read"}),
}
DESCRIPTIONS: dict[str, str | Promise] = {
    ProjectRole.MANAGER: _("Settings and members, and all the rest"),
    ProjectRole.SCIENTIST: _("Edits data, defines and runs tasks"),
    ProjectRole.USER: _("Edits data, runs tasks"),
    ProjectRole.OBSERVER: _("Reads"),
}
