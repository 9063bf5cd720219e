"""The forms of an account: its profile, its role, its password, its lock, and a new one."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.translation import gettext_lazy as _

from accounts.forms import AccountForm
from accounts.models import Account
from accounts.names import validate_name
from accounts.roles import Role
from accounts.services.accounts import PROFILE_FIELDS


class ProfileForm(AccountForm):
    """What says who an account is. Only the fields named here can be sent (OWASP: mass assignment)."""

    class Meta:
        model = Account
        fields = PROFILE_FIELDS
        widgets = {name: forms.TextInput(attrs={"autocomplete": "off"}) for name in ("username", "external_id")}

    def clean_username(self) -> str:
        username: str = self.cleaned_data["username"]
        if Account.objects.named(username).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This username is taken. Choose another."))
        return username

    def clean_external_id(self) -> str:
        external_id: str = self.cleaned_data["external_id"]
        if external_id and Account.objects.filter(external_id=external_id).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another account has this external account id."))
        return external_id


def wants_superuser(form: forms.BaseForm) -> bool:
    """Was the flag sent? Also by those to whom it isn't shown: the service refuses them, and records that."""
    return bool(forms.CheckboxInput().value_from_datadict(form.data, form.files, form.add_prefix("superuser")))


class RoleForm(forms.Form):
    """The system role and, for superusers only, the superuser flag."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    superuser = forms.BooleanField(
        label=_("Superuser"),
        required=False,
        help_text=_("An Administrator who may also impersonate, use admin mode and make superusers."),
    )

    def __init__(self, *args: Any, may_make_superusers: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_make_superusers:
            del self.fields["superuser"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        values["superuser"] = wants_superuser(self)
        return values

    @property
    def reviewed(self) -> tuple[str, bool] | None:
        """The role and the flag of which the confirmation told what is gained and lost; None where none told it."""
        role = self.data.get("reviewed_role")
        return None if role is None else (role, self.data.get("reviewed_superuser") == "on")


class SetPasswordForm(forms.Form):
    """A password that an administrator sets for somebody else. The service says whether it is good enough."""

    new_password = forms.CharField(
        label=_("New password"),
        strip=False,
        max_length=128,
        help_text=_("At least 12 characters."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Type a password first.")},
    )
    temporary = forms.BooleanField(
        label=_("Must be changed at the next sign-in"),
        required=False,
        initial=True,
        help_text=_("All sessions of the account end in any case."),
    )


class LockForm(forms.Form):
    """Why: read by the next shift, and by the account's administrators."""

    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=_("Kept with the lock and in the audit log."),
    )


class CreateForm(ProfileForm):
    """A new account: username and role; a password now, or none yet."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.NONE)
    superuser = forms.BooleanField(
        label=_("Superuser"),
        required=False,
        help_text=_("An Administrator who may also impersonate, use admin mode and make superusers."),
    )
    credentials = forms.ChoiceField(
        label=_("How this account signs in"),
        choices=[("password", _("With the password below")), ("none", _("No password yet"))],
        initial="password",
        widget=forms.RadioSelect,
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=128,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters."),
        error_messages={"required": _("Type a password, or choose “No password yet”.")},
    )
    temporary = forms.BooleanField(label=_("Must be changed at the next sign-in"), required=False, initial=True)
    use_required_attribute = False  # a browser would insist on a password that "No password yet" hides

    def __init__(self, *args: Any, may_make_superusers: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].required = self.data.get("credentials") != "none"
        if not may_make_superusers:
            del self.fields["superuser"]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        values["superuser"] = wants_superuser(self)
        if values.get("credentials") == "none":
            values["password"] = None
            self.errors.pop("password", None)
        elif password := values.get("password"):
            self._check(password)
        return values

    def _check(self, password: str) -> None:
        profile = {name: self.cleaned_data.get(name) or "" for name in PROFILE_FIELDS}
        try:
            validate_password(password, Account(**profile))
        except forms.ValidationError as error:
            self.add_error("password", error)
