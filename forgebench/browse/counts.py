"""What methods find, miss and invent among some samples at any threshold, in words."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from forgebench.browse.numbers import byte_of, numbers
from forgebench.metrics import Table
from forgebench.metrics.pixel import Floats, Histograms
from forgebench.metrics.table import Members
from forgebench.scoring.scored import read_scored


def counts_in_words(methods: dict[str, dict[str, Any]], inside: set[str], threshold: float) -> str:
    """A Markdown table of what each method finds, misses and invents among some samples.

    Args:
        methods: With masks, as `noted` by slug.
        inside: The sample ids.
        threshold: Pixels of at least this probability are called tampered.
    """
    if not methods:
        return "No method with masks is shown. Add one: `forgebench browse BENCH SCORES`"
    head = ("Method", "Regions touched", "missed", "Authentic clean", "alarmed", "Mean F1", "Mean false area")
    lines = [f"At {threshold:.2f}, byte {byte_of(threshold)} and above, of {len(inside)} samples in view:", ""]
    lines += ["|".join(head), "|".join([":--", *["--:"] * (len(head) - 1)])]
    for about in methods.values():
        table = _table(about["scores"], about["record"])
        members = np.array([name in inside for name in table.sample_id.tolist()], bool)
        lines.append("|".join([about["title"], *map(_shown, counts_at(table, members, byte_of(threshold)))]))
    return "\n".join(lines)


def counts_at(table: Table, members: Members, byte: int) -> tuple[int, int, int, int, float, float]:
    """How many images fare how at a threshold, among members with a valid prediction and a pixel truth.

    Returns:
        Tampered images with a pixel of their region called tampered, and without; authentic images without a pixel
        called tampered, and with; mean pixel F1 of the tampered and mean false area of the authentic, NaN without any.
    """

    def called(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
        sides = {"hits": tampered, "alarms": authentic}
        return {name: side[:, byte:].sum(axis=1).astype(np.float64) for name, side in sides.items()}

    pixels, values = table.per_image(f"hits at {byte}", called), numbers(table, byte)
    known = members & table.valid & table.has_truth
    tampered, authentic = known & table.tampered, known & ~table.tampered
    hits, alarms = int((pixels["hits"][tampered] > 0).sum()), int((pixels["alarms"][authentic] > 0).sum())
    return (
        hits, int(tampered.sum()) - hits, int(authentic.sum()) - alarms, alarms,
        _mean(values["pixel_f1"][tampered]), _mean(values["false_area"][authentic]),
    )  # fmt: skip


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else np.nan


def _shown(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return "—" if np.isnan(value) else f"{value:.3f}"


@lru_cache(maxsize=8)
def _table(folder: str, record: str) -> Table:
    """A score's table; another record in the same folder is another table."""
    return read_scored(Path(folder)).table
