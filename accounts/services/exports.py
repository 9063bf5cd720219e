"""The list of accounts as rows of text. Never passwords or keys."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.actor import Actor
from agora.base.search import containing
from audit.events import event
from audit.services import record

EXPORTED = event("account.exported", _("List of accounts exported"))

HEADER = (
    "account_id",
    "username",
    "external_account_id",
    "first_name",
    "last_name",
    "email",
    "role",
    "superuser",
    "active",
    "locked_at",
    "locked_by",
    "second_factor",
    "last_login",
    "created_at",
    "modified_at",
)


def record_export(params: QueryDict, *, actor: Actor) -> None:
    """Who took the list, and what they had filtered."""
    record(EXPORTED, actor=actor, filter=params.urlencode())


def rows(accounts: QuerySet[Account], *, text: str = "") -> Iterator[tuple[Any, ...]]:
    """One tuple an account, in the order of the usernames, in constant memory."""
    found = containing(accounts, text) if text else accounts
    for account in found.order_by("username_key").iterator(chunk_size=2_000):
        yield (
            account.pk,
            account.username,
            account.external_id,
            account.first_name,
            account.last_name,
            account.email,
            account.role,
            account.is_superuser,
            account.is_active,
            account.locked_at,
            account.locked_by_name,
            account.second_factor,
            account.last_login,
            account.created_at,
            account.modified_at,
        )
