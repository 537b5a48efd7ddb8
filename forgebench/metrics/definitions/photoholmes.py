"""The definition `photoholmes`: PhotoHolmes' metrics of heat maps and scores, most of them torchmetrics'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.definitions.base import About, Definition, Metric, pooled_pixels
from forgebench.metrics.definitions.parts import (
    EVERYTHING,
    ONE_PIXEL,
    Cells,
    cells,
    divided,
    mean_of,
    number,
    of_images,
    singles,
)
from forgebench.metrics.pixel import BINS, Floats, Histograms
from forgebench.metrics.table import Statistic, Table

THRESHOLDS = np.linspace(0, 1, 100).astype(np.float32)
"""What PhotoHolmes' factory gives to torchmetrics."""
_FIRST = np.searchsorted(np.arange(BINS, dtype=np.float32) / np.float32(255), THRESHOLDS)
"""The lowest byte at each threshold or above."""
_BYTES = np.arange(BINS)


def numbers(tampered: Histograms, authentic: Histograms) -> dict[str, Floats]:
    """Of each image: AUROC at 100 thresholds, and F1, IoU and MCC with probabilities for counts (`_v1`).

    0 where undefined. F1, IoU and AUROC are in [0, 1], MCC in [-2, 2]; higher is better.
    """
    soft = _soft(tampered, authentic)
    wrong, right = soft.fp + soft.fn, soft.tp + soft.tn
    return {
        "auroc": _auroc(tampered, authentic),
        "f1": _f1(soft),
        "iou": _iou(soft),
        "mcc": ((right > 0) & (wrong == 0)) * 1.0 - ((right == 0) & (wrong > 0)) + _soft_correlation(soft),
    }


def _auroc(tampered: Histograms, authentic: Histograms) -> Floats:
    return auroc(*(np.cumsum(h[:, ::-1], axis=1)[:, ::-1][:, _FIRST] for h in (tampered, authentic)))


def auroc(tp: NDArray[Any], fp: NDArray[Any]) -> Floats:
    """Area under the ROC at the thresholds, from those at or above each of them, shape (n, 100), rising thresholds.

    The curve starts at the highest threshold, 1, not at (0, 0); 0 without both classes.
    """
    tpr, fpr = (divided(h, np.broadcast_to(h[:, :1], h.shape))[:, ::-1] for h in (tp, fp))
    area: Floats = (np.diff(fpr, axis=1) * (tpr[:, 1:] + tpr[:, :-1])).sum(axis=1) / 2
    return area


def _soft(tampered: Histograms, authentic: Histograms) -> Cells:
    """Sums of the maps' bytes over the tampered and the authentic pixels, and what they lack to 255."""
    tp, fp = ((h * _BYTES).sum(axis=1).astype(np.float64) for h in (tampered, authentic))
    return Cells(tp, fp, 255.0 * tampered.sum(axis=1) - tp, 255.0 * authentic.sum(axis=1) - fp)


def _f1(c: Cells) -> Floats:
    return divided(2 * c.tp, 2 * c.tp + c.fp + c.fn)


def _iou(c: Cells) -> Floats:
    return divided(c.tp, c.tp + c.fp + c.fn)


def _precision(c: Cells) -> Floats:
    return divided(c.tp, c.tp + c.fp)


def _recall(c: Cells) -> Floats:
    return divided(c.tp, c.tp + c.fn)


def _soft_correlation(c: Cells) -> Floats:
    product = np.sqrt(c.tp + c.fp) * np.sqrt(c.tp + c.fn) * np.sqrt(c.tn + c.fp) * np.sqrt(c.tn + c.fn)
    return divided(c.tp * c.tn - c.fp * c.fn, product)


def _soft_mcc(c: Cells) -> Floats:
    """`MCC_weighted_v2`: 1 without a wrong pixel, -1 without a right one."""
    wrong, right = c.fp + c.fn, c.tp + c.tn
    value = _soft_correlation(c)
    value[(right > 0) & (wrong == 0)] = 1.0
    value[(right == 0) & (wrong > 0)] = -1.0
    return value


def mcc(c: Cells) -> Floats:
    """MCC as torchmetrics has it, in [-1, 1]: 1 without a wrong one, -1 without a right one.

    Where a class is missing in truth or map it is not 0 but the code's small number: of the square root of single
    precision's epsilon.
    """
    tp, fp, fn, tn = c.tp, c.fp, c.fn, c.tn
    total = tp + fp + fn + tn
    above, below = tp * tn - fp * fn, (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    tiny = float(np.finfo(np.float32).eps)
    padded = (tp + fp + tiny) * (tp + fn + tiny) * (tn + fp + tiny) * (tn + fn + tiny)
    # One row or column of the table is empty: what is in the other, one sign against the other, by a tiny number.
    empty = [(fn + tn == 0, tp - fp), (fp + tn == 0, tp - fn), (tp + fn == 0, tn - fp), (tp + fp == 0, tn - fn)]
    special = np.select([where for where, _ in empty], [np.sqrt(tiny) * value for _, value in empty], 0.0)
    value = np.where(below > 0, divided(above, np.sqrt(below)), special / np.sqrt(padded))
    value = np.where((tp + tn > 0) & (fp + fn == 0), 1.0, value)
    value = np.where((tp + tn == 0) & (fp + fn > 0), -1.0, value)
    return np.where(total > 0, value, 0.0)


def _worst_mcc(table: Table) -> Floats:
    """-2 with both classes, -1 with one: what a map gets that is wrong everywhere."""
    return np.where((table.tampered_px > 0) & (table.authentic_px > 0), -2.0, -1.0)


def _pooled(name: str, title: str, value: Callable[[Cells], Floats], **about: Unpack[About]) -> Metric:
    return pooled_pixels(name, title, lambda t, a, _: value(cells(t, a)), "with mask", **about)


def _soft_pooled(name: str, title: str, value: Callable[[Cells], Floats], **about: Unpack[About]) -> Metric:
    about = {"threshold": "none", **about}
    return pooled_pixels(name, title, lambda t, a, _: value(_soft(t, a)), "with mask", **about)


def _each(name: str, title: str, which: str, **about: Unpack[About]) -> Metric:
    worst = _worst_mcc if which == "mcc" else 0.0
    return mean_of(name, title, "with mask", number("photoholmes", numbers, which), worst, **about)


def _false_positive_rate(_: Histograms, authentic: Histograms) -> Floats:
    return divided(authentic[:, -1], authentic.sum(axis=1))


def _image_auroc(table: Table) -> Statistic:
    at = singles(table).worst_score[:, None] >= THRESHOLDS
    # A lost tampered image is below every threshold, yet counts among the tampered.
    at[:, 0] = True
    tampered, authentic = (table.by_unit(at & which[:, None]) for which in (table.tampered, ~table.tampered))
    return Statistic(len(table), 0, lambda weights: auroc(weights @ tampered, weights @ authentic))


METRICS = (
    _pooled("pixel_f1_pooled", "Pixel F1, pooled", _f1),
    _pooled("pixel_iou_pooled", "Pixel IoU, pooled", _iou),
    _pooled("pixel_mcc_pooled", "Pixel MCC, pooled", mcc),
    _pooled("pixel_precision_pooled", "Pixel precision, pooled", _precision, rankable=False, note=ONE_PIXEL),
    _pooled("pixel_recall_pooled", "Pixel recall, pooled", _recall, rankable=False, note=EVERYTHING),
    pooled_pixels(
        "pixel_fpr_pooled", "Pixel FPR, pooled", lambda t, a, _: _false_positive_rate(t, a), "with mask",
        threshold="1.0 exactly", higher_is_better=False, rankable=False,
        note="Marking nothing wins; and nothing is marked below 1.",
    ),
    pooled_pixels(
        "pixel_auroc_pooled", "Pixel AUROC, pooled", lambda t, a, _: _auroc(t, a), "with mask", threshold="all",
    ),
    _each("pixel_auroc", "Pixel AUROC", "auroc", threshold="all"),
    _each("pixel_f1_weighted_v1", "Pixel F1, weighted", "f1", threshold="none"),
    _each("pixel_iou_weighted_v1", "Pixel IoU, weighted", "iou", threshold="none"),
    _each(
        "pixel_mcc_weighted_v1", "Pixel MCC, weighted", "mcc", threshold="none", rankable=False,
        note="On authentic images only an all-black map counts: silence gains.",
    ),
    _soft_pooled("pixel_f1_weighted_v2", "Pixel F1, weighted and pooled", _f1),
    _soft_pooled("pixel_iou_weighted_v2", "Pixel IoU, weighted and pooled", _iou),
    _soft_pooled("pixel_mcc_weighted_v2", "Pixel MCC, weighted and pooled", _soft_mcc),
    Metric("image_auroc", "Image AUROC", "all", "over images", _image_auroc, threshold="all", family="image"),
    of_images("image_f1", "Image F1", _f1),
    of_images("image_iou", "Image IoU", _iou),
    of_images("image_mcc", "Image MCC", mcc),
    of_images("image_precision", "Image precision", _precision, rankable=False, note="One sure image is enough."),
    of_images("image_recall", "Image recall", _recall, rankable=False, note=EVERYTHING),
)  # fmt: skip

TRAPS = (
    (
        "Pixels are pooled over all images, the authentic among them: large images weigh more, and the per-image mean "
        "of a paper is not what this gives."
    ),
    (
        "AUROC is taken at 100 thresholds and its curve starts at the threshold 1, not at (0, 0): of a black and white "
        "map the area up to its false positive rate is lost."
    ),
    "AUROC without one of the classes is 0, so every authentic image enters the mean AUROC with 0.",
    "MCC of an empty map is not 0 but a small number that depends on the share of tampered pixels.",
    (
        "The weighted MCC of version 1 adds 1 for a map without a wrong pixel and then its MCC of 1 as well: a perfect "
        "black and white map gets 2, its inverse -2."
    ),
    (
        "The weighted metrics' false positives and negatives have each other's names; F1, IoU and MCC do not change "
        "by it."
    ),
    "FPR counts only values of exactly 1: of a heat map that never reaches 1 it is 0.",
    "What is undefined is 0.",
    (
        "Not reproduced, for want of a counterpart: a sigmoid on the whole map where one value is not in [0, 1] or not "
        "a number, and sums in single precision, which lose digits on large sets."
    ),
)

PHOTOHOLMES = Definition(
    "photoholmes",
    1,
    "PhotoHolmes 0.0.1: src/photoholmes/metrics and benchmark.py of photoholmes/photoholmes at f57f487, with "
    "torchmetrics 1.9.",
    METRICS,
    traps=TRAPS,
)
