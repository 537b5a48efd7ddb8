"""Image-level detection: counts from scores and labels under weights, and numbers from the counts.

The sample of an invalid prediction scores beyond every valid one on the wrong side.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.pixel import Floats, partial_auc, ratio
from forgebench.metrics.table import Members, Table, Weights

THRESHOLD = 0.5
"""The fixed threshold: a score of at least 0.5 is called tampered."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Confusion:
    """How many images were called tampered, in each of B resamples; whole numbers of shape (B,)."""

    tp: Floats
    fp: Floats
    p: Floats
    """Tampered images."""
    n: Floats
    """Authentic images."""


@dataclass(frozen=True)
class Curve:
    """Images at or above each distinct score, from the highest down; whole numbers of shape (B, S)."""

    tp: Floats
    fp: Floats
    lost: Floats
    """Tampered images without a valid prediction, shape (B,): at the lowest score, but found by no threshold."""

    @cached_property
    def rates(self) -> tuple[Floats, Floats]:
        """False and true positive rates from (0, 0) to (1, 1), shape (B, S + 1); NaN without both classes."""
        both = (self.tp[:, -1] > 0) & (self.fp[:, -1] > 0)
        fpr, tpr = (np.zeros((len(self.tp), self.tp.shape[1] + 1)) for _ in range(2))
        for rate, counts in ((fpr, self.fp), (tpr, self.tp)):
            np.divide(counts, counts[:, -1:], out=rate[:, 1:], where=both[:, None])
            rate[~both] = np.nan
        return fpr, tpr


def confusion_counts(table: Table, weights: Weights, threshold: float = THRESHOLD) -> Confusion:
    """Count the images called tampered: those with a score of at least the threshold."""

    def by_unit() -> Floats:
        called = np.where(table.valid, table.worst_score >= threshold, ~table.tampered)
        masks = (called & table.tampered, called & ~table.tampered, table.tampered, ~table.tampered)
        return table.by_unit(np.stack(masks, axis=1))

    return Confusion(*(weights @ table.once(f"called at {threshold}, by unit", by_unit)).T)


def curve_counts(table: Table, weights: Weights) -> Curve:
    """Count the images at or above each distinct score."""

    def by_score() -> tuple[Ints, Ints, Members, Floats]:
        order = np.argsort(-table.worst_score, kind="stable")
        score = table.worst_score[order]
        last = np.flatnonzero(np.concatenate([score[1:] != score[:-1], [True]]))
        lost = table.by_unit(table.tampered & ~table.valid)
        return table.drawn_by[0][order], last, table.tampered[order], lost

    unit, last, tampered, lost = table.once("images by score", by_score)
    every = np.asarray(weights, np.float64)[:, unit]
    tp, every = (np.cumsum(a, axis=1) for a in (every * tampered, every))
    if not len(unit):  # No images: none at or above any score.
        tp = every = np.zeros((len(weights), 1))
    elif len(last) < len(unit):
        tp, every = tp[:, last], every[:, last]
    return Curve(tp, every - tp, lost=weights @ lost)


def accuracy(counts: Confusion) -> Floats:
    """Share of images called what they are."""
    total = counts.p + counts.n
    return ratio(counts.tp + counts.n - counts.fp, total, where=total > 0)


def sensitivity(counts: Confusion) -> Floats:
    """Share of tampered images called tampered; NaN without tampered images."""
    return ratio(counts.tp, counts.p, where=counts.p > 0)


def specificity(counts: Confusion) -> Floats:
    """Share of authentic images called authentic; NaN without authentic images."""
    return ratio(counts.n - counts.fp, counts.n, where=counts.n > 0)


def balanced_accuracy(counts: Confusion) -> Floats:
    """Mean of sensitivity and specificity; NaN without both classes."""
    return (sensitivity(counts) + specificity(counts)) / 2


def f1(counts: Confusion) -> Floats:
    """F1 of the class tampered; NaN without tampered images."""
    return ratio(2 * counts.tp, counts.tp + counts.fp + counts.p, where=counts.p > 0)


def i_f1(counts: Confusion) -> Floats:
    """The field's I-F1: harmonic mean of sensitivity and specificity; NaN without both classes."""
    return harmonic_mean(sensitivity(counts), specificity(counts))


def harmonic_mean(a: Floats, b: Floats) -> Floats:
    """2ab / (a + b); 0 where both are 0, NaN where either is.

    >>> harmonic_mean(np.array([0.5, 0.0]), np.array([1.0, 0.0])).round(3).tolist()
    [0.667, 0.0]
    """
    total = a + b
    value = ratio(2 * a * b, total, where=total > 0)
    value[total == 0] = 0.0
    return value


def auc(curve: Curve) -> Floats:
    """Area under the ROC curve, ties counting half (scikit-learn's `roc_auc_score`); NaN without both classes."""
    fpr, tpr = curve.rates
    area: Floats = (np.diff(fpr, axis=1) * (tpr[:, 1:] + tpr[:, :-1])).sum(axis=1) / 2
    return area


def average_precision(curve: Curve) -> Floats:
    """Step-wise average precision (scikit-learn's `average_precision_score`); NaN without both classes.

    A tampered image without a valid prediction adds nothing, where the lowest score would add the base rate.
    """
    gained = np.diff(curve.tp, axis=1, prepend=0)
    gained[:, -1] -= curve.lost
    precision = ratio(curve.tp, curve.tp + curve.fp, where=curve.tp > 0)
    total = np.where(gained > 0, gained * precision, 0.0).sum(axis=1)
    p, n = curve.tp[:, -1], curve.fp[:, -1]
    return ratio(total, p, where=(p > 0) & (n > 0))


def equal_error_rate(curve: Curve) -> Floats:
    """Where the ROC, linearly interpolated, has FPR = FNR; NaN without both classes."""
    fpr, tpr = curve.rates
    gap = fpr + tpr - 1
    after = np.argmax(gap >= 0, axis=1)[:, None]
    before = np.maximum(after - 1, 0)
    (x0, x1), (g0, g1) = ([np.take_along_axis(a, i, axis=1)[:, 0] for i in (before, after)] for a in (fpr, gap))
    share = ratio(-g0, g1 - g0, where=g1 > g0)
    return np.where(g1 > g0, x0 + share * (x1 - x0), x1)


def tpr_at_fpr(curve: Curve, limit: float) -> Floats:
    """The largest TPR of a threshold whose FPR does not exceed `limit`, not interpolated; NaN without both classes."""
    fpr, tpr = curve.rates
    value: Floats = np.where(fpr > limit, 0.0, tpr).max(axis=1)
    return value


def partial_area(curve: Curve, limit: float) -> Floats:
    """Area under the ROC curve up to a false positive rate, as a share of what is possible; NaN without both classes.

    Higher is better; chance gives `limit / 2`.
    """
    return partial_auc(*curve.rates, limit)
