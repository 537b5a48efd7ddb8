"""Calibration: does a probability of 0.7 mean seven times in ten? Counts in 15 bins, and numbers from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.pixel import BINS, Floats, Histograms, ratio
from forgebench.metrics.table import Members, Table, Weights, exact_sums

ECE_BINS = 15
BYTES = np.arange(BINS) / (BINS - 1)
"""The probability of each byte."""

Bins = NDArray[np.int64]
"""The bin of each image or of each byte, rising with the probability."""


@dataclass(frozen=True)
class Reliability:
    """What was said and what was so, in 15 bins of the probability; shape (B, 15)."""

    said: Floats
    """Sum of the probabilities in each bin."""
    tampered: Floats
    """Number of tampered ones in each bin."""
    total: Floats
    """Number of images or pixels in each bin."""
    lost: Floats
    """Number of those without a valid prediction, in no bin; shape (B,)."""


def equal_width(probability: Floats) -> Bins:
    """Bins of equal width, closed on the left; 1 is in the last."""
    return np.minimum((probability * ECE_BINS).astype(np.int64), ECE_BINS - 1)


def equal_mass(probability: Floats, count: Floats) -> Bins:
    """Bins that hold as nearly the same number as ties allow; equal probabilities share a bin.

    Args:
        probability: Shape (K,), in any order.
        count: Shape (K,): how many have it.

    >>> equal_mass(np.array([0.1, 0.9, 0.1, 0.5]), np.ones(4)).tolist()
    [3, 13, 3, 9]
    """
    value, index = np.unique(probability, return_inverse=True)
    held = np.bincount(index, weights=count, minlength=len(value))
    middle = np.cumsum(held) - held / 2
    bins: Bins = np.minimum((middle * ECE_BINS / max(1.0, held.sum())).astype(np.int64), ECE_BINS - 1)[index]
    return bins


def image_reliability(table: Table, *, adaptive: bool = False) -> tuple[Bins, Floats]:
    """The bin of each image and its score; adaptive bins are those of the whole table in every resample."""
    score = np.where(table.valid, table.score, 0.0)
    return (equal_mass(score, table.valid.astype(np.float64)) if adaptive else equal_width(score)), score


def image_reliability_counts(table: Table, weights: Weights, *, adaptive: bool = False) -> Reliability:
    """Sort the images into bins by score."""

    def by_unit() -> tuple[Callable[[Weights], Floats], Floats, Floats, Floats]:
        bins, score = image_reliability(table, adaptive=adaptive)
        inside = (bins[:, None] == np.arange(ECE_BINS)) & table.valid[:, None]
        tampered, total = table.by_unit(inside & table.tampered[:, None]), table.by_unit(inside)
        return exact_sums(table, score[:, None] * inside), tampered, total, table.by_unit(~table.valid)

    said, tampered, total, lost = table.once(f"reliability of images, adaptive {adaptive}", by_unit)
    return Reliability(said(weights), weights @ tampered, weights @ total, weights @ lost)


def pixel_reliability_counts(
    tampered: Histograms, authentic: Histograms, lost: Histograms, bins: Bins | None = None
) -> Reliability:
    """Sort pixels into bins by their byte.

    Args:
        tampered: Shape (B, 256).
        authentic: Shape (B, 256).
        lost: Shape (B, 2): how many tampered pixels at byte 0, and authentic ones at byte 255, had no prediction.
        bins: The bin of each byte, shape (256,); None takes bins of equal width.
    """
    bins = equal_width(BYTES) if bins is None else bins
    chosen = (bins[:, None] == np.arange(ECE_BINS)).astype(np.float64)
    t, a = tampered.astype(np.float64), authentic.astype(np.float64)
    t[:, 0] -= lost[:, 0]
    a[:, -1] -= lost[:, 1]
    # Bytes, not probabilities: whole numbers, exact in any order.
    said = ((t + a) * np.arange(BINS)) @ chosen / (BINS - 1)
    return Reliability(said, t @ chosen, (t + a) @ chosen, lost.sum(axis=1).astype(np.float64))


def equal_mass_bytes(table: Table, members: Members) -> Bins:
    """Adaptive bins of the bytes, from the pixels of these images."""
    tampered, authentic = (h.sum(axis=0) for h in table.histograms_by_unit(members))
    without = members & ~table.valid
    tampered[0] -= table.tampered_px[without].sum()
    authentic[-1] -= table.authentic_px[without].sum()
    return equal_mass(BYTES, tampered + authentic)


def expected_calibration_error(counts: Reliability) -> Floats:
    """Mean distance between what was said and what was so, weighted by bin (Guo et al. 2017). Lower is better.

    In [0, 1]; NaN without images or pixels. Without a valid prediction the distance is 1: in a bin it could cancel
    another's.
    """
    total = counts.total.sum(axis=1) + counts.lost
    return ratio(np.abs(counts.said - counts.tampered).sum(axis=1) + counts.lost, total, where=total > 0)


def debiased_calibration_error(counts: Reliability) -> Floats:
    """Root mean squared distance between said and so, without what chance adds to it (Kumar et al. 2019, eq. for L2).

    From each bin's squared distance its estimated variance, so (1 - so) / (n - 1), is taken; the sum is cut off at 0.
    Lower is better, in [0, 1]; a bin of one is left as it is; NaN without images or pixels. Without a valid
    prediction the distance is 1.
    """
    n = counts.total
    some = n > 0
    said, so = (ratio(c, n, where=some) for c in (counts.said, counts.tampered))
    chance = ratio(so * (1 - so), n - 1, where=n > 1)
    squared = np.where(some, n * ((said - so) ** 2 - np.where(n > 1, chance, 0.0)), 0.0).sum(axis=1)
    total = n.sum(axis=1) + counts.lost
    mean_squared = ratio(np.maximum(0.0, squared) + counts.lost, total, where=total > 0)
    return np.sqrt(mean_squared)


def image_brier(table: Table) -> Floats:
    """Squared distance between score and label of each image, shape (N,), in [0, 1]. Lower is better."""
    return (np.clip(table.worst_score, 0, 1) - table.tampered) ** 2


def pixel_brier(tampered: Histograms, authentic: Histograms) -> Floats:
    """Mean squared distance between probability and truth over pixels. Lower is better.

    Histograms of shape (B, 256) to values of shape (B,), in [0, 1]; NaN without pixels.
    """
    bytes_ = np.arange(BINS)
    wrong = (tampered * (BINS - 1 - bytes_) ** 2 + authentic * bytes_**2).sum(axis=1) / (BINS - 1) ** 2
    total = (tampered + authentic).sum(axis=1)
    return ratio(wrong, total, where=total > 0)
