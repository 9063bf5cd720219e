"""The forms of people without a session: a forgotten password, a new account."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from accounts.forms import AccountForm
from accounts.forms.sign_in import NewPasswordForm
from accounts.models import Account


class ForgotForm(forms.Form):
    """Which account; what is typed is looked up later, by a worker."""

    account = forms.CharField(
        label=_("Username or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}),
    )


class ResetForm(NewPasswordForm):
    """A new password by a link. Whether it is the former one is not said: the link's holder need not know that one."""

    def is_current(self, password: str) -> bool:
        return False


class RegisterForm(AccountForm):
    """A new account of one's own."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=128,
        help_text=_("At least 12 characters. A sentence is easy to remember and hard to guess."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Account
        fields = ("username", "email")
        widgets = {
            "username": forms.TextInput(
                attrs={"autocomplete": "username", "autocapitalize": "none", "autofocus": True}
            ),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }

    def __init__(self, *args: Any, email_required: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].required = email_required
        if email_required:
            self.fields["email"].help_text = _("A link is sent there; the account is made when you open it.")

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if Account.objects.named(username).exists():
            raise forms.ValidationError(_("This username is taken. Choose another."))
        return username

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if password := values.get("password"):
            try:
                validate_password(password, Account(username=values.get("username", ""), email=values.get("email", "")))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return values
