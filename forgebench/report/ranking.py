"""Who is ahead by a metric, and whom the data do not tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from forgebench.report.entries import DEFINITION, Entry
from forgebench.scoring import compare
from forgebench.scoring.compare import Difference


@dataclass(frozen=True)
class Ranking:
    """The entries by one metric. One whose value is undefined, or whose hashes do not match, has no place."""

    metric: str
    order: tuple[Entry, ...]
    """Those with a value, the best first."""
    tiers: dict[str, int] = field(default_factory=dict)
    """By title: 1 for an entry that the data do not tell from the best; empty for fewer than two entries."""
    differences: tuple[Difference, ...] = ()
    """Every pair, by title, the better one first."""

    @property
    def ahead(self) -> dict[str, Difference]:
        """By title: the paired difference between the best entry and each other one."""
        return {one.second: one for one in self.differences if one.first == self.order[0].title}


def rank(entries: Sequence[Entry], metric: str) -> Ranking:
    """Rank the entries by a metric of the definition `forgebench`."""
    defined = [entry for entry in entries if entry.value(metric) is not None and not entry.warnings]
    if len(defined) < 2:
        return Ranking(metric, tuple(defined))
    comparison = compare([entry.folder for entry in defined], metric=metric, definition=DEFINITION)
    by_key = dict(zip(_keys(defined), defined, strict=True))
    title = {key: entry.title for key, entry in by_key.items()}
    return Ranking(
        metric,
        tuple(by_key[key] for key in comparison.values),
        {title[key]: tier for key, tier in comparison.tiers.items()},
        tuple(replace(one, first=title[one.first], second=title[one.second]) for one in comparison.differences),
    )


def _keys(entries: Sequence[Entry]) -> list[str]:
    """The names that `compare` gives to these entries in this order."""
    keys: list[str] = []
    for entry in entries:
        name = entry.record.method.method
        keys.append(name if name not in keys else f"{name} ({entry.folder})")
    return keys
