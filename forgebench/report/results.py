"""The main table, and the table of all metrics: cells from records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forgebench.metrics import DEFINITIONS, Metric
from forgebench.report.entries import DEFINITION, Entry
from forgebench.report.ranking import Ranking
from forgebench.scoring.record import MetricValue

COLUMNS = (
    "pixel_f1", "pixel_iou", "pixel_auc", "pixel_ap", "image_auc", "image_if1", "fpr_authentic", "coverage",
)  # fmt: skip
RANKED = tuple(name for name in COLUMNS if DEFINITIONS[DEFINITION].metric(name).rankable)
"""The columns whose best entries are marked."""
UNDEFINED = "—"


def shown(value: float) -> str:
    """A number as the page shows it.

    >>> shown(0.16401), shown(-0.03)
    ('0.164', '−0.030')
    """
    return f"{value:.3f}".replace("-", "−")


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
        return UNDEFINED if self.value is None else shown(self.value)

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
        cells = tuple(Cell(entry.number(name), _is_best(entry, rankings.get(name))) for name in COLUMNS)
        rows.append(Row(index, entry, rankings[lead].tiers.get(entry.title), cells))
    places = {entry.title: place for place, entry in enumerate(rankings[lead].order)}
    return sorted(rows, key=lambda row: (places.get(row.entry.title, len(places)), row.index))


def _is_best(entry: Entry, ranking: Ranking | None) -> bool:
    return ranking is not None and ranking.tiers.get(entry.title) == 1 and max(ranking.tiers.values()) > 1


@dataclass(frozen=True)
class Line:
    """One metric of one definition, for all entries."""

    metric: str
    subset: str | None
    about: Metric | None
    """What it means; None where this version of ForgeBench has no such definition."""
    sample: MetricValue
    """Any entry's, for what all of them share."""
    cells: tuple[Cell, ...]

    @property
    def what(self) -> str:
        """How it is made, over what, at which threshold."""
        if self.about is None:
            return ""
        over = "all samples" if self.about.over == "all" else self.about.over
        threshold = {"all": "all thresholds", "none": ""}.get(self.about.threshold, f"threshold {self.about.threshold}")
        return ", ".join(filter(None, (self.about.aggregation, over, threshold)))


@dataclass(frozen=True)
class DefinitionTable:
    """All numbers of one version of one definition."""

    name: str
    version: int
    source: str
    lines: tuple[Line, ...]


def all_metrics(entries: Sequence[Entry]) -> list[DefinitionTable]:
    """Every number of every record, by definition."""
    numbers = [{(m.definition, m.version, m.metric, m.subset): m for m in e.record.metrics} for e in entries]
    keys = list(dict.fromkeys(key for of_entry in numbers for key in of_entry))
    tables = []
    for name, version in dict.fromkeys(key[:2] for key in keys):
        known = DEFINITIONS.get(name)
        if known is not None and known.version != version:
            known = None
        metrics = {} if known is None else {metric.id: metric for metric in known.metrics}
        lines = []
        for key in (key for key in keys if key[:2] == (name, version)):
            cells = tuple(Cell(of_entry.get(key)) for of_entry in numbers)
            sample = next(of_entry[key] for of_entry in numbers if key in of_entry)
            lines.append(Line(key[2], key[3], metrics.get(key[2]), sample, cells))
        tables.append(DefinitionTable(name, version, known.source if known else "", tuple(lines)))
    return tables
