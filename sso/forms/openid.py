"""The settings of OpenID Connect."""

from django import forms
from django.utils.translation import gettext_lazy as _

from sso.forms import NARROW
from sso.forms.kind import KindForm
from sso.models import OpenIdConnect


class OpenIdForm(KindForm):
    discovery_endpoint = forms.URLField(
        label=_("Discovery Endpoint"), max_length=500, assume_scheme="https", widget=forms.URLInput(attrs=NARROW)
    )

    goes_to = ("client_id", "discovery_endpoint")

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
