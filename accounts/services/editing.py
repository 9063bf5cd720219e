"""Two people who edit the same thing: neither undoes the other without knowing."""

from collections.abc import Collection, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from agora.base.errors import Refused


class EditedMeanwhile(Refused):
    """Somebody else saved other values of the same fields; ``current`` are theirs."""

    status = 409
    message = _("Somebody else changed this in the meantime. Nothing of yours is saved yet.")

    def __init__(self, current: Mapping[str, Any]) -> None:
        self.current = current
        super().__init__()


def own_changes(
    values: Mapping[str, Any],
    present: Mapping[str, Any],
    seen: Mapping[str, Any] | None,
    *,
    together: Collection[str] = (),
) -> dict[str, Any]:
    """What of the values the person means to change: what they left as they saw it (``seen``) is not theirs.

    ``together``: fields that only make sense as they were seen, if one of them is changed. Raises EditedMeanwhile where
    somebody else changed one of these to something else.
    """
    seen = seen or {}
    mine = {name: value for name, value in values.items() if name not in seen or seen[name] != value}
    if not mine.keys().isdisjoint(together):
        mine |= {name: values[name] for name in together if name in values}
    others = {name: now for name, now in present.items() if name in mine and seen.get(name, now) != now != mine[name]}
    if others:
        raise EditedMeanwhile(others)
    return mine
