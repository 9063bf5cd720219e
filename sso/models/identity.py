"""Who is who: accounts by the names that providers gave them, and roles by the groups that providers name."""

from typing import Self

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role
from agora.base.models import fold, one_of
from sso.models.provider import Kind, Provider


class IdentityQuerySet(models.QuerySet["Identity"]):
    def of_account(self, account_id: int) -> Self:
        return self.filter(account_id=account_id).select_related("provider").order_by("provider__position", "pk")

    def of_provider(self, provider_id: int) -> Self:
        return self.filter(provider_id=provider_id)

    def in_directories(self, account_id: int) -> Self:
        """The account's links to enabled LDAP providers, in the order in which they are asked."""
        return self.in_all_directories(account_id).filter(provider__enabled=True)

    def in_all_directories(self, account_id: int) -> Self:
        """The same with disabled ones: the account is known there and nowhere else."""
        rows = self.filter(account_id=account_id, provider__kind=Kind.LDAP)
        return rows.select_related("provider__ldap", "account").order_by("provider__position", "pk")

    def with_both(self) -> Self:
        return self.select_related("provider", "account")

    def without_another_way(self) -> Self:
        """Of accounts that have no password of ours and no other provider that is enabled."""
        rows = Identity.objects.filter(account=OuterRef("account"), provider__enabled=True)
        others = rows.exclude(provider=OuterRef("provider"))
        return self.filter(account__password__startswith=UNUSABLE_PASSWORD_PREFIX).exclude(Exists(others))


class Identity(models.Model):
    """An account as one provider knows it: never found by e-mail address or username, which others may have too."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="identities", db_index=False)
    subject = models.CharField(max_length=255)
    username = models.CharField(max_length=255, blank=True)  # as the provider calls it, to be recognised by people
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="identities")
    created_at = models.DateTimeField()
    last_sign_in_at = models.DateTimeField(null=True)

    audit_type = "identity"
    objects = IdentityQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity")
        verbose_name_plural = _("identities")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "subject"],
                name="identity_subject_unique",
                violation_error_message=_("Another account is linked to this subject of the provider."),
            ),
            models.UniqueConstraint(
                fields=["provider", "account"],
                name="identity_one_for_a_provider",
                violation_error_message=_("This account is linked to the provider already."),
            ),
            models.CheckConstraint(condition=~Q(subject=""), name="identity_subject_not_empty"),
        ]
        indexes = [models.Index(fields=["provider", "last_sign_in_at"], name="identity_by_last_sign_in")]

    def __str__(self) -> str:
        return self.subject


class GroupRole(models.Model):
    """Members of this group of the provider have this role. The first that fits counts, by ``position``."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="group_roles")
    position = models.PositiveIntegerField()
    group = models.CharField(max_length=500)
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        verbose_name = _("role of a group")
        verbose_name_plural = _("roles of groups")
        ordering = ("position", "pk")
        constraints = [
            models.UniqueConstraint(fields=["provider", "position"], name="group_role_position_unique"),
            models.CheckConstraint(condition=~Q(group=""), name="group_role_group_not_empty"),
            one_of("role", Role, "group_role_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.group} = {self.role}"

    def fits(self, groups: tuple[str, ...]) -> bool:
        """Is the group among these? Names are compared without regard to case, as directories do."""
        return fold(self.group) in {fold(group) for group in groups}
