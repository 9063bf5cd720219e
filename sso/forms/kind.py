"""The form of one kind's settings. A secret is never sent back: a box that stays empty keeps what is stored."""

import json
from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _

from agora.base.models import Unreadable, decrypted, encrypted
from sso.forms import KindModelForm

KEPT_FOR = timedelta(minutes=30)


class KindForm(KindModelForm):
    """``goes_to`` names the fields that say where a secret is sent: where one of them changes, the stored secret is
    not sent there before somebody types it who knows it.

    When the form comes back with an error, what was typed into a secret's box goes along encrypted, of use only to the
    same person and in the same box.

    ``groups_from`` is the field without which nobody's groups are known.
    """

    goes_to: tuple[str, ...] = ()
    groups_from = ""

    def __init__(self, *args: Any, person: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person, self.typed = person, dict[str, str]()
        self.before = {name: self.initial.get(name) for name in self.goes_to}
        self.stored = {name: str(getattr(self.instance, name)) for name in self.secret_names}
        self.unreadable = [
            self.fields[name].label
            for name in self.secret_names
            if isinstance(getattr(self.instance, name), Unreadable)
        ]
        for name in self.secret_names:
            self.initial[name] = ""
            field = self.fields[name]
            field.required = False
            field.widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
            field.widget.is_required = False
            field.help_text = _("Stored. Empty: unchanged.") if self.stored[name] else _("Not set.")

    @property
    def secret_names(self) -> tuple[str, ...]:
        names: tuple[str, ...] = self.instance.secrets
        return names

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        moved = [name for name in self.goes_to if name in values and values[name] != self.before[name]]
        for name in self.secret_names:
            typed = values.get(name) or self._kept(name)
            if typed:
                self.typed[name] = typed
                self.fields[name].help_text = _("Typed a moment ago and not saved yet. Empty: that one.")
            elif self.stored[name] and moved and self.needs_secret(name, values):
                label = ", ".join(str(self.fields[one].label) for one in moved)
                self.add_error(
                    name, _("Type it again: the stored one goes nowhere else (%(changed)s).") % {"changed": label}
                )
            values[name] = typed or (self.stored[name] if self.needs_secret(name, values) else "")
        return values

    def needs_secret(self, name: str, values: dict[str, Any]) -> bool:
        """Is the secret of any use with what was typed? Else it is not kept."""
        return True

    @property
    def reads_groups(self) -> bool:
        """Of a valid form: can roles by group mean anything?"""
        return bool(self.cleaned_data.get(self.groups_from))

    def kept_boxes(self) -> list[tuple[str, str]]:
        """(name, value) of hidden boxes that carry the typed secrets of a form that comes back."""
        until = (timezone.now() + KEPT_FOR).timestamp()
        return [
            (f"{name}_kept", encrypted(json.dumps([self.person, name, value, until])))
            for name, value in self.typed.items()
        ]

    def _kept(self, name: str) -> str:
        try:
            person, box, value, until = json.loads(decrypted(str(self.data.get(f"{name}_kept", "")))) or ["", "", "", 0]
        except (ValueError, TypeError):
            return ""
        ours = (person, box) == (self.person, name) and until > timezone.now().timestamp()
        return str(value) if ours else ""
