"""The definition `wscl`: the evaluation of WSCL, image labels only."""

from __future__ import annotations

from forgebench.metrics import image
from forgebench.metrics.definitions.base import Definition, Metric
from forgebench.metrics.definitions.mvss import EPSILON, accuracy, i_f1, numbers, sensitivity, specificity
from forgebench.metrics.definitions.parts import (
    EVERYTHING,
    ONE_PIXEL,
    Cells,
    called,
    image_auc,
    mean_of,
    number,
    of_images,
)
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Statistic, Table


def _precision(c: Cells) -> Floats:
    return c.tp / (c.tp + c.fp + EPSILON)


def _combined(table: Table) -> Statistic:
    pixel, counts = _PIXEL_F1.statistic(table), called(table)
    return Statistic(
        len(table), 0, lambda weights: image.harmonic_mean(pixel.of(weights), i_f1(counts(weights)))
    )  # fmt: skip


_PIXEL_F1 = mean_of("pixel_f1", "Pixel F1", "tampered with mask", number("mvss", numbers, "f1"))

METRICS = (
    _PIXEL_F1,
    mean_of(
        "pixel_precision", "Pixel precision", "tampered with mask", number("mvss", numbers, "precision"),
        rankable=False, note=ONE_PIXEL,
    ),
    mean_of(
        "pixel_recall", "Pixel recall", "tampered with mask", number("mvss", numbers, "recall"),
        rankable=False, note=EVERYTHING,
    ),
    of_images("image_accuracy", "Image accuracy", accuracy),
    of_images("image_sensitivity", "Sensitivity", sensitivity, rankable=False, note=EVERYTHING),
    of_images(
        "image_specificity", "Specificity", specificity, rankable=False, note="Calling everything authentic wins."
    ),
    of_images("image_precision", "Image precision", _precision, rankable=False, note="One sure image is enough."),
    of_images("image_if1", "Image I-F1", i_f1),
    image_auc(),
    Metric("combined_f1", "Combined F1", "all", "over images", _combined, family="image"),
)  # fmt: skip

TRAPS = (
    (
        "As in mvss, image F1 is the harmonic mean of sensitivity and specificity; where no image is called right the "
        "code gives minus infinity, here it is undefined."
    ),
    "1e-6 below every fraction: without authentic images the specificity is 0, and so is the I-F1.",
    "Large images are predicted in overlapping tiles, which is the method's affair, not the definition's.",
    "The printed average is over data sets, whatever their sizes; here each benchmark stands alone.",
    "The best epoch is chosen on the test sets; no definition can undo that.",
)

WSCL = Definition(
    "wscl",
    1,
    "WSCL (Zhai et al., ICCV 2023): engine.py and utils/misc.py of yhZhai/WSCL at 482ab8a.",
    METRICS,
    traps=TRAPS,
)
