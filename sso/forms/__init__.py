"""What administrators may type about providers."""

from typing import TYPE_CHECKING, Any

from django import forms

from sso.models import Provider

NARROW = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}

if TYPE_CHECKING:
    ProviderModelForm = forms.ModelForm[Provider]
    KindModelForm = forms.ModelForm[Any]
else:
    ProviderModelForm = KindModelForm = forms.ModelForm  # generic for the type checker only
