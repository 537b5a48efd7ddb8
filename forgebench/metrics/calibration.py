"""Calibration: does a probability of 0.7 mean seven times in ten? Counts in 15 bins, and numbers from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forgebench.metrics.pixel import BINS, Floats, Histograms, ratio
from forgebench.metrics.table import Table, Weights

ECE_BINS = 15
_FIXED_POINT = 2.0**40
_BYTES = np.arange(BINS) / (BINS - 1)


@dataclass(frozen=True)
class Reliability:
    """What was said and what was so, in 15 equal-width bins of the probability; shape (B, 15)."""

    said: Floats
    """Sum of the probabilities in each bin."""
    tampered: Floats
    """Number of tampered ones in each bin."""
    total: Floats
    """Number of images or pixels in each bin."""
    lost: Floats
    """Number of those without a valid prediction, in no bin; shape (B,)."""


def _bin(probability: Floats) -> NDArray[np.int64]:
    return np.minimum((probability * ECE_BINS).astype(np.int64), ECE_BINS - 1)


def image_reliability_counts(table: Table, weights: Weights) -> Reliability:
    """Sort the images into bins by score."""
    score = np.where(table.valid, table.score, 0.0)
    inside = (_bin(score)[:, None] == np.arange(ECE_BINS)) & table.valid[:, None]
    fixed = np.round(score * _FIXED_POINT).astype(np.int64)[:, None] * inside
    return Reliability(
        (weights @ fixed) / _FIXED_POINT,
        (weights @ (inside & table.tampered[:, None]).astype(np.int64)).astype(np.float64),
        (weights @ inside.astype(np.int64)).astype(np.float64),
        (weights @ (~table.valid).astype(np.int64)).astype(np.float64),
    )


def pixel_reliability_counts(tampered: Histograms, authentic: Histograms, lost: Histograms) -> Reliability:
    """Sort pixels into bins by their byte; histograms of shape (B, 256), and how many in them were lost, (B, 2)."""
    starts = np.searchsorted(_bin(_BYTES), np.arange(ECE_BINS))
    t, a = tampered.astype(np.float64), authentic.astype(np.float64)
    t[:, 0] -= lost[:, 0]
    a[:, -1] -= lost[:, 1]
    said, hits, n = (np.add.reduceat(h, starts, axis=1) for h in ((t + a) * _BYTES, t, t + a))
    return Reliability(said, hits, n, lost.sum(axis=1).astype(np.float64))


def expected_calibration_error(counts: Reliability) -> Floats:
    """Mean distance between what was said and what was so, weighted by bin (Guo et al. 2017). Lower is better.

    In [0, 1]; NaN without images or pixels. Without a valid prediction the distance is 1: in a bin it could cancel
    another's.
    """
    total = counts.total.sum(axis=1) + counts.lost
    return ratio(np.abs(counts.said - counts.tampered).sum(axis=1) + counts.lost, total, where=total > 0)


def image_brier(table: Table) -> Floats:
    """Squared distance between score and label of each image, shape (N,), in [0, 1]. Lower is better."""
    return (np.clip(table.worst_score, 0, 1) - table.tampered) ** 2


def pixel_brier(tampered: Histograms, authentic: Histograms) -> Floats:
    """Mean squared distance between probability and truth over pixels. Lower is better.

    Histograms of shape (B, 256) to values of shape (B,), in [0, 1]; NaN without pixels.
    """
    wrong = (tampered * (1 - _BYTES) ** 2 + authentic * _BYTES**2).sum(axis=1)
    total = (tampered + authentic).sum(axis=1)
    return ratio(wrong, total, where=total > 0)
