"""The table of all metrics: every number over all samples, by definition and family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from forgebench.metrics import DEFINITIONS, Definition, Metric
from forgebench.report.absence import absence
from forgebench.report.entries import Entry
from forgebench.report.results import Cell
from forgebench.scoring.record import MetricValue

_Key = tuple[str, int, str]
"""Definition, version and metric."""


@dataclass(frozen=True)
class Line:
    """One metric of one definition, for all entries."""

    metric: str
    about: Metric | None
    """What it means; None where this version of ForgeBench has no such definition."""
    sample: MetricValue
    """Any entry's, for what all of them share."""
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.about.title if self.about else self.metric

    @property
    def family(self) -> str:
        """Its family; empty where it is not known."""
        return self.about.family if self.about else ""

    @property
    def defined(self) -> bool:
        """Whether any entry has a value."""
        return any(cell.value is not None for cell in self.cells)

    @property
    def what(self) -> str:
        """How it is made, over what, at which threshold."""
        if self.about is None:
            return ""
        over = "all samples" if self.about.over == "all" else self.about.over
        threshold = {"all": "all thresholds", "none": ""}.get(self.about.threshold, f"threshold {self.about.threshold}")
        return ", ".join(filter(None, (self.about.aggregation, over, threshold)))


@dataclass(frozen=True)
class Absent:
    """Metrics that no entry has a value of."""

    titles: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class FamilyPart:
    """The metrics of one family: those that some entry has a value of, and the others in a word."""

    name: str
    lines: tuple[Line, ...]
    absent: tuple[Absent, ...]


@dataclass(frozen=True)
class DefinitionTable:
    """All numbers of one version of one definition."""

    name: str
    version: int
    source: str
    families: tuple[FamilyPart, ...]


def known(name: str, version: int) -> Definition | None:
    """A definition of this version of ForgeBench; None where it has no such one."""
    found = DEFINITIONS.get(name)
    return found if found is not None and found.version == version else None


def all_metrics(entries: Sequence[Entry]) -> list[DefinitionTable]:
    """Every number of every record over all samples, by definition."""
    numbers = [{(m.definition, m.version, m.metric): m for m in e.record.metrics if not m.subset} for e in entries]
    keys = list(dict.fromkeys(key for of_entry in numbers for key in of_entry))
    tables = []
    for name, version in dict.fromkeys(key[:2] for key in keys):
        definition = known(name, version)
        lines = [_line(key, definition, numbers) for key in keys if key[:2] == (name, version)]
        source = definition.source if definition else ""
        tables.append(DefinitionTable(name, version, source, tuple(_families(lines, entries))))
    return tables


def _line(key: _Key, definition: Definition | None, numbers: Sequence[dict[_Key, MetricValue]]) -> Line:
    about = next((one for one in definition.metrics if one.id == key[2]), None) if definition else None
    sample = next(of_entry[key] for of_entry in numbers if key in of_entry)
    return Line(key[2], about, sample, tuple(Cell(of_entry.get(key)) for of_entry in numbers))


def _families(lines: Sequence[Line], entries: Sequence[Entry]) -> Iterator[FamilyPart]:
    for name in dict.fromkeys(line.family for line in lines):
        inside = [line for line in lines if line.family == name]
        absent: dict[str, list[str]] = {}
        for line in inside:
            if not line.defined:
                absent.setdefault(_why(line, entries), []).append(line.title)
        yield FamilyPart(
            name, tuple(line for line in inside if line.defined),
            tuple(Absent(tuple(titles), why) for why, titles in absent.items()),
        )  # fmt: skip


def _why(line: Line, entries: Sequence[Entry]) -> str:
    """The reasons of all entries that were scored."""
    pairs = [(cell.number, entry) for cell, entry in zip(line.cells, entries, strict=True)]
    why = [absence(line.about, number, entry) for number, entry in pairs if line.about and number]
    return "; ".join(dict.fromkeys(filter(None, why)))
