"""Providers: other systems that say who somebody is."""

from typing import TYPE_CHECKING, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.names import validate_name
from accounts.roles import Role
from agora.base.models import one_of

if TYPE_CHECKING:
    from sso.models.ldap import Ldap
    from sso.models.openid import OpenIdConnect
    from sso.models.saml import Saml

ALIAS = RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*\Z", _("Use lower-case letters, digits and single hyphens: hospital-ldap.")
)


class Kind(models.TextChoices):
    OPENID = "openid", _("OpenID Connect")
    SAML = "saml", _("SAML")
    LDAP = "ldap", _("LDAP")


class ProviderQuerySet(models.QuerySet["Provider"]):
    def enabled(self) -> Self:
        return self.filter(enabled=True)

    def in_order(self) -> Self:
        """As the sign-in page shows them and directories are asked."""
        return self.order_by("position", "pk")

    def directories(self) -> Self:
        """Enabled LDAP providers with their settings, in the order in which they are asked."""
        return self.enabled().filter(kind=Kind.LDAP).select_related("ldap").in_order()

    def with_buttons(self) -> Self:
        """Enabled providers that have a page of their own to sign in at."""
        return self.enabled().exclude(kind=Kind.LDAP).in_order()

    def saml(self) -> Self:
        """SAML providers with their settings, in order."""
        return self.filter(kind=Kind.SAML).with_settings().in_order()

    def has(self, pk: int) -> bool:
        """Is it still there?"""
        return self.filter(pk=pk).exists()

    def with_alias(self, alias: str) -> "Provider | None":
        return self.filter(alias=alias).first()

    def with_use(self) -> Self:
        """Each with ``linked``, how many accounts it knows, and ``last_used_at``: the last sign-in through it."""
        from sso.models.identity import Identity

        rows = Identity.objects.filter(provider=models.OuterRef("pk")).order_by()
        linked = rows.values("provider").annotate(n=models.Count("pk")).values("n")
        last = rows.values("provider").annotate(last=models.Max("last_sign_in_at")).values("last")
        return self.annotate(linked=models.Subquery(linked), last_used_at=models.Subquery(last))

    def with_settings(self) -> Self:
        """Each with the row of its kind."""
        return self.select_related("openid", "saml", "ldap")


class Provider(models.Model):
    """One source of sign-ins. What its protocol needs stands in the row of its kind: ``openid``, ``saml`` or ``ldap``.

    ``tested`` is the digest of the settings that passed the test last; ``version`` counts the changes.
    """

    kind = models.CharField(_("Kind"), max_length=6, choices=Kind.choices)
    name = models.CharField(_("Name"), max_length=100, validators=[validate_name])
    alias = models.CharField(_("Alias"), max_length=50, unique=True, validators=[ALIAS])
    enabled = models.BooleanField(_("Enabled"), default=True)
    position = models.PositiveIntegerField(default=0)
    link_by_username = models.BooleanField(_("Link by username on first sign-in"), default=False)
    create_accounts = models.BooleanField(_("Create accounts on first sign-in"), default=True)
    new_account_role = models.CharField(
        _("Role of a new account"), max_length=20, choices=Role.choices, default=Role.NONE
    )
    ask_second_factor = models.BooleanField(_("Ask for our second factor"), default=False)
    tested = models.CharField(max_length=64, blank=True)
    tested_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    audit_type = "provider"
    objects = ProviderQuerySet.as_manager()
    linked: int | None  # from with_use(), as last_used_at
    openid: "OpenIdConnect"
    saml: "Saml"
    ldap: "Ldap"

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="provider_name_unique",
                violation_error_message=_("Another provider has this name. People could not tell them apart."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="provider_name_not_empty"),
            models.CheckConstraint(condition=~Q(alias=""), name="provider_alias_not_empty"),
            one_of("kind", Kind, "provider_kind_known"),
            one_of("new_account_role", Role, "provider_role_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def settings(self) -> "OpenIdConnect | Saml | Ldap":
        """The row of its kind."""
        found: OpenIdConnect | Saml | Ldap = getattr(self, self.kind)
        return found

    @property
    def kind_name(self) -> str:
        return str(Kind(self.kind).label)

    @property
    def asks_second_factor(self) -> bool:
        """Ours: always after a password, which a directory's is; else as the provider says."""
        return self.kind == Kind.LDAP or self.ask_second_factor
