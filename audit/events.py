"""The names of what can happen: each app declares its own, the log's filter offers them all."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EVENTS: dict[str, str | Promise] = {}


def event(name: str, label: str | Promise) -> str:
    """Declare an event as ``noun.verb_past`` with a label for people; returns the name."""
    EVENTS[name] = label
    return name


# A change that somebody may not make, refused before any service was asked.
ACCESS_DENIED = event("access.denied", _("Access denied"))
