"""What people type about an API key."""

from datetime import date, datetime, time, timedelta
from ipaddress import ip_network
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import KeyLogin
from accounts.names import validate_name
from api_keys.models import ApiKey

MOST_NETWORKS = 100


class KeyForm(forms.Form):
    """Name and limits, for a new key and for changing one."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        validators=[validate_name],
        help_text=_("What will use it: “Backup script”, “Encoder in studio 2”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        required=False,
        help_text=_("It stops working at the end of this day. Empty: it does not expire."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    read_only = forms.BooleanField(
        label=_("Read only"), required=False, help_text=_("It can look at everything you may see and change nothing.")
    )
    networks = forms.CharField(
        label=_("Addresses"),
        required=False,
        max_length=5_000,
        help_text=_("One address or network a line, such as 192.0.2.7 or 10.0.0.0/8. Empty: it works from anywhere."),
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
    )

    present: datetime | None = None  # when the key ends now, where it is changed

    @classmethod
    def of_key(cls, key: ApiKey, data: QueryDict | None = None) -> "KeyForm":
        """With the key's present values."""
        last_day = timezone.localtime(key.expires_at - timedelta(microseconds=1)).date() if key.expires_at else None
        values = {"name": key.name, "expires_on": last_day, "read_only": key.read_only}
        form = cls(data, initial=values | {"networks": "\n".join(key.networks)})
        form.present = key.expires_at
        return form

    def clean_expires_on(self) -> Any:
        day = self.cleaned_data["expires_on"]
        if day is None or self.keeps(day):
            return day
        if day < timezone.localdate():
            raise forms.ValidationError(_("This day has passed. Choose today or a later one."))
        if day.year > 9000:
            raise forms.ValidationError(_("Choose a year before 9000."))
        return day

    def clean_networks(self) -> list[str]:
        return parse_networks(self.cleaned_data["networks"].split())

    def keeps(self, day: date | None) -> bool:
        """Is it the day that stands there already? Then the moment of the end stays what it is, passed or not."""
        return self.present is not None and day == self.initial["expires_on"]

    @property
    def limits(self) -> dict[str, Any]:
        """As the services take them."""
        day = self.cleaned_data["expires_on"]
        ends = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min)) if day else None
        ends = self.present if self.keeps(day) else ends
        return {
            "name": self.cleaned_data["name"],
            "expires_at": ends,
            "read_only": self.cleaned_data["read_only"],
            "networks": self.cleaned_data["networks"],
        }


def parse_networks(parts: list[str]) -> list[str]:
    """Addresses and networks in their usual spelling, each once. Raises ValidationError naming what is neither."""
    found, wrong = [], []
    for part in parts[: MOST_NETWORKS + 1]:
        try:
            found.append(str(ip_network(part.strip().rstrip(","), strict=False)))
        except ValueError:
            wrong.append(_("“%(part)s” is no address or network. Write it as 192.0.2.7 or 10.0.0.0/8.")
                         % {"part": part[:60]})  # fmt: skip
    if len(parts) > MOST_NETWORKS:
        wrong.append(_("More than %(most)d addresses. Combine them into networks.") % {"most": MOST_NETWORKS})
    if wrong:
        raise forms.ValidationError(wrong)
    return list(dict.fromkeys(found))


class KeyLoginForm(forms.Form):
    """Does the account follow the server's switch?"""

    key_login = forms.ChoiceField(label=_("Allow API Key Login"), choices=KeyLogin.choices)
