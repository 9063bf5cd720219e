"""What SAML needs to know of a provider, and the key that we sign with."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import EncryptedField, one_of
from sso.models.provider import Provider

ENTITY_ID = 1024  # characters at most (SAML 2.0 Core, 8.3.6)


class Saml(models.Model):
    """The identity provider's metadata, who we are to it, and the names of the attributes that we read (SAML 2.0).

    ``metadata_xml`` was pasted. ``metadata_copy`` is the last good answer of ``metadata_copied_from``; it counts while
    that is the ``metadata_url``, and is no setting: a new one leaves the settings as they were tested.
    """

    provider = models.OneToOneField(Provider, models.CASCADE, primary_key=True, related_name="saml")
    metadata_url = models.URLField(_("Metadata URL"), max_length=500, blank=True)
    metadata_xml = models.TextField(_("Metadata"), blank=True)
    metadata_copy = models.TextField(blank=True, editable=False)
    metadata_copied_from = models.CharField(max_length=500, blank=True, editable=False)
    metadata_fetched_at = models.DateTimeField(null=True, editable=False)
    idp_entity_id = models.CharField(_("Identity Provider Entity ID"), max_length=ENTITY_ID)
    sp_entity_id = models.CharField(_("Service Provider Entity ID"), max_length=ENTITY_ID)
    username_attribute = models.CharField(_("Attribute for the username"), max_length=255, default="uid", blank=True)
    email_attribute = models.CharField(
        _("Attribute for the e-mail address"), max_length=255, default="mail", blank=True
    )
    first_name_attribute = models.CharField(
        _("Attribute for the first name"), max_length=255, default="givenName", blank=True
    )
    last_name_attribute = models.CharField(_("Attribute for the last name"), max_length=255, default="sn", blank=True)
    groups_attribute = models.CharField(_("Attribute for the groups"), max_length=255, default="groups", blank=True)
    sign_requests = models.BooleanField(_("Sign requests"), default=False)
    allow_idp_initiated = models.BooleanField(_("Allow sign-in begun at the provider"), default=False)

    secrets = ()
    names_people = ("idp_entity_id",)  # who says what a subject is: elsewhere the same one is somebody else
    fetched = ("metadata_copy", "metadata_copied_from", "metadata_fetched_at")

    class Meta:
        verbose_name = _("SAML provider")
        verbose_name_plural = _("SAML providers")
        constraints = [
            models.CheckConstraint(condition=~Q(metadata_url="") | ~Q(metadata_xml=""), name="saml_has_metadata"),
            models.CheckConstraint(condition=~Q(idp_entity_id="") & ~Q(sp_entity_id=""), name="saml_names_both_sides"),
        ]

    def __str__(self) -> str:
        return self.idp_entity_id

    @property
    def known_metadata(self) -> str:
        """The last good copy of the URL's; until there is one, or without a URL, what was pasted. May be empty."""
        copied = self.metadata_copy if self.metadata_url and self.metadata_copied_from == self.metadata_url else ""
        return copied or self.metadata_xml


class KeyState(models.TextChoices):
    """The next key is announced before it signs, the previous one still decrypts after it did."""

    NEXT = "next", _("Next")
    ACTIVE = "active", _("Active")
    PREVIOUS = "previous", _("Previous")


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def active(self) -> Self:
        return self.filter(state=KeyState.ACTIVE)

    def in_order(self) -> Self:
        """The oldest first."""
        return self.order_by("pk")


class SigningKey(models.Model):
    """A key pair of this server as a service provider, with its self-signed certificate (PEM)."""

    state = models.CharField(max_length=8, choices=KeyState.choices)
    certificate = models.TextField()
    private_key = EncryptedField()
    created_at = models.DateTimeField()
    not_after = models.DateTimeField()

    audit_type = "signing_key"
    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        constraints = [
            models.UniqueConstraint(fields=["state"], name="signing_key_one_of_each_state"),
            one_of("state", KeyState, "signing_key_state_known"),
        ]

    def __str__(self) -> str:
        return f"k-{self.pk}"
