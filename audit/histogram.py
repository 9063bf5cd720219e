"""How many entries when: the filtered log as bars over time, at a bounded cost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.db.models.expressions import Func
from django.utils import timezone

from agora.base.search import containing, matching
from audit.filters import AuditFilter
from audit.models import Entry

BARS = 48
MOST = 50_000  # entries that are counted, newest first
RARE = 500  # hits among so many newest: with fewer, the index of texts is asked for all


@dataclass(frozen=True)
class Bar:
    start: datetime
    label: str
    total: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Histogram:
    """``complete`` is False when there were more entries than are counted; then the bars begin later."""

    bars: list[Bar]
    total: int
    failed: int
    complete: bool


class _Epoch(Func):
    """Seconds since 1970 as a whole number."""

    output_field = IntegerField()
    template = "CAST(EXTRACT(EPOCH FROM %(expressions)s) AS bigint)"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(strftime('%%%%s', %(expressions)s) AS integer)"
        return super().as_sql(compiler, connection, template=template, **context)


def histogram(filters: AuditFilter, *, now: datetime) -> Histogram:
    """Bars of equal width from the filter's start (else the oldest counted entry) to its end (else now).

    At most ``MOST`` entries are read: the newest ones of the range, or those that have a rare text.
    """
    start, end = filters.range
    newest = filters.qs.order_by("-at", "-id")
    last = list(newest.values_list("at", flat=True)[MOST - 1 : MOST + 1])
    edge = last[0] if len(last) == 2 else None  # the oldest that is counted, where there are older ones
    found = containing(filters.qs.between(edge, None), filters.texts).filter(filters.exact)
    indexed = any(len(text) >= Entry.shortest_piece for text in filters.texts)
    if edge and indexed and found.count() < RARE:
        everywhere = matching(filters.qs, filters.texts).filter(filters.exact).order_by().values("pk")[: MOST + 1]
        if everywhere.count() <= MOST:
            found, edge = Entry.objects.filter(pk__in=everywhere), None
    end = min(end or now, now)
    first = max(filter(None, (start, edge)), default=None)
    first = first or found.order_by("at").values_list("at", flat=True).first() or end - timedelta(hours=24)
    bars = _bars(found, first, end)
    return Histogram(
        bars=bars,
        total=sum(bar.total for bar in bars),
        failed=sum(bar.failed for bar in bars),
        complete=edge is None,
    )


def _bars(found: QuerySet[Any], first: datetime, end: datetime) -> list[Bar]:
    origin = int(first.timestamp())
    width = max(int(end.timestamp()) - origin, 0) // BARS + 1  # seconds; one more, so that the end is in the last bar
    grouped = (
        found.annotate(bar=(_Epoch("at") - Value(origin)) / Value(width))
        .values("bar")
        .annotate(total=Count("pk"), failed=Count(Case(When(outcome="success", then=None), default=Value(1))))
        .values_list("bar", "total", "failed")
        .order_by()
    )
    counted = {int(bar): (total, failed) for bar, total, failed in grouped}
    starts = [timezone.localtime(first + timedelta(seconds=number * width)) for number in range(BARS)]
    return [Bar(at, at.strftime("%Y-%m-%d %H:%M"), *counted.get(number, (0, 0))) for number, at in enumerate(starts)]
