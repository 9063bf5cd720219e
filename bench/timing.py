"""Medians of things done in turns: what else the machine does meanwhile hits all of them alike."""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median

Work = Callable[[], object]


def in_turns(works: Mapping[str, Work], *, rounds: int, warm_up: int = 2, in_a_row: int = 1) -> dict[str, float]:
    """The median milliseconds of each, run in turns A B C, A B C …

    With ``in_a_row`` in turns A A A B B B, the first of each untimed: for works of which one empties the processor's
    caches, as a count of a million rows does, so that none is charged for what another left behind.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    gc.collect()
    for turn in range(rounds + warm_up):
        for name, work in works.items():
            if in_a_row > 1:
                work()
            for _ in range(in_a_row):
                started = time.perf_counter()
                work()
                if turn >= warm_up:
                    times[name].append((time.perf_counter() - started) * 1e3)
    return {name: median(found) for name, found in times.items()}


def once(work: Work) -> float:
    """Milliseconds of one run."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1e3


@dataclass(frozen=True)
class Line:
    """One line of the table. ``target`` compares: "<= 1.1" or ">= 50"; empty for a figure without one."""

    what: str
    ours: str
    other: str
    figure: float | None = None
    target: str = ""
    unit: str = "x"

    @property
    def verdict(self) -> str:
        if not self.target or self.figure is None:
            return ""
        sign, value = self.target.split()
        reached = self.figure <= float(value) if sign == "<=" else self.figure >= float(value)
        return "PASS" if reached else "MISS"

    def cells(self) -> list[str]:
        shown = "" if self.figure is None else f"{self.figure:.3g} {self.unit}".strip()
        if self.figure is not None and self.figure >= 1000:
            shown = f"{self.figure:,.0f} {self.unit}".strip()
        return [self.what, self.ours, self.other, shown, self.target, self.verdict]


def ms(value: float) -> str:
    """ "0.52 ms", "1,234 ms"."""
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


@dataclass
class Table:
    """Collects lines, prints each as it comes and all of them as Markdown at the end."""

    lines: list[Line] = field(default_factory=list)

    def section(self, title: str) -> None:
        self.lines.append(Line(f"**{title}**", "", ""))
        print(f"\n{title}", flush=True)

    def add(self, line: Line) -> None:
        self.lines.append(line)
        what, ours, other, figure, target, verdict = line.cells()
        print(f"  {what:<66}{ours:>14}{other:>26}{figure:>12}{target:>9} {verdict}", flush=True)

    def markdown(self) -> str:
        head = ["What", "Agora", "Compared with", "Ratio or figure", "Target", ""]
        rows = [head, ["---"] * len(head), *(line.cells() for line in self.lines)]
        return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"
