"""Whom the search of the permissions dialog offers, each with what it may now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Account
from agora.base.pages import keyset_page
from resources.models import Grant, Resource
from resources.roles import Because, Decision, Kind, ResourceRole, decide

FOUND = 8  # accounts offered at once


@dataclass(frozen=True)
class Found:
    """An account that the search offers, and what it may now. ``listed``: it has a row, saved or only typed."""

    account: Account
    decision: Decision
    listed: bool

    @property
    def always(self) -> bool:
        return self.decision.because == Because.ADMINISTRATOR

    @property
    def label(self) -> str:
        """What it may now, or what choosing it does."""
        role = self.decision.role
        if self.always:
            return _("Always has access")
        if self.decision.grant:
            return _("Taken away") if role == ResourceRole.NONE else _("Has access")
        if self.decision.ended:
            return _("Ended")
        if self.listed:
            return _("In the list")
        if role == ResourceRole.NONE:
            return _("Add as Viewer")
        return _("Sees it by system role") if role == ResourceRole.VIEWER else _("Edits it by system role")


def search(resource: Resource, text: str, *, drafted: Iterable[int], at: datetime) -> list[Found]:
    """Accounts whose username, names or external id contain the text; those that could be given something first."""
    if not text.strip():
        return []
    accounts = keyset_page(
        Account.objects.usable(), order="username_key", params={}, size=FOUND, text=text.strip()[:100]
    ).rows
    grants = {grant.account_id: grant for grant in Grant.objects.on(resource).of_accounts([one.pk for one in accounts])}
    listed = {*grants, *drafted}
    found = [
        Found(one, decide(one, Kind(resource.kind), grants.get(one.pk), at=at), one.pk in listed) for one in accounts
    ]
    return sorted(found, key=lambda one: (one.listed or one.always, one.account.username_key))
