"""Image-level metrics against scikit-learn, brute force and cases by hand."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from .tables import METRICS, Shot, table, value

TAMPERED, AUTHENTIC = np.ones((1, 1), bool), np.zeros((1, 1), bool)
BLANK = np.zeros((1, 1), np.uint8)


def _table(labels, scores):
    return table([Shot(TAMPERED if y else AUTHENTIC, BLANK, s) for y, s in zip(labels, scores, strict=True)])


def _value(name, labels, scores):
    return value(METRICS[name], _table(labels, scores))


_scores = st.lists(
    st.tuples(st.booleans(), st.integers(0, 12).map(lambda s: s / 12) | st.floats(0, 1)), min_size=2, max_size=30
).filter(lambda pairs: 0 < sum(y for y, _ in pairs) < len(pairs))


@given(_scores)
@settings(max_examples=80, deadline=None, database=None, derandomize=True)
def test_equals_scikit_learn(pairs):
    labels, scores = (np.array(column) for column in zip(*pairs, strict=True))
    called = scores >= 0.5
    expected = {
        "image_auc": sk.roc_auc_score(labels, scores),
        "image_ap": sk.average_precision_score(labels, scores),
        "image_accuracy": sk.accuracy_score(labels, called),
        "image_balanced_accuracy": sk.balanced_accuracy_score(labels, called),
        "image_f1": sk.f1_score(labels, called, zero_division=0),
        "image_brier": sk.brier_score_loss(labels, scores),
        "fpr_authentic": called[~labels].mean(),
    }
    found = {name: _value(name, labels, scores) for name in expected}
    assert found == pytest.approx(expected, abs=1e-11)


@given(_scores)
@settings(max_examples=80, deadline=None, database=None, derandomize=True)
def test_eer_and_tpr_by_brute_force(pairs):
    labels, scores = zip(*pairs, strict=True)
    points = _roc(labels, scores)
    assert _value("image_eer", labels, scores) == pytest.approx(float(_eer(points)), abs=1e-12)
    for name, limit in (("image_tpr_at_fpr_01", Fraction(1, 100)), ("image_tpr_at_fpr_05", Fraction(5, 100))):
        assert _value(name, labels, scores) == pytest.approx(float(max(t for f, t in points if f <= limit)))


def _roc(labels, scores):
    """The operating points of every threshold, in exact fractions."""
    p, n = sum(labels), len(labels) - sum(labels)
    points = [(Fraction(0), Fraction(0))]
    for threshold in sorted(set(scores), reverse=True):
        called = [y for y, s in zip(labels, scores, strict=True) if s >= threshold]
        points.append((Fraction(len(called) - sum(called), n), Fraction(sum(called), p)))
    return points


def _eer(points):
    """FPR where the line through the points crosses FPR = 1 - TPR."""
    for (x0, y0), (x1, y1) in pairwise(points):
        if x1 + y1 >= 1:
            share = (1 - x0 - y0) / ((x1 - x0) + (y1 - y0))
            return x0 + share * (x1 - x0)
    raise AssertionError("the last point is (1, 1)")


def test_a_score_of_exactly_one_half_is_called_tampered():
    below = math.nextafter(0.5, 0)
    assert _value("image_accuracy", [1, 0], [0.5, below]) == 1
    assert _value("image_accuracy", [1, 0], [below, 0.5]) == 0


def test_tpr_at_an_fpr_that_is_met_exactly():
    labels, scores = [0] * 100 + [1] * 2, [0.9] + [0.1] * 99 + [0.8, 0.05]
    assert _value("image_tpr_at_fpr_01", labels, scores) == 0.5
    labels, scores = [0] * 20 + [1] * 2, [0.9] + [0.1] * 19 + [0.8, 0.05]
    assert _value("image_tpr_at_fpr_05", labels, scores) == 0.5
    assert _value("image_tpr_at_fpr_01", labels, scores) == 0


def test_i_f1_is_the_harmonic_mean_of_sensitivity_and_specificity():
    labels, scores = [1, 1, 1, 1, 0, 0], [0.9, 0.9, 0.9, 0.1, 0.1, 0.9]
    assert _value("image_if1", labels, scores) == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert _value("image_if1", [1, 0], [0.1, 0.9]) == 0


def test_combined_f1_is_the_harmonic_mean_of_i_f1_and_pixel_f1():
    mask = np.array([[1, 1, 0, 0]], bool)
    shots = [
        Shot(mask, np.array([[255, 0, 255, 0]], np.uint8), 0.9),  # pixel F1 1/2
        Shot(mask, np.array([[255, 255, 0, 0]], np.uint8), 0.1),  # pixel F1 1
        Shot(np.zeros((1, 4), bool), np.full((1, 4), 255, np.uint8), 0.1),
    ]
    detection, localization = 2 * 0.5 * 1 / 1.5, 0.75
    expected = 2 * detection * localization / (detection + localization)
    assert value(METRICS["combined_f1"], table(shots)) == pytest.approx(expected)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize(
    "name",
    ["image_auc", "image_ap", "image_balanced_accuracy", "image_if1", "image_eer", "image_tpr_at_fpr_01",
     "image_tpr_at_fpr_05", "combined_f1"],
)  # fmt: skip
def test_one_class_alone_leaves_it_undefined(name, label):
    assert math.isnan(_value(name, [label] * 3, [0.1, 0.5, 0.9]))


def test_f1_needs_tampered_images_and_fpr_authentic_ones():
    assert math.isnan(_value("image_f1", [0, 0], [0.1, 0.9]))
    assert math.isnan(_value("fpr_authentic", [1, 1], [0.1, 0.9]))
    assert _value("image_accuracy", [0, 0], [0.1, 0.9]) == 0.5
