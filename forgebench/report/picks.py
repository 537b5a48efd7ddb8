"""Which samples the gallery shows: the best, the worst, the false alarms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from forgebench.metrics import Table
from forgebench.metrics.image import THRESHOLD as SCORE_THRESHOLD
from forgebench.metrics.pixel import Floats, called_authentic, ratio
from forgebench.report.results import UNDEFINED, shown

BEST, ALARMS = 6, 4


@dataclass(frozen=True)
class Shelf:
    """A row of the gallery."""

    title: str
    rows: tuple[int, ...]
    """Rows of the per-image table."""
    empty: str
    """What to say where there are none."""


def shelves(table: Table) -> list[Shelf]:
    """The rows of one entry's gallery, among the samples with a valid prediction."""
    if not (table.localizes and table.tampered_with_mask.any()):
        return [_missed(table), _alarms(table)]
    f1, auc = (table.pixel_numbers[name] for name in ("pixel_f1", "pixel_auc"))
    inside = np.flatnonzero(table.tampered_with_mask & table.valid & ~np.isnan(f1))
    order = _sorted(table, inside, -f1, -np.nan_to_num(auc))
    best = tuple(i for i in order[: (len(order) + 1) // 2] if f1[i] > 0)[:BEST]
    worst = tuple(i for i in reversed(order) if i not in best)[:BEST]
    return [
        Shelf("Best localized, by pixel F1", best, "No tampered image has a pixel F1 above 0."),
        Shelf("Worst localized, by pixel F1", worst, "No further tampered image has a valid prediction."),
        _alarms(table),
    ]


def _missed(table: Table) -> Shelf:
    low = np.flatnonzero(table.tampered & table.valid & (table.score < SCORE_THRESHOLD))
    rows = _sorted(table, low, table.score)[:BEST]
    return Shelf("Tampered images with the lowest scores", tuple(rows), "No tampered image has a score below 0.5.")


def _alarms(table: Table) -> Shelf:
    area = false_area(table)
    alarmed = (table.score >= SCORE_THRESHOLD) | (area > 0)
    rows = _sorted(table, np.flatnonzero(~table.tampered & table.valid & alarmed), -area, -table.score)[:ALARMS]
    none = "No authentic image is called tampered, not even in part."
    return Shelf("Worst false alarms on authentic images", tuple(rows), none)


def _sorted(table: Table, rows: Iterable[int], *keys: Floats) -> list[int]:
    """Rows by the first key, the lowest first; then by the next, and by sample id."""
    return sorted(map(int, rows), key=lambda i: (*(key[i] for key in keys), table.sample_id[i]))


def false_area(table: Table) -> Floats:
    """Share of each image's authentic pixels called tampered, shape (N,); 0 where there is no mask or no truth."""
    called = table.per_image("called authentic", called_authentic)["called"]
    return np.nan_to_num(ratio(called, table.authentic_px, where=table.authentic_px > 0))


def numbers(table: Table, row: int) -> list[tuple[str, str]]:
    """What is written below a picture: names and values of one sample."""
    values: list[tuple[str, float]] = []
    if table.tampered[row] and table.has_truth[row] and table.localizes:
        names = (("F1", "pixel_f1"), ("IoU", "pixel_iou"), ("AUC", "pixel_auc"))
        values += [(name, float(table.pixel_numbers[metric][row])) for name, metric in names]
    elif table.localizes and table.has_truth[row]:
        values.append(("False area", float(false_area(table)[row])))
    values.append(("Score", float(table.score[row])))
    return [(name, UNDEFINED if np.isnan(value) else shown(value)) for name, value in values]
