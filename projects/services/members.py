"""Who belongs to a project: inviting, roles, removing, leaving."""

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.models import locked
from agora.base.pages import keyset_page
from audit.events import event
from audit.services import change
from projects.models import Membership, Project
from projects.roles import ProjectRole
from projects.services.rules import PersonalProject, check, fresh

ADDED = event("project.member_added", _("Member added to a project"))
ROLE_CHANGED = event("project.member_role_changed", _("Role in a project changed"))
REMOVED = event("project.member_removed", _("Member removed from a project"))
LEFT = event("project.left", _("Project left"))

SHORTEST = 2  # letters of a search for somebody to invite
FOUND = 8


class AlreadyAMember(Refused):
    status = 409
    message = _("This account is a member already. Change its role in the list.")


class CannotInvite(Refused):
    status = 409
    message = _("This account is locked or inactive: it can't be invited.")


class NotInIt(Refused):
    status = 409
    message = _("This account is no member of the project, or no longer.")


class OwnerStays(Refused):
    status = 409
    message = _("The owner is always a manager of the project. Give the project to another member first.")


def candidates(project: Project, text: str) -> list[tuple[Account, bool]]:
    """Accounts whose name contains the text, each with whether it is a member; nothing for a single letter."""
    if len(text.strip()) < SHORTEST:
        return []
    usable: QuerySet[Account] = Account.objects.usable()
    found = keyset_page(usable, order="username_key", params={}, size=FOUND, text=text.strip()).rows
    there = set(Membership.objects.filter(project=project, account__in=found).values_list("account_id", flat=True))
    return [(account, account.pk in there) for account in found]


def add_member(project: Project, account: Account, role: str, *, actor: Actor) -> Membership:
    """Raises NotYourRole, PersonalProject, Archived, CannotInvite, AlreadyAMember."""
    role = ProjectRole(role)
    with change(ADDED, actor=actor, target=project, member=account.username, member_id=account.pk, role=role):
        current = fresh(project)
        check(current, "manage_members", actor, personal=False)
        if not account.is_usable:
            raise CannotInvite
        try:
            with transaction.atomic():
                return Membership.objects.create(
                    project=current,
                    account=account,
                    role=role,
                    added_at=actor.at,
                    added_by_name=actor.names,
                )
        except IntegrityError as error:
            raise AlreadyAMember from error


def change_member_role(membership: Membership, role: str, *, actor: Actor) -> None:
    """Raises NotYourRole, Archived, OwnerStays, Gone."""
    role, member = ProjectRole(role), membership.account
    facts = {"member": member.username, "member_id": member.pk}
    with change(ROLE_CHANGED, actor=actor, target=membership.project, **facts) as entry:
        project = fresh(membership.project)
        current = locked(Membership.objects.all(), membership)
        entry.compare({"role": current.role}, {"role": str(role)})
        check(project, "manage_members", actor)
        if current.account_id == project.owner_id and role != ProjectRole.MANAGER:
            raise OwnerStays
        current.role = role
        current.save(update_fields=["role"])


def remove_member(membership: Membership, *, actor: Actor) -> None:
    """The project is not theirs to see from the next request on. Raises NotYourRole, Archived, OwnerStays, NotInIt."""
    member = membership.account
    facts = {"member": member.username, "member_id": member.pk, "role": membership.role}
    with change(REMOVED, actor=actor, target=membership.project, **facts):
        project = fresh(membership.project)
        check(project, "manage_members", actor)
        _remove(project, member.pk)


def leave(project: Project, *, actor: Actor) -> None:
    """One goes oneself, also from an archived project. Raises PersonalProject, OwnerStays, NotInIt."""
    assert actor.account is not None
    with change(LEFT, actor=actor, target=project):
        current = fresh(project)
        if current.is_personal:
            raise PersonalProject
        _remove(current, actor.account.pk)


def _remove(project: Project, account_id: int) -> None:
    if account_id == project.owner_id:
        raise OwnerStays
    if not Membership.objects.filter(project=project, account_id=account_id).delete()[0]:
        raise NotInIt
