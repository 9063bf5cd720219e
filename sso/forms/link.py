"""Linking an account to what a provider calls it."""

from django import forms
from django.utils.translation import gettext_lazy as _

from sso.forms import NARROW
from sso.models import Provider


class LinkForm(forms.Form):
    provider = forms.ModelChoiceField(label=_("Provider"), queryset=Provider.objects.in_order(), empty_label=None)
    subject = forms.CharField(
        label=_("Subject"),
        max_length=255,
        widget=forms.TextInput(attrs=NARROW),
        help_text=_(
            "As the provider names the person: the audit log has it in the entry of a refused sign-in, a test in its "
            "report. For a directory the username there will do."
        ),
    )
