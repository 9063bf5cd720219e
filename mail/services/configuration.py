"""How this server sends mail: every change of that."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from agora.base.actor import Actor
from audit.events import event
from audit.services import MASK, change, values_of
from mail.models import FIELDS, MailSettings, Mode
from settings_admin.services import ChangedMeanwhile, changes_since

CHANGED = event("mail_settings.changed", _("Mail settings changed"))


NAMES = ("mode", *FIELDS)


def change_mail_settings(values: dict[str, Any], *, version: int, actor: Actor) -> MailSettings:
    """Save the mode and, where that is the mail server, its fields; only what differs is written and recorded.

    An empty password keeps the stored one; without a username there is none. ``version`` is that of the row which the
    person saw. Raises ChangedMeanwhile.
    """
    with change(CHANGED, actor=actor) as entry:
        row = MailSettings.objects.select_for_update().get(pk=1)
        entry.target = row
        if row.version != version:
            raise ChangedMeanwhile(changes_since(version, event=CHANGED, of=row.audit_type))
        names = NAMES if values["mode"] == Mode.SERVER else ("mode",)
        wanted = {name: values[name] for name in names}
        if "password" in wanted:
            wanted["password"] = (wanted["password"] or str(row.password)) if wanted["username"] else ""
        if changes := entry.compare(values_of(row, wanted), wanted):
            if "password" in changes:  # that it changed, and between what: nothing, and something
                changes["password"] = [MASK if one else "" for one in changes["password"]]
            row.version += 1
            entry.details["version"] = row.version
            for name in changes:
                setattr(row, name, wanted[name])
            row.save(update_fields=[*changes, "version"])
    return row
