"""The slices of the records: the leading metric of every part, and the columns of the main table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from forgebench.report.results import Cell, Row, columns
from forgebench.report.scales import Scale, scale

_CHOSEN = ("subset",)
"""What records have beside the slices that they name: samples that someone chose."""


@dataclass(frozen=True)
class Part:
    """The samples that share one value, as every entry fares on them."""

    value: str
    rows: tuple[Row, ...]
    """The columns of the main table."""
    leads: tuple[Cell, ...]
    """The leading metric in each of these rows."""


@dataclass(frozen=True)
class Slice:
    """All parts that a slice has."""

    name: str
    parts: tuple[Part, ...]
    scale: Scale
    """Of the leading metric, the same in all parts."""


def sliced(rows: Sequence[Row], lead: str) -> list[Slice]:
    """What the records are sliced by, in their order; entries in that of the main table."""
    entries, found = [row.entry for row in rows], []
    for name in dict.fromkeys(name for entry in entries for name in (*entry.record.slices, *_CHOSEN)):
        subsets = dict.fromkeys(
            one.subset for entry in entries for one in entry.record.metrics if (one.subset or "").startswith(f"{name}=")
        )
        if not subsets:
            continue
        parts = tuple(_part(rows, subset, lead) for subset in subsets if subset)
        numbers = [cell.number for part in parts for cell in part.leads if cell.number]
        ends = [end for number in numbers for end in (number.ci_low, number.value, number.ci_high)]
        found.append(Slice(name, parts, scale(ends)))
    return found


def _part(rows: Sequence[Row], subset: str, lead: str) -> Part:
    names, value = columns(lead), subset.partition("=")[2]
    # One name may stand for different choices in two records: only the first that has it, and its like, are shown.
    chosen = [row.entry.record.subsets.get(value) if subset.startswith("subset=") else None for row in rows]
    first = next((ids for ids in chosen if ids), None)
    inside = tuple(
        replace(row, cells=tuple(Cell(row.entry.number(name, subset) if ids == first else None) for name in names))
        for row, ids in zip(rows, chosen, strict=True)
    )
    return Part(value, inside, tuple(row.cells[names.index(lead)] for row in inside))
