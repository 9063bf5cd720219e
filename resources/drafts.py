"""What somebody has typed into the permissions and not yet saved.

The whole draft travels in the form: each row that is shown or changed posts its account's id (``account``) and
``role-ID``, ``ends-ID``, ``reason-ID``, ``gone-ID``. So it works without a script, on several pages and over a refusal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Account
from accounts.names import validate_name
from accounts.roles import Role
from agora.base.pages import bounded_count, keyset_page
from resources.models import Grant, Resource
from resources.roles import ResourceRole
from resources.services.grants import Wanted

SHOWN = 25  # saved grants on one page of the dialog
MOST = 150  # rows that one form carries; Django reads 1,000 fields
UNSAVED = 100  # rows of a draft, from then on saving comes first
FOUND = 8  # accounts offered by the search
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


@dataclass(frozen=True)
class Found:
    """An account that the search offers; ``always`` for system administrators."""

    account: Account
    has_access: bool
    always: bool


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
        _row(accounts[pk], grants.get(pk), one, at)
        for pk, one in typed.items()
        if pk in accounts and (pk in grants or not (one.untouched or one.gone))
    ]


def _row(account: Account, grant: Grant | None, typed: Typed, at: datetime) -> Row:
    ended = grant is not None and not grant.counts(at)
    before = saved(grant) if grant else None
    if typed.gone:
        return Row(account, before or typed, grant, "gone", ended=ended)
    if before and (typed.untouched or typed.mark == before.mark):
        return Row(account, before, grant, "", ended=ended)
    state = "changed" if grant else "new"
    form = RowForm({"role": typed.role, "ends": typed.ends, "reason": typed.reason})
    if not form.is_valid():
        error = " ".join(str(one) for errors in form.errors.values() for one in errors)
        return Row(account, typed, grant, state, error, ended)
    day = form.cleaned_data["ends"]
    ends_at = None
    if before and typed.ends == before.ends and grant:
        ends_at = grant.ends_at  # an end with a time of day stays as exact as it was
        if ended:
            over = _("This grant has ended, so it gives nothing. Choose a later last day or none, or remove the row.")
            return Row(account, typed, grant, state, over, ended)
    elif day:
        if not 1970 <= day.year < 3000:
            return Row(account, typed, grant, state, _("Choose a day before the year 3000."), ended)
        ends_at = timezone.make_aware(datetime.combine(day + DAY, time.min))
        if ends_at <= at:
            return Row(
                account, typed, grant, state, _("This day is over. Choose a later one, or remove the row."), ended
            )
    wanted = Wanted(ResourceRole(form.cleaned_data["role"]), ends_at, form.cleaned_data["reason"])
    return Row(account, typed, grant, state, "", ended, wanted)


def saved_page(resource: Resource, *, after: int, but: Iterable[int], at: datetime) -> tuple[list[Row], int]:
    """One page of the saved grants in the order of the accounts, and where the next begins (0: there is none)."""
    grants = Grant.objects.on(resource).filter(account__gt=after).exclude(account__in=list(but))
    found = list(grants.select_related("account").order_by("account")[: SHOWN + 1])
    rows = [_row(grant.account, grant, saved(grant), at) for grant in found[:SHOWN]]
    return rows, found[SHOWN - 1].account_id if len(found) > SHOWN else 0


def search(resource: Resource, text: str, *, drafted: Iterable[int]) -> list[Found]:
    """Accounts whose username, names or external id contain the text; those that could be given something first."""
    if not text.strip():
        return []
    accounts = keyset_page(
        Account.objects.usable(), order="username_key", params={}, size=FOUND, text=text.strip()[:100]
    ).rows
    having = set(Grant.objects.on(resource).of_accounts([one.pk for one in accounts]).values_list("account", flat=True))
    having |= set(drafted)
    found = [Found(one, one.pk in having, one.role == Role.ADMINISTRATOR) for one in accounts]
    return sorted(found, key=lambda one: (one.has_access or one.always, one.account.username_key))


def today(at: datetime) -> str:
    """The first day that an end may have."""
    return timezone.localtime(at).date().isoformat()


def administrators() -> int:
    """How many system administrators there are, who always have access."""
    return bounded_count(Account.objects.usable().filter(Q(role=Role.ADMINISTRATOR) | Q(is_superuser=True)))
