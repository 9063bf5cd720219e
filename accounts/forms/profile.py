"""The forms of one's own profile."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import AccountForm
from accounts.forms.sign_in import NewPasswordForm
from accounts.models import Account, time_zone_names
from accounts.services.accounts import PREFERENCE_FIELDS
from agora.base.forms import Switch


def time_zones() -> list[tuple[str, str]]:
    """The zones of the world by name, UTC first."""
    names = sorted(name for name in time_zone_names() if "/" in name and not name.startswith("Etc/"))
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


class NamesForm(AccountForm):
    """One's own names and address; all may be empty."""

    class Meta:
        model = Account
        fields = ("first_name", "last_name", "email")


class PreferencesForm(AccountForm):
    """How pages look for this account."""

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zones)

    class Meta:
        model = Account
        fields = PREFERENCE_FIELDS
        widgets = {"shortcuts": Switch}


class OwnPasswordForm(NewPasswordForm):
    """One's own password: the current one first."""

    current_password = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("current_password", "new_password", "repeated")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password"].widget.attrs.pop("autofocus", None)

    def is_current(self, password: str) -> bool:
        """Compared with what was typed above; whether that is right is checked afterwards, with the throttle."""
        return password == self.cleaned_data.get("current_password")
