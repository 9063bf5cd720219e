"""What people may type about accounts, by page."""

from typing import TYPE_CHECKING

from django import forms

from accounts.models import Account

if TYPE_CHECKING:
    AccountForm = forms.ModelForm[Account]
else:
    AccountForm = forms.ModelForm  # generic for the type checker only
