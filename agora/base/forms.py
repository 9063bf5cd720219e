"""How forms are drawn: our field template around Django's widgets, and two widgets of our own.

Plain ``forms.Form`` and ``forms.ModelForm`` get all of it through FORM_RENDERER; there is no base class to remember.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.forms import boundfield
from django.forms.renderers import TemplatesSetting
from django.utils.functional import Promise

CLASSES = {
    "checkbox": "check",
    "checkboxselectmultiple": "check",
    "radioselect": "radio",
    "radiocards": "radio",
    "select": "",
    "switch": "",
    "textarea": "input area",
}


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
