"""How forms are drawn: our field template around Django's widgets, two widgets and a field of our own.

Plain ``forms.Form`` and ``forms.ModelForm`` get all of it through FORM_RENDERER; there is no base class to remember.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.forms import boundfield
from django.forms.renderers import TemplatesSetting
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from agora.base.times import UNITS, in_units

CLASSES = {
    "checkbox": "check",
    "checkboxselectmultiple": "check",
    "length": "",
    "radioselect": "radio",
    "radiocards": "radio",
    "select": "",
    "switch": "",
    "textarea": "input area",
}

LENGTH_UNITS = list(
    zip([int(unit.total_seconds()) for unit in UNITS], [_("days"), _("hours"), _("minutes")], strict=True)
)


class BoundField(boundfield.BoundField):
    """Adds our classes, and moves the focus to the first field with an error (WCAG 3.3.1)."""

    def build_widget_attrs(self, attrs: dict[str, Any], widget: forms.Widget | None = None) -> dict[str, Any]:
        drawn = widget or self.field.widget
        attrs = super().build_widget_attrs(attrs, widget)
        if drawn.is_hidden:
            return attrs
        own = CLASSES.get(self.widget_type, "input")
        if classes := f"{own} {drawn.attrs.get('class', '')} {attrs.get('class', '')}".split():
            attrs["class"] = " ".join(dict.fromkeys(classes))
        if self.form.is_bound and self.form.errors:
            # The page's usual first field gives way; False leaves the attribute out.
            attrs["autofocus"] = self.name == self._first_invalid()
        return attrs

    def _first_invalid(self) -> str:
        return next((name for name in self.form.fields if name in self.form.errors), "")


class FormRenderer(TemplatesSetting):
    """FORM_RENDERER: our ``components/field.html`` and ``components/form.html`` around Django's widgets."""

    form_template_name = "components/form.html"
    field_template_name = "components/field.html"
    bound_field_class = BoundField


class Switch(forms.CheckboxInput):
    """A checkbox that reads as on or off."""


class RadioCards(forms.RadioSelect):
    """One of a few choices, each with a sentence: ``RadioCards(descriptions={"smtp": _("Through a server.")})``."""

    def __init__(self, *args: Any, descriptions: Mapping[Any, str | Promise] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.descriptions = dict(descriptions or {})


class Length(forms.MultiWidget):
    """A number and its unit, beside each other; the save bar counts both as one change."""

    template_name = "components/length.html"

    def __init__(self) -> None:
        number = forms.NumberInput({"class": "input", "min": 1, "step": 1, "inputmode": "numeric"})
        unit = forms.Select(choices=LENGTH_UNITS)
        super().__init__({"number": number, "unit": unit})

    def decompress(self, value: timedelta | None) -> list[Any]:
        if value is None:
            return [None, None]
        number, unit = in_units(value)
        return [number, int(unit.total_seconds())]

    def id_for_label(self, id_: str) -> str:
        return f"{id_}_0"


class LengthField(forms.MultiValueField):
    """A length of time in whole minutes, hours or days."""

    widget = Length

    def __init__(self, **kwargs: Any) -> None:
        number = forms.IntegerField(min_value=1, max_value=999_999)
        unit = forms.TypedChoiceField(choices=LENGTH_UNITS, coerce=int)
        super().__init__(fields=(number, unit), **kwargs)
        self.widget.widgets[1].attrs["aria-label"] = format_lazy(_("{name}, unit"), name=self.label)

    def compress(self, data_list: Sequence[int]) -> timedelta | None:
        return timedelta(seconds=data_list[0] * data_list[1]) if data_list else None
