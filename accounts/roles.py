"""What each system role may do: the one table. The auth backend, the pages and the API answer from it."""

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    NONE = "none", _("None")
    VIEWER = "viewer", _("Viewer")
    OBSERVER = "observer", _("Observer")
    CONTENT_MANAGER = "content_manager", _("Content manager")
    EDITOR = "editor", _("Editor")
    SECURITY = "security", _("Security")
    ADMINISTRATOR = "administrator", _("Administrator")


# Every permission, with what it lets a person do; in the order in which the pages list them.
PERMISSIONS: dict[str, str | Promise] = {
    "streamers.view": _("See all streamers"),
    "streamers.create": _("Create streamers"),
    "streamers.change": _("Edit all streamers"),
    "streamers.delete": _("Delete all streamers"),
    "streams.view": _("See all streams"),
    "streams.create": _("Create streams from streamers they see"),
    "streams.change": _("Edit all streams"),
    "streams.delete": _("Delete all streams"),
    "stream_sessions.view": _("See all stream sessions"),
    "stream_sessions.create": _("Create stream sessions from streams they see"),
    "stream_sessions.change": _("Edit all stream sessions"),
    "stream_sessions.delete": _("Delete all stream sessions"),
    "recordings.view": _("See all recordings"),
    "recordings.create": _("Create recordings from stream sessions they see"),
    "recordings.change": _("Edit all recordings"),
    "recordings.delete": _("Delete all recordings"),
    "monitoring.view": _("See the task queue and the state of streams"),
    "logs.view": _("See and download server logs"),
    "audit.view": _("Read the audit log"),
    "audit.export": _("Export the audit log"),
    "accounts.view": _("See accounts"),
    "accounts.create": _("Create accounts"),
    "accounts.change": _("Edit accounts, their roles and whether they are active"),
    "accounts.set_password": _("Set passwords"),
    "accounts.reset_second_factor": _("Reset second factors"),
    "accounts.lock": _("Lock and unlock accounts"),
    "accounts.export": _("Export the list of accounts"),
    "sessions.view": _("See sign-in sessions"),
    "sessions.end": _("End sign-in sessions"),
    "settings.change": _("Change the server's settings"),
    "superusers.manage": _("Create and edit superusers"),
    "impersonation.start": _("Impersonate accounts"),
    "admin_mode.use": _("Use admin mode"),
    "licence.manage": _("Manage the licence"),
}
SUPERUSER_ONLY = frozenset({"superusers.manage", "impersonation.start", "admin_mode.use", "licence.manage"})
VIEW_RESOURCES = frozenset({"streamers.view", "streams.view", "stream_sessions.view", "recordings.view"})


def _all(*kinds: str) -> frozenset[str]:
    return frozenset(name for name in PERMISSIONS if name.partition(".")[0] in kinds)


TABLE: dict[Role, frozenset[str]] = {
    Role.NONE: frozenset(),
    Role.VIEWER: VIEW_RESOURCES | {"streams.create", "stream_sessions.create", "recordings.create"},
    Role.OBSERVER: VIEW_RESOURCES | {"monitoring.view"},
    Role.CONTENT_MANAGER: _all("streams", "stream_sessions", "recordings") | {"streamers.view"},
    Role.EDITOR: _all("streamers", "streams", "stream_sessions", "recordings"),
    Role.SECURITY: frozenset(
        {
            "audit.view",
            "audit.export",
            "accounts.view",
            "accounts.lock",
            "sessions.view",
            "sessions.end",
            "logs.view",
        }
    ),
    Role.ADMINISTRATOR: frozenset(PERMISSIONS) - SUPERUSER_ONLY,
}


def permissions_of(role: str, *, superuser: bool = False) -> frozenset[str]:
    """Everything that the role gives; a superuser has all there is."""
    return frozenset(PERMISSIONS) if superuser else TABLE[Role(role)]


def difference(old: str, new: str, *, was_superuser: bool, superuser: bool) -> tuple[list[str], list[str]]:
    """What a change of role gains and loses, as labels in the table's order."""
    before = permissions_of(old, superuser=was_superuser)
    after = permissions_of(new, superuser=superuser)
    gained = [str(label) for name, label in PERMISSIONS.items() if name in after - before]
    lost = [str(label) for name, label in PERMISSIONS.items() if name in before - after]
    return gained, lost
