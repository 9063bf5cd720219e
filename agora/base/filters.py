"""The filter of a list: everything about it stands in the URL, and only what is listed here may stand there."""

from collections.abc import Mapping
from copy import copy
from typing import Any, ClassVar
from urllib.parse import urlencode

import django_filters
from django.db.models import Q, QuerySet
from django.forms import Field, Form
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agora.base.pages import PAGE_SIZE, Page, PlannedRows, keyset_page

SIZES = (PAGE_SIZE, 100)
Chip = tuple[str, str]
_forms: dict[tuple[object, ...], type[Form]] = {}


class _Shared(dict[str, Field]):
    """The fields of a form. Each form copies them deeply, in case somebody changes them; nobody does in a filter."""

    def __deepcopy__(self, memo: object) -> dict[str, Field]:
        return dict(self)


class _Copied(dict[str, Any]):
    """The filters of a list. Each request has its own ones, which are not copied deeply, with all their choices."""

    def __deepcopy__(self, memo: object) -> dict[str, Any]:
        copies = {name: copy(one) for name, one in self.items()}
        for one in copies.values():
            one.method = one.method  # what calls it holds the filter itself
        return copies


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """A FilterSet with a text search, a whitelist of orders, chips and keyset pages.

    ``orders`` maps the names in the URL to columns that are never NULL. A value that makes no sense filters nothing and
    is named on the page.
    """

    orders: ClassVar[Mapping[str, str]] = {"id": "id"}
    default_order: ClassVar[str] = "id"
    q = django_filters.CharFilter(label=_("Search"), method="searched", max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not isinstance(self.base_filters, _Copied):
            type(self).base_filters = _Copied(self.base_filters)
        super().__init__(*args, **kwargs)

    def searched(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """The text is looked for by ``page``, within bounds."""
        return rows

    def get_form_class(self) -> type[Form]:
        """Made once for each set of filters, not for each request."""
        key = type(self), *self.filters
        if key not in _forms:
            made = super().get_form_class()
            made.base_fields = _Shared(made.base_fields)
            _forms[key] = made
        return _forms[key]

    @property
    def params(self) -> QueryDict:
        return self.data if isinstance(self.data, QueryDict) else QueryDict()

    @property
    def order(self) -> str:
        """The order in force, as the URL names it."""
        chosen = self.params.get("order", "")
        return chosen if chosen.removeprefix("-") in self.orders else self.default_order

    @property
    def text(self) -> str:
        return str(self.values.get("q") or "").strip()

    @property
    def texts(self) -> list[str]:
        """All that the rows' ``search_text`` must contain."""
        return [self.text] if self.text else []

    @property
    def exact(self) -> Q:
        """What is true of the rows besides and no index answers; each part has its word among the texts."""
        return Q()

    @property
    def values(self) -> dict[str, Any]:
        """What was chosen and makes sense."""
        self.form.is_valid()
        return dict(getattr(self.form, "cleaned_data", {}))

    @property
    def chosen(self) -> dict[str, Any]:
        """The values of the filters that are set."""
        return {name: value for name, value in self.values.items() if value not in (None, "", [])}

    @property
    def complaints(self) -> list[str]:
        """A sentence for each value that makes no sense."""
        return [
            f"{self.form.fields[name].label}: {error}" for name, errors in self.form.errors.items() for error in errors
        ]

    def page(self, size: int | None = None) -> Page[Any]:
        wanted = self.params.get("size", "")
        chosen = int(wanted) if wanted.isdecimal() and int(wanted) in SIZES else PAGE_SIZE
        sign = "-" if self.order.startswith("-") else ""
        column = self.orders[self.order.removeprefix("-")]
        planned = self.planned() if size is None else None
        return keyset_page(
            planned or self.qs,
            order=sign + column,
            params=self.params,
            size=size or chosen,
            text=self.texts,
            exact=self.exact,
        )

    def planned(self) -> PlannedRows[Any] | None:
        """What is listed, where its pages are planned: as long as nothing narrows it."""
        rows = self.queryset
        return rows if isinstance(rows, PlannedRows) and not self.narrowed else None

    def chips(self) -> list[Chip]:
        """(label, the URL without it) for every filter that is set."""
        return [
            (f"{self.form.fields[name].label}: {label}", self.without(name))
            for name, value in self.chosen.items()
            if (label := self.label(name, value))
        ]

    def label(self, name: str, value: Any) -> str:
        """How a chosen value is called."""
        choices: dict[Any, str | Promise] = dict(getattr(self.form.fields[name], "choices", []))
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(str(choices.get(one, one)) for one in chosen)

    def without(self, *names: str) -> str:
        """This list's parameters without these and without the place in the list."""
        params = self.params.lists()
        kept = [(name, value) for name, values in params for value in values if name not in (*names, "after", "before")]
        return f"?{urlencode(kept)}"

    @property
    def narrowed(self) -> bool:
        """Is anything filtered? Then an empty list says so and offers to clear."""
        return bool(self.chosen)
