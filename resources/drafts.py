"""What somebody has typed into the permissions and not yet saved.

The whole draft travels in the form: each row that is shown or changed posts its account's id (``account``) and
``role-ID``, ``ends-ID``, ``reason-ID``, ``gone-ID``. So it works without a script, on several pages and over a refusal.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.names import validate_name
from accounts.roles import Role
from agora.base.pages import bounded_count
from resources.models import Grant, Resource
from resources.roles import Kind, ResourceRole, given_by_system_role, grants_matter
from resources.services.grants import Wanted

SHOWN = 25  # saved grants on one page of the dialog
MOST = 150  # rows that one form carries; Django reads 1,000 fields
UNSAVED = 100  # rows of a draft, from then on saving comes first
DAY = timedelta(days=1)


class RowForm(forms.Form):
    """One row's fields, as they come back."""

    role = forms.ChoiceField(choices=ResourceRole.choices)
    ends = forms.DateField(required=False)
    reason = forms.CharField(required=False, max_length=500, validators=[validate_name])


@dataclass(frozen=True)
class Typed:
    """One row as it was sent."""

    role: str = ResourceRole.VIEWER
    ends: str = ""
    reason: str = ""
    gone: bool = False
    untouched: bool = False

    @property
    def mark(self) -> str:
        """What the row carries along to tell later whether somebody touched it."""
        return "|".join((self.role, self.ends, self.reason))


ADDED = Typed()
AS_SAVED = Typed(untouched=True)
GONE = Typed(gone=True)


@dataclass(frozen=True)
class Row:
    """One row of the dialog. ``state``: "" as saved, else "new", "changed" or "gone"."""

    account: Account
    kind: Kind
    typed: Typed
    grant: Grant | None
    state: str
    error: str = ""
    ended: bool = False
    wanted: Wanted | None = None

    @property
    def mark(self) -> str:
        """The saved state behind the row; empty for a new one."""
        return saved(self.grant).mark if self.grant else ""

    @property
    def role_label(self) -> str:
        return str(ResourceRole(self.typed.role).label) if self.typed.role in ResourceRole.values else ""

    @property
    def moment(self) -> datetime | None:
        """When it ends, where that is no midnight: set over the API, to the minute."""
        end = self.grant.ends_at if self.grant and self.typed.ends == last_day(self.grant.ends_at) else None
        return end if end and timezone.localtime(end).time() != time.min else None

    @property
    def less(self) -> str:
        """What the choice takes away from what the system role gives; "" where it takes nothing."""
        given = given_by_system_role(self.account, self.kind)
        idle = self.state == "gone" or (self.ended and not self.state) or not grants_matter(self.account)
        if idle or self.typed.role not in ResourceRole.values or ResourceRole(self.typed.role).reaches(given):
            return ""
        facts = {"system": self.account.role_name, "given": given.label}
        return _("The system role %(system)s gives %(given)s here. This takes away from that.") % facts


def read(data: QueryDict) -> dict[int, Typed]:
    """The rows of the form by the account's id, at most MOST."""
    sent = [one for one in data.getlist("account") if one.isascii() and one.isdecimal() and len(one) < 19]
    return {pk: _typed(data, pk) for pk in list(dict.fromkeys(map(int, sent)))[:MOST]}


def _typed(data: QueryDict, pk: int) -> Typed:
    values = [data.get(f"{name}-{pk}", "") for name in ("role", "ends", "reason")]
    typed = Typed(values[0], values[1], values[2].strip(), bool(data.get(f"gone-{pk}")))
    return AS_SAVED if typed.mark == data.get(f"was-{pk}") and not typed.gone else typed


def saved(grant: Grant) -> Typed:
    """The row of a grant as it is."""
    return Typed(grant.role, last_day(grant.ends_at), grant.reason)


def last_day(ends_at: datetime | None) -> str:
    """The last day on which the grant counts, in the reader's time zone; "" without an end."""
    return timezone.localtime(ends_at - timedelta(microseconds=1)).date().isoformat() if ends_at else ""


def rows_of(resource: Resource, typed: dict[int, Typed], *, at: datetime) -> list[Row]:
    """The rows that are typed, checked against what is saved now. Accounts that are gone are left out."""
    grants = {grant.account_id: grant for grant in Grant.objects.on(resource).of_accounts(typed)}
    accounts = Account.objects.in_bulk(typed)
    return [
        _row(accounts[pk], Kind(resource.kind), grants.get(pk), one, at)
        for pk, one in typed.items()
        if pk in accounts and (pk in grants or not (one.untouched or one.gone))
    ]


def _row(account: Account, kind: Kind, grant: Grant | None, typed: Typed, at: datetime) -> Row:
    ended = grant is not None and not grant.counts(at)
    before = saved(grant) if grant else None
    if typed.gone:
        return Row(account, kind, before or typed, grant, "gone", ended=ended)
    if before and (typed.untouched or typed.mark == before.mark):
        return Row(account, kind, before, grant, "", ended=ended)
    row = Row(account, kind, typed, grant, "changed" if grant else "new", ended=ended)
    form = RowForm({"role": typed.role, "ends": typed.ends, "reason": typed.reason})
    if not form.is_valid():
        return replace(row, error=" ".join(str(one) for errors in form.errors.values() for one in errors))
    ends_at, error = _end(row, form.cleaned_data["ends"], at)
    if error:
        return replace(row, error=error)
    return replace(row, wanted=Wanted(ResourceRole(form.cleaned_data["role"]), ends_at, form.cleaned_data["reason"]))


def _end(row: Row, day: date | None, at: datetime) -> tuple[datetime | None, str]:
    """The moment at which the row ends, or what is wrong with its day."""
    if row.grant and row.typed.ends == last_day(row.grant.ends_at):
        over = _("This grant has ended, so it gives nothing. Choose a later last day or none, or remove the row.")
        # An end with a time of day stays as exact as it was.
        return row.grant.ends_at, over if row.ended else ""
    if day is None:
        return None, ""
    if not 1970 <= day.year < 3000:
        return None, _("Choose a day before the year 3000.")
    ends_at = timezone.make_aware(datetime.combine(day + DAY, time.min))
    return ends_at, _("This day is over. Choose a later one, or remove the row.") if ends_at <= at else ""


def saved_page(resource: Resource, *, after: int, but: Iterable[int], at: datetime) -> tuple[list[Row], int]:
    """One page of the saved grants in the order of the accounts, and where the next begins (0: there is none)."""
    grants = Grant.objects.on(resource).filter(account__gt=after).exclude(account__in=list(but))
    found = list(grants.select_related("account").order_by("account")[: SHOWN + 1])
    rows = [_row(grant.account, Kind(resource.kind), grant, saved(grant), at) for grant in found[:SHOWN]]
    return rows, found[SHOWN - 1].account_id if len(found) > SHOWN else 0


def today(at: datetime) -> str:
    """The first day that an end may have."""
    return timezone.localtime(at).date().isoformat()


def administrators() -> int:
    """How many system administrators there are, who always have access."""
    return bounded_count(Account.objects.usable().filter(Q(role=Role.ADMINISTRATOR) | Q(is_superuser=True)))
