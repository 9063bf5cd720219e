"""The settings of SAML."""

from typing import Any

from django import forms
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.forms import Switch
from settings_admin.models import ServerSettings
from sso.forms import NARROW
from sso.forms.kind import KindForm
from sso.models import Saml
from sso.saml.metadata import BadMetadata, entity_ids, is_safe, understand


class SamlForm(KindForm):
    """Entity ids that stay empty are filled in where there is only one answer."""

    metadata_url = forms.URLField(
        label=gettext_lazy("Metadata URL"),
        help_text=gettext_lazy("Fetched every six hours, so that a new key of the provider is known."),
        max_length=500,
        required=False,
        assume_scheme="https",
        widget=forms.URLInput(attrs=NARROW),
    )

    groups_from = "groups_attribute"

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
            "username_attribute": forms.TextInput(attrs=NARROW),
            "email_attribute": forms.TextInput(attrs=NARROW),
            "first_name_attribute": forms.TextInput(attrs=NARROW),
            "last_name_attribute": forms.TextInput(attrs=NARROW),
            "groups_attribute": forms.TextInput(attrs=NARROW),
            "sign_requests": Switch,
            "allow_idp_initiated": Switch,
        }
        help_texts = {
            "metadata_xml": gettext_lazy("Instead of the URL, or until it answers for the first time."),
            "idp_entity_id": gettext_lazy("As the metadata names it. Empty: the only one in the pasted metadata."),
            "sp_entity_id": gettext_lazy(
                "What the provider knows this server by. Empty: the address of this server's metadata."
            ),
            "username_attribute": gettext_lazy("Name or friendly name. Empty: the NameID is the username."),
            "sign_requests": gettext_lazy("Always on where the provider's metadata asks for it."),
            "allow_idp_initiated": gettext_lazy(
                "From the provider's own portal. Then people can be made to sign in as somebody else unnoticed."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("idp_entity_id", "sp_entity_id"):
            self.fields[name].required = False

    def clean_metadata_url(self) -> str:
        url: str = self.cleaned_data["metadata_url"]
        if url and not is_safe(url):
            raise forms.ValidationError(_("The metadata names the keys to trust: it must come by https."))
        return url

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        url, xml = values.get("metadata_url", ""), values.get("metadata_xml", "")
        if not url and not xml and "metadata_url" not in self.errors:
            self.add_error("metadata_url", _("Type the Metadata URL, or paste the metadata below."))
        names = entity_ids(xml) if xml else []
        if not values.get("idp_entity_id"):
            values["idp_entity_id"] = names[0] if len(names) == 1 else ""
            if len(names) != 1:
                self.add_error("idp_entity_id", _("Type the entity id that the metadata gives the provider."))
        if xml and values.get("idp_entity_id"):
            try:
                understand(xml, values["idp_entity_id"])
            except BadMetadata as bad:
                self.add_error("metadata_xml", str(bad))
        values["sp_entity_id"] = values.get("sp_entity_id") or self._our_metadata()
        return values

    def _our_metadata(self) -> str:
        """The address of our metadata for the alias that was typed beside."""
        try:
            path = reverse("sso:saml-metadata", args=[str(self.data.get("alias", "")).lower()])
        except NoReverseMatch:
            self.add_error("sp_entity_id", _("Type an alias first; this name is made from it."))
            return ""
        return ServerSettings.load().absolute(path)
