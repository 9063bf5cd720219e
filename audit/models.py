"""The audit log: one row for each thing that happened, never changed and never deleted.

Who and what are stored as text and as ids without foreign keys, so an entry stays readable when its target is gone.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from agora.base.models import Searchable, one_of
from agora.base.writing import insert


class Outcome(models.TextChoices):
    SUCCESS = "success", _("Success")
    FAILED = "failed", _("Failed")
    DENIED = "denied", _("Denied")


class AppendOnly(TypeError):
    """Somebody tried to change or delete history."""

    def __init__(self) -> None:
        super().__init__("The audit log is append-only: entries are neither changed nor deleted.")


class EntryQuerySet(models.QuerySet["Entry"]):
    def between(self, start: datetime | None, end: datetime | None) -> Self:
        """Entries from ``start`` (included) to ``end`` (not included)."""
        rows = self.filter(at__gte=start) if start else self
        return rows.filter(at__lt=end) if end else rows

    def in_session(self, session_id: int) -> Self:
        return self.filter(session_id=session_id)

    def in_elevation(self, elevation_id: int) -> Self:
        """What was done in one impersonation or one admin mode, also by work that finished after its end."""
        return self.filter(elevation_id=elevation_id)

    def about(self, target_type: str, target_id: int) -> Self:
        """What was done to one thing."""
        return self.filter(target_type=target_type, target_id=str(target_id))

    def about_account(self, account_id: int) -> Self:
        """What the account did and what was done to it."""
        return self.filter(
            models.Q(actor_id=account_id)
            | models.Q(behalf_id=account_id)
            | models.Q(target_type="account", target_id=str(account_id))
        )

    def of_target(self, target_type: str, target_id: object) -> Self:
        """What happened to this one thing."""
        return self.filter(target_type=target_type, target_id=str(target_id))

    def update(self, **kwargs: Any) -> int:
        raise AppendOnly

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnly

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        raise AppendOnly

    def bulk_create(
        self, objs: Iterable["Entry"], *args: Any, update_conflicts: bool = False, **kwargs: Any
    ) -> list["Entry"]:
        if update_conflicts:
            raise AppendOnly
        return super().bulk_create(objs, *args, **kwargs)

    # What Django itself calls below ``save`` and when it deletes on behalf of other rows.

    def _update(self, values: Any) -> int:
        raise AppendOnly

    def _raw_delete(self, using: str | None) -> int:
        raise AppendOnly


NAMED = {"name", "old", "new"}


class Entry(Searchable):
    """One event. ``details`` holds ``changes``, ``reason`` and what else the event tells.

    Changes are told by field (field → [old, new]), or as a list of {name, old, new} where people choose the names: a
    name that is a key and speaks of a secret has its values masked.
    """

    at = models.DateTimeField()
    event = models.CharField(max_length=64)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    behalf_id = models.BigIntegerField(null=True)
    behalf_name = models.CharField(max_length=150, blank=True)
    session_id = models.BigIntegerField(null=True)
    key_id = models.BigIntegerField(null=True)
    key_name = models.CharField(max_length=100, blank=True)
    elevation_id = models.BigIntegerField(null=True)
    target_type = models.CharField(max_length=32, blank=True)
    target_id = models.CharField(max_length=64, blank=True)
    target_name = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=8, default="system")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=400, blank=True)
    method = models.CharField(max_length=8, blank=True)
    path = models.CharField(max_length=400, blank=True)
    request_id = models.CharField(max_length=32, blank=True)
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    search_fields = ("actor_name", "behalf_name", "event", "target_name", "target_id", "address_text", "request_id")
    shortest_piece = 3  # one or two letters are in most entries: the newest ones are walked through instead
    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        base_manager_name = "objects"  # refuses update and delete for Django's own ways around as well
        constraints = [one_of("outcome", Outcome, "audit_entry_outcome_known")]
        indexes = [
            models.Index(fields=["at", "id"], name="audit_entry_at"),
            models.Index(fields=["event", "at", "id"], name="audit_entry_event"),
            models.Index(fields=["actor_id", "at", "id"], name="audit_entry_actor"),
            models.Index(
                fields=["behalf_id", "at", "id"],
                name="audit_entry_behalf",
                condition=models.Q(behalf_id__isnull=False),
            ),
            models.Index(
                fields=["session_id", "at", "id"],
                name="audit_entry_session",
                condition=models.Q(session_id__isnull=False),
            ),
            models.Index(
                fields=["elevation_id", "at", "id"],
                name="audit_entry_elevation",
                condition=models.Q(elevation_id__isnull=False),
            ),
            models.Index(fields=["target_type", "target_id", "at", "id"], name="audit_entry_target"),
            models.Index(fields=["at", "id"], name="audit_entry_trouble", condition=~models.Q(outcome="success")),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name or '-'} {self.event} {self.target_name} ({self.outcome})"

    @property
    def names(self) -> str:
        """Where one text names who did it: "root as vic" while impersonating."""
        return f"{self.actor_name} as {self.behalf_name}" if self.behalf_name else self.actor_name

    @property
    def address_text(self) -> str:
        return self.address or ""

    @property
    def changes(self) -> list[tuple[str, Any, Any]]:
        """What changed, as (name, old, new)."""
        told = self.details.get("changes")
        if isinstance(told, dict):
            return [(name, *pair) for name, pair in told.items() if isinstance(pair, list) and len(pair) == 2]
        rows = told if isinstance(told, list) else []
        return [(one["name"], one["old"], one["new"]) for one in rows if isinstance(one, dict) and one.keys() >= NAMED]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Only ever an INSERT, of an entry whose id the database gives: none takes the place of an old one."""
        if args or not self._state.adding or self.pk or kwargs.get("force_update"):
            raise AppendOnly
        self.search_text = self.folded()
        insert(self)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnly
