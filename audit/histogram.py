"""How many entries when: the filtered log as bars over time, at a bounded cost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.db.models.expressions import Func
from django.utils import timezone

from agora.base.pages import containing

BARS = 48
MOST = 50_000  # entries that are counted, newest first


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


def histogram(
    rows: QuerySet[Any], *, start: datetime | None, end: datetime | None, now: datetime, text: str = ""
) -> Histogram:
    """Bars of equal width from ``start`` (else the oldest counted entry) to ``end`` (else now)."""
    newest = rows.order_by("-at", "-id")
    walked = newest.values("pk")[: MOST + 1]
    oldest = newest.values_list("at", flat=True)[MOST : MOST + 1].first()
    found = rows.model.objects.filter(pk__in=walked)
    if text:
        found = containing(found, text)
    end = end or now
    first = (
        max(filter(None, (start, oldest)), default=None) or found.order_by("at").values_list("at", flat=True).first()
    )
    first = first or end - timedelta(hours=24)
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
    bars = []
    for number in range(BARS):
        at = timezone.localtime(first + timedelta(seconds=number * width))
        total, failed = counted.get(number, (0, 0))
        bars.append(Bar(at, at.strftime("%Y-%m-%d %H:%M"), total, failed))
    return Histogram(
        bars=bars,
        total=sum(total for total, _failed in counted.values()),
        failed=sum(failed for _total, failed in counted.values()),
        complete=oldest is None,
    )
