"""The names of what can happen: each app declares its own, the log's filter offers them all."""

from django.utils.functional import Promise

EVENTS: dict[str, str | Promise] = {}


def event(name: str, label: str | Promise) -> str:
    """Declare an event as ``noun.verb_past`` with a label for people; returns the name."""
    EVENTS[name] = label
    return name
