"""Where a method misses most: the manipulation and region size, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from forgebench.metrics.intervals import clopper_pearson
from forgebench.report.entries import Entry
from forgebench.scoring import per_image
from forgebench.scoring.per_image import open_table
from forgebench.scoring.slices import SLICES

HALF = 0.5


def misses(entries: Sequence[Entry]) -> Iterator[str]:
    """One sentence an entry that localizes, of the kind of image that it misses most.

    An image is missed where less than half of its region is called tampered at the fixed threshold, or there is no
    valid prediction. The kind is that whose share of misses is largest for sure: by the lower end of the exact 95 %
    interval, so that two misses of two do not beat forty of fifty.
    """
    for entry in entries:
        kinds = _kinds(entry) if entry.table.localizes else []
        if kinds:
            _, missed, n, name = max(kinds)
            share = f"{100 * missed / n:.0f} % of {name} ({missed} of {n})"
            yield (
                f"{entry.title} misses {share}, the kind that it misses most: less than half of the region is marked."
            )


def _kinds(entry: Entry) -> list[tuple[float, int, int, str]]:
    """Each kind that is missed at all: the surest share, how many of how many, its name."""
    table, columns = entry.table, open_table(entry.folder / per_image.FILE).slice_columns()
    found = ~table.valid | ~(table.pixel_numbers["pixel_recall"] >= HALF)
    manipulations, sizes = SLICES["manipulation"](columns), SLICES["region_size"](columns)
    kinds = []
    for manipulation in dict.fromkeys(manipulations[table.tampered_with_mask]):
        for size in dict.fromkeys(sizes[table.tampered_with_mask]):
            same = np.array([one == (manipulation, size) for one in zip(manipulations, sizes, strict=True)])
            inside = table.tampered_with_mask & same
            n, missed = int(inside.sum()), int((inside & found).sum())
            if missed:
                kinds.append((clopper_pearson(missed, n)[0], missed, n, _named(manipulation, size)))
    return kinds


def _named(manipulation: str | None, size: str) -> str:
    kind = "tampered" if manipulation is None else manipulation.replace("_", "-")
    return f"{kind} images with a region of {size} of the area"
