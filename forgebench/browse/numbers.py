"""The numbers of each image that FiftyOne shows, from the per-image table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS, Definition, Table
from forgebench.metrics.pixel import BINS, Floats, Histograms, numbers_at, ratio

PIXEL_NUMBERS = ("pixel_f1", "pixel_iou", "pixel_auc", "pixel_ap", "false_area")
"""Numbers that need masks; higher is better but for `false_area`, the share of an authentic image called tampered."""
_ROWS = 256


def byte_of(threshold: float) -> int:
    """The lowest byte that is called tampered at a probability.

    Raises:
        InputError: If it is not above 0 and at most 1.

    >>> byte_of(0.5), byte_of(1.0)
    (128, 255)
    """
    if not 0 < threshold <= 1:
        raise InputError(f"Expected a threshold above 0 and at most 1, got {threshold}.")
    return math.ceil(threshold * (BINS - 1))


def numbers(table: Table, byte: int) -> dict[str, Floats]:
    """`score` and the pixel numbers of every image, shape (N,), calling bytes of at least `byte` tampered.

    NaN is undefined.
    """
    at = table.per_image(f"at {byte}", lambda tampered, authentic: numbers_at(tampered, authentic, byte))
    whole = table.pixel_numbers
    return {
        "score": table.score, "pixel_f1": at["f1"], "pixel_iou": at["iou"], "pixel_auc": whole["pixel_auc"],
        "pixel_ap": whole["pixel_ap"], "false_area": _false_area(table, byte),
    }  # fmt: skip


def _false_area(table: Table, byte: int) -> Floats:
    """Share of each authentic image called tampered; NaN for tampered ones and where there is no valid mask."""

    def called(_: Histograms, authentic: Histograms) -> dict[str, Floats]:
        return {"called": authentic[:, byte:].sum(axis=1).astype(np.float64)}

    counted = ~table.tampered & table.valid & table.has_truth & table.localizes
    return ratio(table.per_image(f"called at {byte}", called)["called"], table.authentic_px, where=counted)


def definition_named(name: str) -> Definition:
    """The definition of this name.

    Raises:
        InputError: If there is none.
    """
    if name not in DEFINITIONS:
        raise InputError(f"No definition {name}. There are: {', '.join(DEFINITIONS)}")
    return DEFINITIONS[name]


def by_definition(table: Table, definition: Definition) -> dict[str, Floats]:
    """What a definition makes of each image, for all its metrics that are means over images; NaN is undefined.

    Each image is weighed alone: so an invalid prediction has the worst value that the definition allows.
    """
    rows = len(table)
    alone = replace(table, units=(np.arange(rows), rows))
    found = {}
    for metric in definition.metrics:
        if metric.aggregation == "mean over images":
            of = metric.statistic(alone).of
            found[metric.id] = np.concatenate([of(weights) for weights in _one_by_one(rows)])
    return {name: values for name, values in found.items() if not np.isnan(values).all()}


def _one_by_one(rows: int) -> Iterator[Floats]:
    """Weights that take one image each, a block of images at a time."""
    for start in range(0, rows, _ROWS):
        yield np.eye(min(_ROWS, rows - start), rows, start)
