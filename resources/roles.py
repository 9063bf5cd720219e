"""The rule: which resource role an account has on a resource, and why. Pages, API and lists all answer from it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from accounts.roles import Role, permissions_of


class Kind(models.TextChoices):
    """What a resource is. The chain of parents: streamer, stream, stream session, recording."""

    STREAMER = "streamer", gettext_lazy("Streamer")
    STREAM = "stream", gettext_lazy("Stream")
    SESSION = "stream_session", gettext_lazy("Session")
    RECORDING = "recording", gettext_lazy("Recording")

    @property
    def permissions(self) -> str:
        """The noun of its permissions in ``accounts.roles``: ``streamers`` of ``streamers.view``."""
        return f"{self.value}s"


class ResourceRole(models.TextChoices):
    NONE = "none", gettext_lazy("None")
    VIEWER = "viewer", gettext_lazy("Viewer")
    EDITOR = "editor", gettext_lazy("Editor")
    ADMINISTRATOR = "administrator", gettext_lazy("Administrator")

    @property
    def or_more(self) -> list["ResourceRole"]:
        """This role and those above it."""
        everything = list(ResourceRole)
        return everything[everything.index(self) :]

    def reaches(self, least: "ResourceRole") -> bool:
        return self in least.or_more


class Action(models.TextChoices):
    """What somebody may want to do with one resource."""

    VIEW = "view", gettext_lazy("View")
    EDIT = "edit", gettext_lazy("Edit")
    DELETE = "delete", gettext_lazy("Delete")
    SEE_PERMISSIONS = "see_permissions", gettext_lazy("See its permissions")
    CHANGE_PERMISSIONS = "change_permissions", gettext_lazy("Change its permissions")

    @property
    def needs(self) -> ResourceRole:
        """The least resource role that may do it."""
        return {Action.VIEW: ResourceRole.VIEWER, Action.CHANGE_PERMISSIONS: ResourceRole.ADMINISTRATOR}.get(
            self, ResourceRole.EDITOR
        )


class Because(models.TextChoices):
    """The deciding fact."""

    INACTIVE = "inactive", gettext_lazy("Account inactive")
    LOCKED = "locked", gettext_lazy("Account locked")
    ADMINISTRATOR = "administrator", gettext_lazy("System administrator")
    GRANT = "grant", gettext_lazy("Grant")
    SYSTEM_ROLE = "system_role", gettext_lazy("System role")


class GrantFacts(Protocol):
    """What the rule needs to know of a grant."""

    role: str
    ends_at: datetime | None
    granted_at: datetime
    granted_by_name: str
    reason: str


@dataclass(frozen=True)
class Decision:
    """The role of one account on one resource, and why. ``ended`` is a grant that would count, had it not ended."""

    account: Account
    kind: Kind
    role: ResourceRole
    because: Because
    grant: GrantFacts | None = None
    ended: GrantFacts | None = None

    def allows(self, action: Action) -> bool:
        return self.role.reaches(action.needs)

    @property
    def sentence(self) -> str:
        """The deciding fact as people read it."""
        facts = {"name": self.account.username, "role": self.role.label, "system": self.account.get_role_display()}
        if self.because == Because.INACTIVE:
            return _("%(name)s is inactive: nothing counts until the account is active again.") % facts
        if self.because == Because.LOCKED:
            return _("%(name)s is locked: nothing counts until the account is unlocked.") % facts
        if self.because == Because.ADMINISTRATOR:
            return _("%(name)s is a system administrator, who always has full access.") % facts
        if self.grant:
            granted = {"who": self.grant.granted_by_name, "when": _day(self.grant.granted_at)}
            return _("%(name)s was given %(role)s on this resource by %(who)s on %(when)s.") % (facts | granted)
        if self.ended and self.ended.ends_at:
            facts |= {"was": ResourceRole(self.ended.role).label, "end": _day(self.ended.ends_at)}
            return (
                _("The grant of %(was)s ended on %(end)s; since then the system role %(system)s gives %(role)s here.")
                % facts
            )
        return _("The system role %(system)s gives %(role)s here.") % facts


def _day(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")


def given_by_system_role(account: Account, kind: Kind) -> ResourceRole:
    """What the system role alone gives on every resource of the kind."""
    if account.is_superuser or account.role == Role.ADMINISTRATOR:
        return ResourceRole.ADMINISTRATOR
    given = permissions_of(account.role)
    if f"{kind.permissions}.change" in given:
        return ResourceRole.EDITOR
    return ResourceRole.VIEWER if f"{kind.permissions}.view" in given else ResourceRole.NONE


def decide(account: Account, kind: Kind, grant: GrantFacts | None, *, at: datetime) -> Decision:
    """The one rule. ``grant`` is the account's own on the resource, ended or not; ``at`` is the moment asked about."""
    if not account.is_active:
        return Decision(account, kind, ResourceRole.NONE, Because.INACTIVE)
    if account.is_locked:
        return Decision(account, kind, ResourceRole.NONE, Because.LOCKED)
    given = given_by_system_role(account, kind)
    if given == ResourceRole.ADMINISTRATOR:
        return Decision(account, kind, given, Because.ADMINISTRATOR)
    if grant and (grant.ends_at is None or grant.ends_at > at):
        return Decision(account, kind, ResourceRole(grant.role), Because.GRANT, grant=grant)
    return Decision(account, kind, given, Because.SYSTEM_ROLE, ended=grant)
