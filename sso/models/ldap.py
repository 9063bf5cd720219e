"""What LDAP needs to know of a directory."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import EncryptedField, one_of
from sso.models.provider import Provider

DN = 1000  # characters
LDAPS = (636, 3269)  # encrypted from the first octet on; the second is Active Directory's global catalogue


class Scope(models.TextChoices):
    """How deep a search looks below its base (RFC 4511, 4.5.1.2; Subordinate: the same without the base itself)."""

    BASE = "base", _("Base")
    ONE_LEVEL = "one", _("One Level")
    SUBTREE = "sub", _("Subtree")
    SUBORDINATE = "subordinate", _("Subordinate")


class GroupType(models.TextChoices):
    """How the directory says who is in a group."""

    NAMES = "group_of_names", _("groupOfNames: the group lists its members (member)")
    UNIQUE_NAMES = "group_of_unique_names", _("groupOfUniqueNames: the group lists its members (uniqueMember)")
    POSIX = "posix_group", _("posixGroup: the group lists usernames (memberUid)")
    MEMBER_OF = "member_of", _("memberOf: the person's entry lists its groups")
    ACTIVE_DIRECTORY = "active_directory", _("Active Directory: groups within groups as well")


class Ldap(models.Model):
    """Where the directory is, how it is asked, and which of its people may come in (RFC 4511, 4513)."""

    provider = models.OneToOneField(Provider, models.CASCADE, primary_key=True, related_name="ldap")
    server_address = models.CharField(_("Server Address"), max_length=253)
    port = models.PositiveIntegerField(
        _("Port"), default=636, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    use_tls = models.BooleanField(_("Secure LDAP using TLS"), default=True)
    ca_certificate = models.TextField(_("Own certificate authority"), blank=True)
    admin_bind_dn = models.CharField(_("Admin Bind DN"), max_length=DN, blank=True)
    admin_bind_password = EncryptedField(_("Admin Bind Password"), blank=True)
    user_search_dn = models.CharField(_("User Search DN"), max_length=DN)
    user_search_scope = models.CharField(
        _("User Search Scope"), max_length=11, choices=Scope.choices, default=Scope.SUBTREE
    )
    user_id_attribute = models.CharField(_("User ID Attribute"), max_length=100, default="uid")
    group_search_dn = models.CharField(_("Group Search DN"), max_length=DN, blank=True)
    group_search_scope = models.CharField(
        _("Group Search Scope"), max_length=11, choices=Scope.choices, default=Scope.SUBTREE
    )
    group_type = models.CharField(
        _("Kind of groups"), max_length=21, choices=GroupType.choices, default=GroupType.NAMES
    )
    require_group = models.CharField(_("Require Group"), max_length=DN, blank=True)
    deny_group = models.CharField(_("Deny Group"), max_length=DN, blank=True)
    superuser_group = models.CharField(_("Superuser Group"), max_length=DN, blank=True)

    secrets = ("admin_bind_password",)
    names_people = ("server_address", "user_search_dn")  # who says what a subject is: elsewhere it is somebody else

    class Meta:
        verbose_name = _("LDAP directory")
        verbose_name_plural = _("LDAP directories")
        constraints = [
            models.CheckConstraint(
                condition=~Q(server_address="") & ~Q(user_search_dn="") & ~Q(user_id_attribute=""),
                name="ldap_complete",
            ),
            one_of("user_search_scope", Scope, "ldap_user_scope_known"),
            one_of("group_search_scope", Scope, "ldap_group_scope_known"),
            one_of("group_type", GroupType, "ldap_group_type_known"),
        ]

    def __str__(self) -> str:
        return self.url

    @property
    def url(self) -> str:
        """``ldaps`` on the ports that were made for it; elsewhere the conversation becomes encrypted by StartTLS."""
        host = f"[{self.server_address}]" if ":" in self.server_address else self.server_address
        return f"{'ldaps' if self.implicit_tls else 'ldap'}://{host}:{self.port}"

    @property
    def implicit_tls(self) -> bool:
        return self.use_tls and self.port in LDAPS
