"""Projects and who belongs to them."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.names import validate_name
from agora.base.actor import NAMES_LENGTH, Actor
from agora.base.models import Searchable, fold, one_of
from projects.roles import ProjectRole

MY_AGORA = "MyAgora"


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, actor: Actor) -> Self:
        """Projects of which the account is a member; all of them in admin mode. Superusers are members like others."""
        if in_admin_mode(actor):
            return self
        return self.of_member(actor.account.pk) if actor.account else self.none()

    def of_member(self, account_id: int) -> Self:
        return self.filter(pk__in=Membership.objects.filter(account_id=account_id).values("project_id"))

    def with_role_of(self, account_id: int) -> Self:
        """Each project with ``role``: the account's own there, None where it is no member."""
        own = Membership.objects.filter(project=OuterRef("pk"), account_id=account_id)
        return self.annotate(role=Subquery(own.values("role")[:1]))

    def with_members(self) -> Self:
        """Each project with ``members_count``."""
        rows = Membership.objects.filter(project=OuterRef("pk")).order_by().values("project")
        return self.annotate(members_count=Subquery(rows.annotate(n=models.Count("pk")).values("n")))

    def personal(self) -> Self:
        return self.filter(is_personal=True)

    def archived(self) -> Self:
        return self.filter(archived_at__isnull=False)

    def current(self) -> Self:
        return self.filter(archived_at__isnull=True)


class Project(Searchable):
    """What people work in. ``owner`` is always a member and Manager; ``is_personal`` marks the account's MyAgora."""

    name = models.CharField(_("Name"), max_length=150, validators=[validate_name])
    name_key = models.CharField(max_length=300, editable=False)
    description = models.TextField(_("Description"), max_length=2000, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    is_personal = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField(auto_now=True)
    archived_at = models.DateTimeField(null=True)

    search_fields = ("name", "description")
    audit_type = "project"
    objects = ProjectQuerySet.as_manager()
    role: str | None  # from with_role_of()
    members_count: int  # from with_members()

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        constraints = [
            models.UniqueConstraint(fields=["owner"], condition=Q(is_personal=True), name="project_one_personal"),
            models.CheckConstraint(condition=~Q(name=""), name="project_has_a_name"),
            models.CheckConstraint(
                condition=Q(is_personal=False) | Q(archived_at__isnull=True), name="project_personal_not_archived"
            ),
        ]
        indexes = [
            models.Index(fields=["name_key", "id"], name="project_by_name"),
            models.Index(fields=["created_at", "id"], name="project_by_created"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.owner.username})" if self.is_personal else self.name

    def save(self, *args: Any, update_fields: Any = None, **kwargs: Any) -> None:
        self.name_key = fold(self.name)[:300]
        if update_fields is not None:
            update_fields = {*update_fields, "modified_at", *(["name_key"] if "name" in update_fields else [])}
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def role_name(self) -> str:
        """Of the account that ``with_role_of`` asked for; empty where it is no member."""
        return str(ProjectRole(self.role).label) if self.role else ""

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


class Membership(models.Model):
    """One account in one project, with its role there."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="memberships")
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    role = models.CharField(_("Role"), max_length=20, choices=ProjectRole.choices)
    added_at = models.DateTimeField()
    added_by_name = models.CharField(max_length=NAMES_LENGTH, blank=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["account", "project"], name="membership_once"),
            one_of("role", ProjectRole, "membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.account} ({self.get_role_display()})"


def members_of(project: Project) -> "models.QuerySet[Account]":
    """The accounts of a project, each with ``membership_id``, ``project_role`` and ``added_at``."""
    own = Membership.objects.filter(project=project, account=OuterRef("pk"))
    rows: models.QuerySet[Account] = Account.objects.filter(
        pk__in=Membership.objects.filter(project=project).values("account_id")
    )
    return rows.annotate(
        membership_id=Subquery(own.values("pk")[:1]),
        project_role=Subquery(own.values("role")[:1]),
        added_at=Subquery(own.values("added_at")[:1]),
    )


def in_admin_mode(actor: Actor) -> bool:
    """Elevated, and not by acting as somebody else."""
    return actor.elevation_id is not None and actor.impersonator is None
