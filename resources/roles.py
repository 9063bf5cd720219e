"""The rule: which resource role an account has on a resource, and why. Pages, API and lists all answer from it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
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

    @property
    def page(self) -> str:
        """What its addresses begin with, and their names: ``stream-sessions``."""
        return self.permissions.replace("_", "-")


# What a resource of the kind may be made from.
PARENTS = {
    Kind.STREAMER: (),
    Kind.STREAM: (Kind.STREAMER,),
    Kind.SESSION: (Kind.STREAM,),
    Kind.RECORDING: (Kind.STREAM, Kind.SESSION),
}
CHILDREN = {parent: tuple(kind for kind in Kind if parent in PARENTS[kind]) for parent in Kind}


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
        return RANKS[self] >= RANKS[least]


RANKS = {role: rank for rank, role in enumerate(ResourceRole)}


class Action(models.TextChoices):
    """What somebody may want to do with one resource."""

    VIEW = "view", gettext_lazy("View")
    CREATE = "create", gettext_lazy("Create something from it")
    EDIT = "edit", gettext_lazy("Edit")
    DELETE = "delete", gettext_lazy("Delete")
    SEE_PERMISSIONS = "see_permissions", gettext_lazy("See its permissions")
    CHANGE_PERMISSIONS = "change_permissions", gettext_lazy("Change its permissions")

    @property
    def needs(self) -> ResourceRole:
        """The least resource role that may do it."""
        return NEEDS.get(self, ResourceRole.EDITOR)


NEEDS = {
    Action.VIEW: ResourceRole.VIEWER,
    Action.CREATE: ResourceRole.VIEWER,  # and a system role that creates its children
    Action.CHANGE_PERMISSIONS: ResourceRole.ADMINISTRATOR,
}


class Because(models.TextChoices):
    """The deciding fact."""

    INACTIVE = "inactive", gettext_lazy("Account inactive")
    LOCKED = "locked", gettext_lazy("Account locked")
    ADMINISTRATOR = "administrator", gettext_lazy("System administrator")
    GRANT = "grant", gettext_lazy("Grant")
    SYSTEM_ROLE = "system_role", gettext_lazy("System role")
    BELOW = "below", gettext_lazy("What lies below it")


class GrantFacts(Protocol):
    """What the rule needs to know of a grant."""

    @property
    def role(self) -> str: ...

    @property
    def ends_at(self) -> datetime | None: ...

    @property
    def granted_at(self) -> datetime: ...

    @property
    def granted_by_name(self) -> str: ...

    @property
    def reason(self) -> str: ...


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
        return self.role.reaches(action.needs) and (action != Action.CREATE or bool(self.creates))

    @property
    def creates(self) -> list[Kind]:
        """What the system role creates from a resource of this kind, where the account sees it."""
        return [kind for kind in CHILDREN[self.kind] if may_create_kind(self.account, kind)]

    def sentence_for(self, action: Action) -> str:
        """The fact that decides whether the account may do this."""
        if action != Action.CREATE or not self.role.reaches(action.needs):
            return self.sentence
        facts = {"system": self.account.role_name, "kind": self.kind.label}
        if not CHILDREN[self.kind]:
            return _("Nothing is created from a %(kind)s.") % facts
        if self.creates:
            facts["kinds"] = ", ".join(str(kind.label) for kind in self.creates)
            own = _("From what it sees, the system role %(system)s creates: %(kinds)s.") % facts
        else:
            own = _("The system role %(system)s creates nothing from a %(kind)s, whatever it sees.") % facts
        return f"{own} {self.sentence}"

    @property
    def sentence(self) -> str:
        """The deciding fact as people read it."""
        facts = {"name": self.account.username, "role": self.role.label, "system": self.account.role_name}
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


def may_create_kind(account: Account, kind: Kind) -> bool:
    """Does the system role create resources of this kind?"""
    return f"{kind.permissions}.create" in permissions_of(account.role, superuser=account.is_superuser)


def given_by_system_role(account: Account, kind: Kind) -> ResourceRole:
    """What the system role alone gives on every resource of the kind."""
    return _given(account.role, account.is_superuser, kind)


@cache
def _given(role: str, superuser: bool, kind: Kind) -> ResourceRole:
    """From the table in the code, which stays while the process runs."""
    if superuser or role == Role.ADMINISTRATOR:
        return ResourceRole.ADMINISTRATOR
    given = permissions_of(role)
    if f"{kind.permissions}.change" in given:
        return ResourceRole.EDITOR
    return ResourceRole.VIEWER if f"{kind.permissions}.view" in given else ResourceRole.NONE


def grants_matter(account: Account) -> bool:
    """Can a grant change what the account may? Not while it is locked or inactive, and not a system administrator's."""
    return account.is_usable and not (account.is_superuser or account.role == Role.ADMINISTRATOR)


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
