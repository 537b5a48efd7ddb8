"""The main table: cells from records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from forgebench.metrics import DEFINITIONS
from forgebench.report.entries import DEFINITION, Entry
from forgebench.report.ranking import Ranking
from forgebench.scoring.record import MetricValue

COLUMNS = (
    "pixel_f1", "pixel_iou", "pixel_auc", "pixel_ap", "image_auc", "image_if1", "fpr_authentic", "coverage",
)  # fmt: skip
RANKED = tuple(name for name in COLUMNS if DEFINITIONS[DEFINITION].metric(name).rankable)
"""The columns whose best entries are marked."""
UNDEFINED = "—"


def columns(lead: str) -> tuple[str, ...]:
    """The metrics of the main table: another leading metric comes first."""
    return COLUMNS if lead in COLUMNS else (lead, *COLUMNS)


def shown(value: float | None) -> str:
    """A number as the page shows it.

    >>> shown(0.16401), shown(-0.03), shown(float("nan"))
    ('0.164', '−0.030', '—')
    """
    return UNDEFINED if value is None or math.isnan(value) else f"{value:.3f}".replace("-", "−")


@dataclass(frozen=True)
class Cell:
    """One number of one entry."""

    number: MetricValue | None
    """None where it was not scored."""
    best: bool = False
    """Whether the data do not tell the entry from the best by this metric."""

    @property
    def value(self) -> float | None:
        """The record's value."""
        return None if self.number is None else self.number.value

    @property
    def text(self) -> str:
        """The value in words."""
        return shown(self.value)

    @property
    def interval(self) -> str:
        """The interval in words; empty where there is none."""
        if self.number is None or self.number.ci_low is None or self.number.ci_high is None:
            return ""
        return f"[{shown(self.number.ci_low)}, {shown(self.number.ci_high)}]"

    @property
    def title(self) -> str:
        """What a reader sees on pointing at it."""
        if self.number is None:
            return "not scored"
        if self.value is None:
            return "undefined"
        over = f"{self.value!r}, over {self.number.n} samples"
        return f"{over}, undefined for {self.number.n_undefined}" if self.number.n_undefined else over


@dataclass(frozen=True)
class Row:
    """One entry in the main table."""

    index: int
    """The entry's place among those given, which is its colour."""
    entry: Entry
    tier: int | None
    cells: tuple[Cell, ...]


def main_rows(entries: Sequence[Entry], rankings: dict[str, Ranking], lead: str) -> list[Row]:
    """A row an entry, the best by the leading metric first."""
    rows = []
    for index, entry in enumerate(entries):
        cells = tuple(Cell(entry.number(name), _is_best(entry, rankings.get(name))) for name in columns(lead))
        rows.append(Row(index, entry, rankings[lead].tiers.get(entry.title), cells))
    places = {entry.title: place for place, entry in enumerate(rankings[lead].order)}
    return sorted(rows, key=lambda row: (places.get(row.entry.title, len(places)), row.index))


def _is_best(entry: Entry, ranking: Ranking | None) -> bool:
    return ranking is not None and ranking.tiers.get(entry.title) == 1 and max(ranking.tiers.values()) > 1
