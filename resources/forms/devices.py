"""What people may type about a device of a streamer."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.names import validate_name
from agora.base.forms import Switch
from resources.models.device import Hardware

NARROW = {"autocomplete": "off", "spellcheck": "false"}


class DeviceForm(forms.Form):
    """A device of a streamer that stays the same."""

    name = forms.CharField(
        label=_("Name"), max_length=100, validators=[validate_name], widget=forms.TextInput(attrs=NARROW)
    )
    hardware = forms.ChoiceField(label=_("Connector"), choices=Hardware.choices, initial=Hardware.HDMI)
    card_id = forms.CharField(
        label=_("Card id"),
        max_length=100,
        validators=[validate_name],
        widget=forms.TextInput(attrs=NARROW),
        help_text=_("How the streamer knows the board or its port."),
    )
    vendor = forms.CharField(
        label=_("Vendor"),
        max_length=100,
        required=False,
        validators=[validate_name],
        widget=forms.TextInput(attrs=NARROW),
    )
    raw = forms.BooleanField(
        label=_("Raw"), required=False, widget=Switch, help_text=_("The card hands over frames as they are.")
    )
