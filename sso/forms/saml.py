"""The settings of SAML."""

from django import forms
from django.utils.translation import gettext_lazy as _

from agora.base.forms import Switch
from sso.forms import NARROW
from sso.forms.kind import KindForm
from sso.models import Saml


class SamlForm(KindForm):
    metadata_url = forms.URLField(
        label=_("Metadata URL"),
        max_length=500,
        required=False,
        assume_scheme="https",
        widget=forms.URLInput(attrs=NARROW),
    )

    class Meta:
        model = Saml
        fields = (
            "metadata_url", "metadata_xml", "idp_entity_id", "sp_entity_id", "username_attribute", "email_attribute",
            "first_name_attribute", "last_name_attribute", "groups_attribute", "sign_requests", "allow_idp_initiated",
        )  # fmt: skip
        widgets = {
            "metadata_xml": forms.Textarea(attrs=NARROW | {"rows": 6}),
            "idp_entity_id": forms.TextInput(attrs=NARROW),
            "sp_entity_id": forms.TextInput(attrs=NARROW),
            "sign_requests": Switch,
            "allow_idp_initiated": Switch,
        }
