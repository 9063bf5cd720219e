"""What a form showed when it was opened, sent along with it: two people who edit one card must not undo each other."""

from collections.abc import Mapping
from typing import Any, TypeVar

from django import forms
from django.utils.translation import gettext as _

Form = TypeVar("Form", bound=forms.BaseForm)


def remember(form: Form) -> Form:
    """Draw beside each field what it shows; secrets, which are no fields of the class, show nothing.

    A form that was sent without what it had shown has none to show again: what was typed would pass for it.
    """
    for name in form.base_fields:  # type: ignore[attr-defined]  # which forms of models have as well
        sent = form.add_initial_prefix(name) in form.data
        form.fields[name].show_hidden_initial = sent or not form.is_bound
    return form


def seen(form: forms.BaseForm) -> dict[str, Any]:
    """What each field showed, by its name; those without a readable one are left out."""
    found = {}
    for bound in form:
        if bound.html_initial_name not in form.data:
            continue
        try:
            found[bound.name] = bound.field.to_python(form.data[bound.html_initial_name])
        except forms.ValidationError:
            continue
    return found


def tell(form: forms.BaseForm, current: Mapping[str, Any]) -> None:
    """Under each field what somebody else made of it; sent once more, the person's own is meant to stay."""
    sent: Any = form.data  # a QueryDict, which can be copied
    data = sent.copy()
    for name, value in current.items():
        theirs = {"value": in_words(form.fields[name], value)}
        form.add_error(name, _("Somebody else changed this to “%(value)s”. Save again to keep yours.") % theirs)
        shown = form.fields[name].prepare_value(value)
        data[form[name].html_initial_name] = "" if shown is None else str(shown)
    form.data = data


def in_words(field: forms.Field, value: Any) -> str:
    """The value as the field shows it to people."""
    if isinstance(field, forms.BooleanField):
        return _("on") if value else _("off")
    if isinstance(field, forms.ChoiceField):
        return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]  # none of ours is grouped
    return "" if value is None else str(value)
