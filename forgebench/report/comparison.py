"""Every pair of entries by the leading metric: a forest plot, and what it can and cannot tell, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from forgebench.report.entries import Entry
from forgebench.report.ranking import Ranking
from forgebench.report.results import shown
from forgebench.report.scales import Scale, scale
from forgebench.scoring.compare import Difference


@dataclass(frozen=True)
class Forest:
    """All paired differences of a ranking."""

    pairs: tuple[Difference, ...]
    scale: Scale
    tiers: tuple[tuple[int, tuple[str, ...]], ...]
    """Entries by tier."""
    left_out: tuple[str, ...]
    """Those without a place."""

    @property
    def detectable(self) -> str:
        """The smallest differences that can be found, in words."""
        found = sorted(one.detectable for one in self.pairs if not math.isnan(one.detectable))
        if not found:
            return "How small a difference could be found here cannot be known."
        low, high = shown(found[0]), shown(found[-1])
        least = low if low == high else f"{low} to {high}, by pair"
        before = ", before the correction for several pairs" if len(self.pairs) > 1 else ""
        return (
            f"With 80 % power these images separate entries whose true difference is at least {least}{before}. "
            "What is smaller may well be missed: not told apart is not equal."
        )


def forest(entries: Sequence[Entry], ranking: Ranking) -> Forest | None:
    """The forest of a ranking; None where there is no pair."""
    if not ranking.differences:
        return None
    ends = [end for one in ranking.differences for end in (one.ci_low, one.value, one.ci_high)]
    tiers = {tier: tuple(t for t, of in ranking.tiers.items() if of == tier) for tier in ranking.tiers.values()}
    placed = {entry.title for entry in ranking.order}
    left_out = tuple(entry.title for entry in entries if entry.title not in placed)
    return Forest(ranking.differences, scale(ends, zero=True), tuple(sorted(tiers.items())), left_out)
