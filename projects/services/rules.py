"""Who may do what in a project: the one function that decides, and the sentences of its refusals."""

from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.roles import Role
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked
from projects.models import Membership, Project, in_admin_mode
from projects.roles import MAY, TABLE, ProjectRole
from settings_admin.models import ServerSettings


class NotYourRole(Refused):
    """The message names what the role lacks."""


class OnlyTheOwner(Refused):
    message = _("Only the owner of this project may do this. Ask them.")


class PersonalProject(Refused):
    status = 409
    message = _("MyAgora is private: it is never shared, archived, given away or deleted. Make a project for that.")


class Archived(Refused):
    status = 409
    message = _("This project is archived: nothing in it changes. A manager can bring it back under Settings.")


class MayNotCreate(Refused):
    message = _("Accounts without a role may not create projects on this server. Ask an administrator for a role.")


def may_create(account: Account) -> bool:
    """Anyone with a role other than None, or everyone where the server's settings say so."""
    return account.role != Role.NONE or ServerSettings.load().everyone_creates_projects


def role_in(project: Project, actor: Actor) -> ProjectRole | None:
    """The actor's role: Manager in admin mode, else that of the membership; None for those who see nothing."""
    if in_admin_mode(actor):
        return ProjectRole.MANAGER
    if actor.account is None:
        return None
    own = Membership.objects.filter(project=project, account_id=actor.account.pk).first()
    return ProjectRole(own.role) if own else None


def rights_in(project: Project, actor: Actor) -> frozenset[str]:
    role = role_in(project, actor)
    return TABLE[role] if role else frozenset()


def is_owner(project: Project, actor: Actor) -> bool:
    """Owns it, or acts as if, in admin mode."""
    return in_admin_mode(actor) or (actor.account is not None and actor.account.pk == project.owner_id)


def fresh(project: Project) -> Project:
    """The project as it is now, its row locked until the transaction ends. Raises Gone."""
    return locked(Project.objects.select_related("owner"), project)


def check(project: Project, right: str, actor: Actor, *, archived: bool = False, personal: bool = True) -> None:
    """Raises NotYourRole, PersonalProject, Archived."""
    if right not in rights_in(project, actor):
        raise NotYourRole(
            _("Your role in this project does not include: %(what)s. Ask a manager of it.") % {"what": MAY[right]}
        )
    if project.is_personal and not personal:
        raise PersonalProject
    if project.is_archived and not archived:
        raise Archived


def check_owner(project: Project, actor: Actor) -> None:
    """Raises OnlyTheOwner, PersonalProject."""
    if not is_owner(project, actor):
        raise OnlyTheOwner
    if project.is_personal:
        raise PersonalProject
