"""Every change of the server's settings."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from agora.base.errors import Refused
from agora.base.times import length
from audit.events import event
from audit.models import Entry
from audit.services import MASK, change, values_of
from settings_admin.models import ServerSettings

CHANGED = event("settings.changed", _("Server settings changed"))
GENERAL = (
    "hostname",
    "allow_registration",
    "two_factor_required",
    "allow_api_keys",
    "send_error_mails",
    "error_recipients",
    "allow_feedback",
    "everyone_creates_projects",
    "tell_impersonated",
    "zip_stream",
    "max_download_gb",
    "idle_limit",
    "absolute_limit",
)


class ChangedMeanwhile(Refused):
    """Somebody saved between opening and saving; ``since`` are the entries of what they changed, oldest first."""

    status = 409
    message = _("Somebody else changed these settings while you were editing them. Nothing of yours is saved yet.")

    def __init__(self, since: list[Entry]) -> None:
        self.since = since
        super().__init__()


def change_general(values: dict[str, Any], *, version: int, actor: Actor) -> ServerSettings:
    """Change settings of the page General; only what differs is written and recorded, field by field.

    ``version`` is that of the row which the person saw. Raises ChangedMeanwhile.
    """
    with change(CHANGED, actor=actor) as entry:
        row = ServerSettings.objects.select_for_update().get(pk=1)
        entry.target = row
        wanted = {name: values[name] for name in GENERAL if name in values}
        if row.version != version:
            raise ChangedMeanwhile(changes_since(version))
        changes = entry.compare(recorded(values_of(row, wanted)), recorded(wanted))
        if changes:
            row.version += 1
            entry.details["version"] = row.version
            for name in changes:
                setattr(row, name, wanted[name])
            row.save(update_fields=[*changes, "version"])
    return row


def recorded(values: dict[str, Any]) -> dict[str, Any]:
    """The values as the audit log keeps them: lengths of time in words."""
    return {name: length(value) if isinstance(value, timedelta) else value for name, value in values.items()}


def general_values(row: ServerSettings) -> dict[str, Any]:
    """The page's settings as the audit log keeps them."""
    return recorded(values_of(row, GENERAL))


def changes_by_field(entries: list[Entry], names: Sequence[str] = GENERAL) -> dict[str, tuple[Any, Any]]:
    """Each field of the page that the entries changed, with its value before the first and after the last of them.

    A secret that is masked before and after counts as changed."""
    found: dict[str, tuple[Any, Any]] = {}
    for entry in entries:
        for name, (old, new) in entry.details["changes"].items():
            if name in names:
                found[name] = (found[name][0] if name in found else old, new)
    return {name: (old, new) for name, (old, new) in found.items() if old != new or new == MASK}


def in_words(value: Any) -> Any:
    """A recorded value as the form says it; None for an empty one."""
    return (_("On") if value else _("Off")) if isinstance(value, bool) else value if value != "" else None


def changes_since(version: int, *, event: str = CHANGED, of: str = ServerSettings.audit_type) -> list[Entry]:
    """What was changed after this version of a single row, from the audit log; oldest first."""
    entries = Entry.objects.of_target(of, "1").filter(event=event, outcome="success")
    return [one for one in reversed(entries.order_by("-id")[:100]) if one.details.get("version", 0) > version]
