"""Masks against the difference image: a forgery and its authentic original, cell by cell."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import nan

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from forgebench.audits.document import Originals
from forgebench.audits.look import Look

LEAST_COVERED = 0.75
"""A mask that covers less of the difference than this disagrees with it."""

Cells = NDArray[np.uint8]
Key = tuple[str, str, tuple[int, int]]
"""Benchmark, group and size: within one, forgeries and originals lie pixel on pixel."""

_LEAST_DIFFERENCE = 3


def key_of(look: Look) -> Key:
    """Whom a sample is compared with."""
    return look.benchmark, look.group, look.size


def covered(tampered: Cells, original: Cells, mask: Cells) -> float:
    """The share of the difference between two images that a mask covers.

    Args:
        tampered: Shape (64, 64), uint8, mean luma of each cell.
        original: Likewise.
        mask: Shape (64, 64), uint8: how much of each cell is marked.

    Returns:
        0 to 1, higher is better; NaN where the images do not differ beyond what recompression does, or all is
        marked. A cell beside a marked one counts as covered, unless most of the image is marked.
    """
    difference = np.abs(tampered.astype(np.int64) - original)
    inside = mask > 127
    if inside.mean() < 0.5:
        inside = ndimage.binary_dilation(mask > 0, np.ones((3, 3), bool))
    if inside.all():
        return nan
    # What differs on both sides, by compression or toning, is no trace of the forgery's place.
    quiet = min((difference[inside], difference[~inside]), key=np.median)
    level = np.median(quiet)
    spread = np.median(np.abs(quiet - level))
    excess = np.clip(difference - level - max(_LEAST_DIFFERENCE, 6 * spread), 0, None)
    total = excess.sum()
    return float(excess[inside].sum() / total) if total > 0 else nan


@dataclass
class _Waiting:
    originals: list[Cells] = field(default_factory=list)
    forgeries: list[tuple[Look, Cells, Cells]] = field(default_factory=list)


@dataclass
class Comparer:
    """Compares as samples come, and forgets a group as soon as it is complete."""

    expected: Counter[Key]
    """How many samples each key has."""
    shares: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By benchmark: what each mask covers of the difference."""
    _seen: Counter[Key] = field(default_factory=Counter)
    _waiting: dict[Key, _Waiting] = field(default_factory=dict)

    def take(self, look: Look) -> None:
        """One more sample; its cells are dropped, and a mask that disagrees becomes one of its findings."""
        key = key_of(look)
        thumbnail, mask = look.thumbnail, look.cells
        look.thumbnail = look.cells = None
        if self.expected[key] > 1 and thumbnail is not None:
            waiting = self._waiting.setdefault(key, _Waiting())
            if not look.tampered:
                waiting.originals.append(thumbnail)
            elif mask is not None:
                waiting.forgeries.append((look, thumbnail, mask))
        self._seen[key] += 1
        if self._seen[key] == self.expected[key] and key in self._waiting:
            self._compare(self._waiting.pop(key))

    def _compare(self, complete: _Waiting) -> None:
        for look, thumbnail, mask in complete.forgeries if complete.originals else ():
            # A group may have several originals: the forgery was made from the one that it is nearest to.
            differences = [np.abs(thumbnail.astype(np.int64) - one).sum() for one in complete.originals]
            share = covered(thumbnail, complete.originals[int(np.argmin(differences))], mask)
            self.shares[look.benchmark].append(share)
            if share < LEAST_COVERED:
                look.findings.append(
                    ("mask_disagrees", f"covers {share:.0%} of what differs from the authentic original")
                )

    def summary(self, benchmark: str) -> Originals:
        """What came of it."""
        shares = np.array(self.shares[benchmark])
        decided = shares[~np.isnan(shares)]
        return Originals(
            compared=len(shares),
            undecided=len(shares) - len(decided),
            median_covered=float(np.median(decided)) if len(decided) else None,
        )
