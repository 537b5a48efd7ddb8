"""Calibration against scikit-learn and bins filled one by one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from forgebench.metrics import calibration

from .tables import METRICS, Shot, shots, table, value


def _ece(pairs):
    """Expected calibration error of (probability, truth) pairs in exact fractions."""
    bins: dict[int, list[Fraction]] = {}
    for p, truth in pairs:
        bins.setdefault(min(14, int(p * 15)), []).append(p - truth)
    return sum((abs(sum(gaps)) for gaps in bins.values()), Fraction(0)) / len(pairs)


def _pixels(given):
    """Every pixel with a truth as (byte, tampered)."""
    return [
        (int(byte), int(truth))
        for shot in given if shot.mask is not None
        for byte, truth in zip(shot.heat.flat, shot.mask.flat, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_pixel_level(seed):
    given = shots(seed, values=(2, 4, 256)[seed % 3])
    pixels = _pixels(given)
    of = table(given)
    expected = brier_score_loss([truth for _, truth in pixels], [byte / 255 for byte, _ in pixels])
    assert value(METRICS["pixel_brier"], of) == pytest.approx(expected, abs=1e-12)
    expected = _ece([(Fraction(byte, 255), truth) for byte, truth in pixels])
    assert value(METRICS["pixel_ece"], of) == pytest.approx(float(expected), abs=1e-12)


def test_a_byte_is_in_the_bin_that_its_fraction_says():
    one_each = np.eye(256, dtype=np.int64)
    counts = calibration.pixel_reliability_counts(one_each, 0 * one_each, np.zeros((256, 2), np.int64))
    assert counts.total.argmax(axis=1).tolist() == [min(14, byte * 15 // 255) for byte in range(256)]


@given(st.lists(st.tuples(st.floats(0, 1) | st.integers(0, 15).map(lambda k: k / 16), st.booleans()), min_size=1))
@settings(max_examples=60, deadline=None, database=None, derandomize=True)
def test_image_level(pairs):
    mask = {True: np.ones((1, 1), bool), False: np.zeros((1, 1), bool)}
    of = table([Shot(mask[y], np.zeros((1, 1), np.uint8), p) for p, y in pairs])
    gaps: dict[int, list[float]] = {}
    for p, y in pairs:
        gaps.setdefault(min(14, int(p * 15)), []).append(p - y)
    expected = sum(abs(sum(part)) for part in gaps.values()) / len(pairs)
    assert value(METRICS["image_ece"], of) == pytest.approx(expected, abs=1e-9)


def test_lost_images_never_cancel_in_a_bin():
    """Two lost predictions of opposite labels are two errors of 1, not a bin that comes out even."""
    tampered, authentic = np.ones((1, 1), bool), np.zeros((1, 1), bool)
    blank = np.zeros((1, 1), np.uint8)
    of = table([Shot(tampered, blank, 0, valid=False), Shot(authentic, blank, 0, valid=False)])
    assert value(METRICS["image_ece"], of) == 1
    assert value(METRICS["pixel_ece"], of) == 1
