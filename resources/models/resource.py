"""What people own and share: one row for each streamer, stream, stream session and recording."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.models import Searchable, fold, one_of
from resources.roles import Kind, ResourceRole, given_by_system_role

if TYPE_CHECKING:
    from resources.models.recording import Recording
    from resources.models.stream import Stream
    from resources.models.stream_session import StreamSession
    from resources.models.streamer import Streamer

KEY_LENGTH = 300
NAMES_LENGTH = 310  # two usernames of 150 letters, while one person acts as another


class ResourceQuerySet(models.QuerySet["Resource"]):
    def of_kind(self, kind: Kind) -> Self:
        return self.filter(kind=kind)

    def visible_to(self, account: Account, *, at: datetime, kind: Kind | None = None) -> Self:
        """What the account sees at this moment; ``effective_role`` as one SQL condition. With ``kind`` only of that."""
        return self._with_role(account, ResourceRole.VIEWER, at, kind)

    def editable_by(self, account: Account, *, at: datetime, kind: Kind | None = None) -> Self:
        """What the account may edit and delete at this moment."""
        return self._with_role(account, ResourceRole.EDITOR, at, kind)

    def with_exactly(self, role: ResourceRole, account: Account, *, at: datetime) -> Self:
        """Where the account has this role, and no higher one, at this moment."""
        rows = self._with_role(account, role, at, None)
        if role == ResourceRole.ADMINISTRATOR:
            return rows
        higher = Resource.objects.all()._with_role(account, role.or_more[1], at, None)
        return rows.exclude(pk__in=higher.order_by().values("pk"))

    def granted_to(self, account: Account, *, at: datetime) -> Self:
        """What the account has a grant on that counts at this moment."""
        from resources.models.grant import Grant

        return self.filter(Exists(Grant.objects.of_account(account).counting(at).filter(resource=OuterRef("pk"))))

    def _with_role(self, account: Account, least: ResourceRole, at: datetime, kind: Kind | None) -> Self:
        rows = self.of_kind(kind) if kind else self
        if not account.is_usable:
            return rows.none()
        kinds = [kind] if kind else list(Kind)
        given = [one for one in kinds if given_by_system_role(account, one).reaches(least)]
        if given and given_by_system_role(account, given[0]) == ResourceRole.ADMINISTRATOR:
            return rows
        from resources.models.grant import Grant

        counting = Grant.objects.of_account(account).counting(at)
        enough = Q(pk__in=counting.filter(role__in=least.or_more).values("resource"))
        if not given:
            return rows.filter(enough)
        # A walk in the list's order asks the index of grants once a row; it does not read all grants of the account.
        less = Exists(counting.filter(resource=OuterRef("pk")).exclude(role__in=least.or_more))
        by_role = ~less if len(given) == len(kinds) else Q(kind__in=given) & ~less
        return rows.filter(by_role) if len(given) == len(kinds) else rows.filter(enough | by_role)

    def kinds(self, ids: Iterable[int]) -> dict[int, Kind]:
        """Of what kind these are, by their ids; ids that none has are left out."""
        found = self.filter(pk__among=set(ids)).values_list("pk", "kind")
        return {pk: Kind(kind) for pk, kind in found}

    def recorded_from(self, chosen: int | None) -> Self:
        """What a recording may be one of: every stream; of the many sessions only the chosen one."""
        return self.filter(Q(kind=Kind.STREAM) | Q(kind=Kind.SESSION, pk=chosen or 0))

    def children_of(self, parents: Iterable[int]) -> Self:
        return self.filter(parent__in=list(parents))

    def below(self, pk: int) -> Self:
        """All that was made from it, directly or not: the chain has four links."""
        every = Resource.objects.order_by()
        first = every.filter(parent=pk).values("pk")
        second = every.filter(parent__in=first).values("pk")
        third = every.filter(parent__in=second).values("pk")
        # Three walks of the index of parents; joined by OR they would be one walk of the whole table.
        return self.filter(pk__in=first.union(second, third, all=True))

    def numbered(self, text: str) -> Self:
        """The one with this id, as an address names it; none for what is no number."""
        return self.filter(pk=int(text)) if text.isascii() and text.isdecimal() and len(text) < 19 else self.none()

    def named_stream(self, streamer: int, name: str) -> Self:
        """The streamer's stream with this system name."""
        return self.of_kind(Kind.STREAM).filter(parent=streamer, name_key=fold(name)[:KEY_LENGTH])

    def with_facts(self, kind: Kind | None = None) -> Self:
        """Each with its own table's row and its parent: what lists and cards show.

        Only what the kind has: past eight tables (join_collapse_limit) PostgreSQL stops looking for a good order, and a
        text search reads every row.
        """
        own = [kind.value] if kind else [one.value for one in Kind]
        streamer = ["parent__streamer"] if kind == Kind.STREAM else []
        return self.select_related("parent", *streamer, *own)


class Resource(Searchable):
    """One resource. ``name`` identifies it among its kind (hostname, system name), ``title`` is for people.

    The name of a session or recording is what its streamer calls it; empty where none reported it.

    ``label_key`` orders lists; ``permissions_version`` counts the saves of its grants: who saves says which they saw.
    """

    kind = models.CharField(max_length=20, choices=Kind.choices, editable=False)
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="children", db_index=False)
    name = models.CharField(max_length=255, blank=True)
    name_key = models.CharField(max_length=KEY_LENGTH, editable=False)
    title = models.CharField(_("Title"), max_length=200, blank=True)
    label_key = models.CharField(max_length=KEY_LENGTH, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by_name = models.CharField(max_length=NAMES_LENGTH, blank=True)
    modified_at = models.DateTimeField(auto_now=True)
    permissions_version = models.PositiveIntegerField(default=1, editable=False)

    search_fields = ("name", "title")
    objects = ResourceQuerySet.as_manager()
    parent_id: int | None
    streamer: "Streamer"  # the row of its own table, by its kind
    stream: "Stream"
    stream_session: "StreamSession"
    recording: "Recording"

    class Meta:
        verbose_name = _("resource")
        verbose_name_plural = _("resources")
        constraints = [
            one_of("kind", Kind, "resource_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=Kind.STREAMER, parent__isnull=True)
                | Q(kind__in=[Kind.STREAM, Kind.SESSION], parent__isnull=False)
                | Q(kind=Kind.RECORDING),
                name="resource_parent_by_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=[Kind.STREAMER, Kind.STREAM], name=""), name="resource_name_not_empty"
            ),
            models.CheckConstraint(condition=~Q(name="", title=""), name="resource_called_something"),
            models.UniqueConstraint(
                fields=["name_key"], condition=Q(kind=Kind.STREAMER), name="resource_hostname_unique"
            ),
            models.UniqueConstraint(
                fields=["parent", "name_key"], condition=Q(kind=Kind.STREAM), name="resource_system_name_unique"
            ),
            models.UniqueConstraint(
                fields=["parent", "kind", "name_key"],
                condition=Q(kind__in=[Kind.SESSION, Kind.RECORDING]) & ~Q(name=""),
                name="resource_reported_once",
            ),
        ]
        indexes = [
            models.Index(fields=["kind", "label_key", "id"], name="resource_by_label"),
            models.Index(fields=["kind", "created_at", "id"], name="resource_by_created"),
            models.Index(fields=["parent", "kind", "label_key", "id"], name="resource_by_parent"),
        ]

    def __str__(self) -> str:
        return self.label

    def save(self, *args: Any, update_fields: Any = None, **kwargs: Any) -> None:
        self.name_key, self.label_key = fold(self.name)[:KEY_LENGTH], fold(self.label)[:KEY_LENGTH]
        if update_fields is not None:
            update_fields = {*update_fields, "modified_at"}
            update_fields |= {"name_key", "label_key"} if update_fields & {"name", "title"} else set()
        super().save(*args, update_fields=update_fields, **kwargs)

    @property
    def label(self) -> str:
        """What people call it."""
        return self.title or self.name

    @property
    def audit_type(self) -> str:
        return self.kind

    @property
    def kind_name(self) -> str:
        return str(Kind(self.kind).label)
