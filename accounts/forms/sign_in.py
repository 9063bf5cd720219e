"""The forms of the sign-in pages."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from accounts.models import Account


class SignInForm(forms.Form):
    """No length rules here: whether a password could be right is for the check to say, in the same time as always."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class NewPasswordForm(forms.Form):
    """A new password, typed twice, checked against the account it is for."""

    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=128,
        help_text=_("At least 12 characters. A sentence is easy to remember and hard to guess."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True}),
    )
    repeated = forms.CharField(
        label=_("New password again"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, account: Account, *args: Any, **kwargs: Any) -> None:
        self.account = account
        super().__init__(*args, **kwargs)

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        validate_password(password, self.account)
        if self.is_current(password):
            raise forms.ValidationError(_("This is the password you have now. Choose another."))
        return password

    def is_current(self, password: str) -> bool:
        """Only for people who have just proved that they know it: the answer would help others to guess."""
        return self.account.check_password(password)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "new_password" in values and values.get("repeated") not in (None, values["new_password"]):
            self.add_error("repeated", _("The two passwords differ. Type the same one twice."))
        return values
