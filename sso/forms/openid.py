"""The settings of OpenID Connect."""

from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sso.claims import ProviderRefused
from sso.forms import NARROW
from sso.forms.kind import KindForm
from sso.models import OpenIdConnect
from sso.openid.discovery import WELL_KNOWN, encrypted


class OpenIdForm(KindForm):
    discovery_endpoint = forms.URLField(
        label=_("Discovery Endpoint"),
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(attrs=NARROW),
        help_text=_("As in https://hostname/realms/master/.well-known/openid-configuration."),
    )

    goes_to = ("client_id", "discovery_endpoint")
    groups_from = "groups_claim"

    class Meta:
        model = OpenIdConnect
        fields = (
            "client_id", "client_secret", "discovery_endpoint", "scopes", "username_claim", "email_claim",
            "first_name_claim", "last_name_claim", "groups_claim",
        )  # fmt: skip
        widgets = {
            name: forms.TextInput(attrs=NARROW)
            for name in (
                "client_id", "scopes", "username_claim", "email_claim", "first_name_claim", "last_name_claim",
                "groups_claim",
            )
        }  # fmt: skip

    def clean_discovery_endpoint(self) -> str:
        """Where the provider's document stands (OpenID Connect Discovery 1.0, 4), not to be changed on the way."""
        url: str = self.cleaned_data["discovery_endpoint"]
        if not urlsplit(url).path.endswith(WELL_KNOWN):
            raise ValidationError(_("Name the document itself: its address ends with %(end)s.") % {"end": WELL_KNOWN})
        try:
            return encrypted(url)
        except ProviderRefused as refused:
            raise ValidationError(str(refused)) from refused
