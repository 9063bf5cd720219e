"""Creating projects, changing, archiving and deleting them."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.errors import Refused
from audit.events import event
from audit.services import change, record, values_of
from projects.models import MY_AGORA, Membership, Project, in_admin_mode
from projects.roles import ProjectRole
from projects.services.rules import MayNotCreate, check, check_owner, fresh, may_create

CREATED = event("project.created", _("Project created"))
CHANGED = event("project.changed", _("Project changed"))
ARCHIVED = event("project.archived", _("Project archived"))
RESTORED = event("project.restored", _("Project brought back from the archive"))
TRANSFERRED = event("project.transferred", _("Project given to another owner"))
DELETED = event("project.deleted", _("Project deleted"))
OPENED = event("project.opened", _("Project opened in admin mode"))


class NameDiffers(Refused):
    status = 422
    message = _("This is not the name of the project. Type it exactly to delete it.")


class NotArchived(Refused):
    status = 409
    message = _("This project is not archived.")


class NotAMember(Refused):
    status = 409
    message = _("The new owner must be a member of the project. Invite them first.")


class CannotOwn(Refused):
    status = 409
    message = _("This account is locked or inactive: it can't own a project. Choose another member.")


class AlreadyTheOwner(Refused):
    status = 409
    message = _("This project is theirs already.")


def my_agora(account: Account, *, actor: Actor) -> Project:
    """The account's private project, made now if this is the first visit: once, however many ask at the same time."""
    rows = Project.objects.personal().select_related("owner")
    found = rows.filter(owner=account).first()
    if found is not None:
        return found
    try:
        with transaction.atomic():
            made = _create(Project(name=MY_AGORA, owner=account, is_personal=True), actor=actor)
            record(CREATED, actor=actor, target=made, name=MY_AGORA, personal=True)
            return made
    except IntegrityError:  # another request was first
        return rows.get(owner=account)


def create_project(name: str, description: str = "", *, actor: Actor) -> Project:
    """A new project, owned by who makes it. Raises MayNotCreate."""
    assert isinstance(actor.account, Account)
    project = Project(name=name, description=description, owner=actor.account)
    with change(CREATED, actor=actor, target=project, name=name):
        if not may_create(actor.account):
            raise MayNotCreate
        _create(project, actor=actor)
    return project


def _create(project: Project, *, actor: Actor) -> Project:
    project.created_at = actor.at
    project.save(force_insert=True)
    owner = {"account": project.owner, "role": ProjectRole.MANAGER}
    Membership.objects.create(project=project, **owner, added_at=actor.at, added_by_name=actor.names)
    return project


def change_project(project: Project, values: dict[str, Any], *, actor: Actor) -> Project:
    """Change name and description; only what differs is written. Raises NotYourRole, Archived, PersonalProject."""
    with change(CHANGED, actor=actor, target=project) as entry:
        current = fresh(project)
        changes = entry.compare(values_of(current, values), values)
        check(current, "change_settings", actor, personal="name" not in changes)
        for name in changes:
            setattr(current, name, values[name])
        if changes:
            current.save(update_fields=list(changes))
    return current


def archive(project: Project, *, actor: Actor) -> Project:
    """Nothing in it changes any more, until it is restored. Raises NotYourRole, Archived, PersonalProject."""
    with change(ARCHIVED, actor=actor, target=project):
        current = fresh(project)
        check(current, "change_settings", actor, personal=False)
        current.archived_at = actor.at
        current.save(update_fields=["archived_at"])
    return current


def restore(project: Project, *, actor: Actor) -> Project:
    """Raises NotYourRole, NotArchived."""
    with change(RESTORED, actor=actor, target=project):
        current = fresh(project)
        check(current, "change_settings", actor, archived=True)
        if not current.is_archived:
            raise NotArchived
        current.archived_at = None
        current.save(update_fields=["archived_at"])
    return current


def transfer(project: Project, account: Account, *, actor: Actor) -> Project:
    """Give it to another member, who becomes Manager; the former owner stays one.

    Raises OnlyTheOwner, PersonalProject, Archived, NotAMember, CannotOwn, AlreadyTheOwner.
    """
    with change(TRANSFERRED, actor=actor, target=project) as entry:
        current = fresh(project)
        entry.details["changes"] = {"owner": [current.owner.username, account.username]}
        check_owner(current, actor)
        check(current, "change_settings", actor)
        if current.owner_id == account.pk:
            raise AlreadyTheOwner
        if not account.is_usable:
            raise CannotOwn
        if not Membership.objects.filter(project=current, account=account).update(role=ProjectRole.MANAGER):
            raise NotAMember
        current.owner = account
        current.save(update_fields=["owner"])
    return current


def contents(project: Project) -> dict[str, int]:
    """What goes with the project, counted now, by the name of its kind."""
    return {"members": Membership.objects.filter(project=project).count()}


def delete_project(project: Project, typed: str, *, actor: Actor) -> None:
    """For good, with all that is in it; the audit log keeps its history. ``typed`` must be its name.

    Raises OnlyTheOwner, PersonalProject, NameDiffers.
    """
    with change(DELETED, actor=actor, target=project, name=project.name) as entry:
        current = fresh(project)
        check_owner(current, actor)
        if typed.strip() != current.name:
            raise NameDiffers
        entry.details |= {"owner": current.owner.username, "gone": contents(current)}
        pk = current.pk
        current.delete()
        current.pk = pk
        entry.target = current


def note_opening(project: Project, *, actor: Actor) -> None:
    """In admin mode, every look into a project of others is an entry."""
    if not in_admin_mode(actor) or actor.account is None:
        return
    if not Membership.objects.filter(project=project, account_id=actor.account.pk).exists():
        record(OPENED, actor=actor, target=project, personal=project.is_personal, owner=project.owner.username)
