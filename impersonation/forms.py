"""What a superuser says before acting as somebody else."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.names import validate_name
from agora.base.forms import RadioCards
from sessions_admin.models import ElevationMode


class StartForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Read by security. Name the request or ticket that asks for it."),
        error_messages={"required": _("Say why: security reads it.")},
    )
    mode = forms.ChoiceField(
        label=_("What you may do"),
        choices=[(mode.value, mode.label) for mode in (ElevationMode.LOOK, ElevationMode.ACT)],
        initial=ElevationMode.LOOK,
        widget=RadioCards(
            descriptions={
                "look": _("You see what they see. Every change is refused."),
                "act": _("You can do what they can do, except with passwords and keys. All of it under both names."),
            }
        ),
    )
