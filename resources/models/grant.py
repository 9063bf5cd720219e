"""Grants: the resource role of one account on one resource."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple, Self

from django.conf import settings
from django.db import connection, models
from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from agora.base.models import array, one_of
from resources.models.resource import NAMES_LENGTH, Resource
from resources.roles import ResourceRole


class Facts(NamedTuple):
    """What the rule asks of one grant."""

    role: str
    ends_at: datetime | None
    granted_at: datetime
    granted_by_name: str
    reason: str


class GrantQuerySet(models.QuerySet["Grant"]):
    def of_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def of_accounts(self, accounts: Iterable[int]) -> Self:
        return self.filter(account__among=accounts)

    def on(self, resource: Resource) -> Self:
        return self.filter(resource=resource)

    def facts(self, account: int, resources: Collection[int]) -> dict[int, Facts]:
        """Of the grants of one account on these resources, by their ids."""
        if not resources:
            return {}
        if connection.vendor == "postgresql":
            found = self._facts(
                "", "WHERE account_id = %s AND resource_id = ANY(%s::bigint[])", [account, array(resources)]
            )
        else:
            where = f"WHERE account_id = %s AND resource_id IN ({', '.join(['%s'] * len(resources))})"
            found = self._facts("", where, [account, *resources])
        return {resource: facts for (_account, resource), facts in found.items()}

    def facts_of(self, pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], Facts]:
        """Of the grants of these accounts on these resources, pair by pair: each is one look into the index."""
        if not pairs:
            return {}
        where = "ON account_id = asked_account AND resource_id = asked_resource"
        if connection.vendor == "postgresql":
            arrays = [array([pair[place] for pair in pairs]) for place in (0, 1)]
            asked = "unnest(%s::bigint[], %s::bigint[]) asked(asked_account, asked_resource) JOIN "
            return self._facts(asked, where, arrays)
        values = ", ".join(["(%s, %s)"] * len(pairs))
        asked = f"(SELECT column1 asked_account, column2 asked_resource FROM (VALUES {values})) JOIN "  # noqa: S608 - placeholders
        return self._facts(asked, where, [number for pair in pairs for number in pair])

    def _facts(self, asked: str, where: str, params: list[Any]) -> dict[tuple[int, int], Facts]:
        """Asked at every request about a resource and by every list, so without the ORM, which takes longer to write
        its SQL than the database to answer it."""
        columns, table = ", ".join(["account_id", "resource_id", *Facts._fields]), self.model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {asked}{table} {where}", params)  # noqa: S608 - written here
            found = {(account, pk): Facts(*values) for account, pk, *values in cursor.fetchall()}
        if connection.vendor == "postgresql":
            return found
        return {
            pair: one._replace(ends_at=_moment(one.ends_at), granted_at=_moment(one.granted_at))
            for pair, one in found.items()
        }

    def accounts(self) -> set[int]:
        """The ids of whose they are."""
        return set(self.values_list("account", flat=True))

    def ends(self) -> dict[int, datetime]:
        """When those with an end end, by the accounts' ids."""
        return {pk: at for pk, at in self.values_list("account", "ends_at") if at is not None}

    def counting(self, at: datetime) -> Self:
        """Those that have not ended: past its end, a grant does not count."""
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))

    def giving(self) -> Self:
        """Those that give something; the others take away."""
        return self.exclude(role=ResourceRole.NONE)

    def ended_unnoted(self, at: datetime) -> Self:
        """Those that ended and nobody wrote that down yet."""
        return self.filter(ends_at__lte=at, end_noted=False)

    def first_of_each(self, resources: Iterable[int], most: int) -> Self:
        """At most so many of each resource, the oldest first."""
        numbered = self.filter(resource__in=list(resources)).annotate(
            place=Window(RowNumber(), partition_by=F("resource"), order_by=F("account").asc())
        )
        return numbered.filter(place__lte=most).select_related("account").order_by("resource", "account")


def _moment(at: datetime | None) -> Any:
    """SQLite keeps times in UTC and does not say so."""
    return at.replace(tzinfo=UTC) if at else None


class Grant(models.Model):
    """One account's role on one resource, also when it is None: a grant can take away. ``ends_at``: not counting from
    that moment on."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="grants", db_index=False)
    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="grants", db_index=False)
    role = models.CharField(_("Resource role"), max_length=20, choices=ResourceRole.choices)
    ends_at = models.DateTimeField(_("Ends"), null=True)
    reason = models.CharField(_("Reason"), max_length=500, blank=True)
    granted_at = models.DateTimeField()
    granted_by_id = models.BigIntegerField(null=True)
    granted_by_name = models.CharField(max_length=NAMES_LENGTH, blank=True)
    end_noted = models.BooleanField(default=False, editable=False)

    objects = GrantQuerySet.as_manager()
    account_id: int
    resource_id: int

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.UniqueConstraint(fields=["account", "resource"], name="grant_once_per_account_and_resource"),
            one_of("role", ResourceRole, "grant_role_known"),
        ]
        indexes = [
            models.Index(fields=["resource", "account"], name="grant_by_resource"),
            models.Index(fields=["ends_at"], name="grant_to_note", condition=Q(end_noted=False, ends_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}"

    def counts(self, at: datetime) -> bool:
        return self.ends_at is None or self.ends_at > at
