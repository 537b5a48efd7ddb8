"""The definition `mvss`: MVSS-Net's evaluation, which most papers on weak supervision copy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forgebench.metrics import image
from forgebench.metrics.definitions.base import Definition, Metric
from forgebench.metrics.definitions.parts import (
    EVERYTHING,
    Cells,
    called,
    cells,
    image_auc,
    mean_of,
    number,
    of_images,
    with_scores,
)
from forgebench.metrics.pixel import Floats, Histograms, ratio
from forgebench.metrics.table import Statistic, Table, Weights, undefined

EPSILON = 1e-6


def numbers(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """F1, precision and recall of each image at 0.5, in [0, 1]; higher is better.

    1e-6 below every fraction makes 0 of what is undefined, but an empty map of an empty truth has F1 1.
    """
    c = cells(tampered, authentic)
    nothing = (c.tp + c.fp == 0) & (c.tp + c.fn == 0)
    return {
        "f1": np.where(nothing, 1.0, 2 * c.tp / (2 * c.tp + c.fp + c.fn + EPSILON)),
        "precision": c.tp / (c.tp + c.fp + EPSILON),
        "recall": c.tp / (c.tp + c.fn + EPSILON),
    }


def accuracy(c: Cells) -> Floats:
    """Share of images called what they are."""
    return (c.tp + c.tn) / (c.tp + c.tn + c.fn + c.fp + EPSILON)


def sensitivity(c: Cells) -> Floats:
    """Share of tampered images called tampered; 0 without any."""
    return c.tp / (c.tp + c.fn + EPSILON)


def specificity(c: Cells) -> Floats:
    """Share of authentic images called authentic; 0 without any."""
    return c.tn / (c.tn + c.fp + EPSILON)


def i_f1(c: Cells) -> Floats:
    """Harmonic mean of sensitivity and specificity; NaN where both are 0."""
    total = sensitivity(c) + specificity(c)
    return ratio(2 * sensitivity(c) * specificity(c), total, where=total > 0)


def peaks(table: Table) -> Table:
    """The table with each map's highest value as the image's score."""
    return table.once("peaks as scores", lambda: with_scores(table, table.extra["peak"] / 255))


def _needs_masks(metric: Metric) -> Metric:
    """Undefined without masks: the images' scores are taken from them."""

    def statistic(table: Table) -> Statistic:
        return metric.statistic(table) if table.localizes else undefined(table, np.ones(len(table), bool))

    return replace(metric, statistic=statistic)


def _auc(curve: image.Curve) -> Floats:
    value = image.auc(curve)
    value[(curve.tp[:, -1] == 0) | (curve.fp[:, -1] == 0)] = 0.0
    return value


def _combined(table: Table) -> Statistic:
    pixel, counts = PIXEL_F1.statistic(table), called(table, peaks)

    def of(weights: Weights) -> Floats:
        p, i = pixel.of(weights), i_f1(counts(weights))
        return 2 * p * i / (i + p + EPSILON)

    return Statistic(len(table), 0, of)


PIXEL_F1 = mean_of("pixel_f1", "Pixel F1", "tampered with mask", number("mvss", numbers, "f1"))

METRICS = (
    PIXEL_F1,
    *map(
        _needs_masks,
        (
            of_images("image_accuracy", "Image accuracy", accuracy, peaks),
            of_images("image_sensitivity", "Sensitivity", sensitivity, peaks, rankable=False, note=EVERYTHING),
            of_images(
                "image_specificity", "Specificity", specificity, peaks, rankable=False,
                note="Calling everything authentic wins.",
            ),
            of_images("image_if1", "Image I-F1", i_f1, peaks),
            image_auc(peaks, _auc),
            Metric("combined_f1", "Combined F1", "all", "over images", _combined, family="image"),
        ),
    ),
)  # fmt: skip

TRAPS = (
    (
        "The image's score is its map's highest value: one hot pixel calls an image tampered, and the score that was "
        "submitted is not looked at."
    ),
    (
        "What is called image F1 is the harmonic mean of sensitivity and specificity; where no image is called right "
        "it is 0 / 0 and stays undefined."
    ),
    "1e-6 below every fraction: without authentic images the specificity is 0, and so is the I-F1.",
    "Image AUC is 0, not undefined, where one class is missing.",
    "An empty map of a tampered image whose truth is empty has pixel F1 1.",
    "A missing map, or one of another size, is left out there; here a missing prediction is the worst.",
    "Any non-zero pixel of a mask file is tampered there, so the edges of JPEG masks are; here masks are binary.",
)

MVSS = Definition(
    "mvss",
    1,
    "MVSS-Net (Chen et al., ICCV 2021; Dong et al., TPAMI 2022): evaluate.py and common/utils.py of dong03/MVSS-Net "
    "at 18214be.",
    METRICS,
    counts=("peak",),
    traps=TRAPS,
)
