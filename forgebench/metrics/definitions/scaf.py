"""The definition `scaf`: the evaluation of SCAF, which stretches each map to 0 to 255 before the threshold."""

from __future__ import annotations

import numpy as np

from forgebench.metrics.definitions.base import Definition
from forgebench.metrics.definitions.parts import cells, mean_of, number
from forgebench.metrics.pixel import BINS, Floats, Histograms, auc
from forgebench.metrics.table import Table

EPSILON = 1e-6
_CHANNELS = 3


def stretched(tampered: Histograms, authentic: Histograms) -> tuple[Histograms, Histograms]:
    """Histograms of the maps after each was stretched from its lowest and highest value to 0 and 255.

    In single precision, and cut off to whole bytes; a constant map becomes 0.
    """
    there = tampered + authentic > 0
    low, high = there.argmax(axis=1), BINS - 1 - there[:, ::-1].argmax(axis=1)
    values = np.arange(BINS, dtype=np.float32) / np.float32(255)
    low_value, high_value = values[low][:, None], values[high][:, None]
    byte = (np.clip((values - low_value) / (high_value - low_value + np.float32(1e-8)), 0, 1) * 255).astype(np.uint8)
    found = np.zeros_like(tampered), np.zeros_like(authentic)
    row = np.broadcast_to(np.arange(len(byte))[:, None], byte.shape)
    for into, of in zip(found, (tampered, authentic), strict=True):
        np.add.at(into, (row, byte), of)
    return found


def numbers(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """F1, IoU and AUC of each image's stretched map, in [0, 1]; higher is better; AUC NaN without both classes.

    IoU is 1 where truth and map are empty.
    """
    pair = stretched(tampered, authentic)
    c = cells(*pair)
    tp, wrong = _CHANNELS * c.tp, _CHANNELS * (c.fp + c.fn)
    return {
        "f1": 2 * tp / (2 * tp + wrong + EPSILON),
        "iou": np.where(tp + wrong == 0, 1.0, tp / (tp + wrong + EPSILON)),
        "auc": auc(*pair),
    }


def _worst_auc(table: Table) -> Floats:
    """0; undefined where it is whatever is predicted."""
    return np.where(table.authentic_px == 0, np.nan, 0.0)


METRICS = (
    mean_of("pixel_f1", "Pixel F1", "tampered with mask", number("scaf", numbers, "f1")),
    mean_of("pixel_iou", "Pixel IoU", "tampered with mask", number("scaf", numbers, "iou")),
    mean_of(
        "pixel_auc", "Pixel AUC", "tampered with mask", number("scaf", numbers, "auc"), _worst_auc, threshold="all",
    ),
)  # fmt: skip

TRAPS = (
    (
        "Each map is stretched so that its lowest value becomes 0 and its highest 255 before the threshold: every map "
        "that is not constant marks something, so it cannot be used on authentic images, and the fixed threshold is "
        "relative to each map."
    ),
    "The stretched map is cut off to whole bytes: of a map with a narrow range the highest value becomes 254.",
    "Image and truth are read with three equal channels: every pixel counts three times beside 1e-6.",
    "Files that cannot be read are left out there; here a missing prediction is the worst.",
    "AUC is undefined, and left out of the mean, where the truth has one class.",
    "The checkpoint is chosen on the test sets; no definition can undo that.",
)

SCAF = Definition(
    "scaf",
    1,
    "SCAF (AAAI 2026): etest.py and eval.py of vpsg-research/SCAF at de745be; BoxPromptIML comes from the same group.",
    METRICS,
    traps=TRAPS,
)
