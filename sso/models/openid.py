"""What OpenID Connect needs to know of a provider."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agora.base.models import EncryptedField
from sso.models.provider import Provider


class OpenIdConnect(models.Model):
    """The client that we are at the provider, and the names of the claims that we read (OpenID Connect Core 1.0)."""

    provider = models.OneToOneField(Provider, models.CASCADE, primary_key=True, related_name="openid")
    client_id = models.CharField(_("Client ID"), max_length=255)
    client_secret = EncryptedField(_("Client Secret"), blank=True)
    discovery_endpoint = models.URLField(_("Discovery Endpoint"), max_length=500)
    scopes = models.CharField(_("Scopes"), max_length=255, default="openid profile email")
    username_claim = models.CharField(_("Claim for the username"), max_length=100, default="preferred_username")
    email_claim = models.CharField(_("Claim for the e-mail address"), max_length=100, default="email", blank=True)
    first_name_claim = models.CharField(_("Claim for the first name"), max_length=100, default="given_name", blank=True)
    last_name_claim = models.CharField(_("Claim for the last name"), max_length=100, default="family_name", blank=True)
    groups_claim = models.CharField(_("Claim for the groups"), max_length=100, default="groups", blank=True)

    secrets = ("client_secret",)
    names_people = ("discovery_endpoint",)  # who says what a subject is: elsewhere the same one is somebody else

    class Meta:
        verbose_name = _("OpenID Connect provider")
        verbose_name_plural = _("OpenID Connect providers")
        constraints = [
            models.CheckConstraint(
                condition=~Q(client_id="") & ~Q(discovery_endpoint="") & ~Q(username_claim=""), name="openid_complete"
            )
        ]

    def __str__(self) -> str:
        return self.client_id
