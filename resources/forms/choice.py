"""Choosing one resource: from a list while it is short, by its name where there are too many to list."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from agora.base.models import fold
from resources.models import Resource
from resources.models.resource import KEY_LENGTH, ResourceQuerySet

LISTED = 100  # resources that a list offers


class ResourceField(forms.Field):
    """One of the rows that ``offer`` is told: a list of them, or a text field for name, title or id."""

    default_error_messages = {"none": gettext_lazy("Nothing that you may see is called so. Type its name or its id.")}

    def __init__(self, *, nothing: Any = "", **kwargs: Any) -> None:
        super().__init__(widget=forms.Select, **kwargs)
        self.nothing = nothing
        self.rows: ResourceQuerySet = Resource.objects.none()

    def offer(self, rows: ResourceQuerySet, chosen: str = "") -> None:
        """``chosen``: the id of one that is listed however many there are, for a link named it."""
        self.rows = rows
        first = list(rows.order_by("label_key", "pk")[: LISTED + 1])
        named = [] if any(str(row.pk) == chosen for row in first) else list(rows.numbered(chosen))
        if len(first) > LISTED and not chosen:
            self.widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "maxlength": KEY_LENGTH})
            self.widget.is_required = self.required
            self.help_text = _("There are too many to list. Type its name, its title or its id.")
        elif isinstance(self.widget, forms.Select):
            self.widget.choices = self._choices([*named, *first[:LISTED]])

    def _choices(self, rows: Iterable[Resource]) -> list[tuple[str, str]]:
        empty = [] if self.required and not self.nothing else [("", str(self.nothing))]
        return [*empty, *((str(row.pk), row.label) for row in rows)]

    def to_python(self, value: Any) -> Resource | None:
        if value in self.empty_values:
            return None
        text = str(value).replace("\x00", "\ufffd").strip()  # PostgreSQL takes no NUL, and no name has one
        if isinstance(self.widget, forms.TextInput) and not isinstance(value, int):
            key = fold(text)[:KEY_LENGTH]
            called = list((self.rows.filter(name_key=key) | self.rows.filter(label_key=key)).order_by("pk")[:9])
            if len(called) > 1:
                ids = ", ".join(str(row.pk) for row in called)
                raise ValidationError(_("Several are called so. Type the id of one: %(ids)s.") % {"ids": ids})
            if called:
                return called[0]
        found: Resource | None = self.rows.numbered(text).first()
        if found is None:
            raise ValidationError(self.error_messages["none"], code="none")
        return found
