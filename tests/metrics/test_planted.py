"""Wrong metrics, as they are found in real code, must be caught by the checks that ours pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forgebench.metrics import calibration, image, pixel
from forgebench.metrics.table import Statistic, mean, pooled

from .checks import CHECKS
from .tables import METRICS


def _auc_without_ties(tampered, authentic):
    """Only pairs that are won outright: a constant map gets 0."""
    below = np.cumsum(authentic, axis=1) - authentic
    p, n = tampered.sum(axis=1), authentic.sum(axis=1)
    return pixel.ratio((tampered * below).sum(axis=1), p * n, where=(p > 0) & (n > 0))


def _f1_above_the_threshold(table):
    """`>` instead of `>=`."""
    tp, fp = (h[:, 129:].sum(axis=1) for h in (table.hist_tampered, table.hist_authentic))
    p = table.tampered_px
    values = pixel.ratio(2 * tp, tp + fp + p, where=p > 0)
    return mean(table, np.where(table.valid, values, 0.0), table.tampered_with_mask)


def _undefined_as_zero(table):
    """A mean that takes NaN as 0."""
    values = np.where(table.valid, np.nan_to_num(table.pixel_numbers["pixel_auc"]), 0.0)
    return mean(table, values, table.tampered_with_mask)


def _missing_left_out(table):
    """A mean over the samples that happen to be there."""
    return mean(table, table.pixel_numbers["pixel_f1"], table.tampered_with_mask & table.valid)


def _missing_as_half(table):
    """A missing score filled in with a guess."""
    score = np.where(table.valid, table.score, 0.5)
    return mean(table, (score - table.tampered) ** 2, np.ones(len(table), bool))


def _missing_in_a_bin(table):
    """Missing predictions put into bins, where they cancel others."""
    full = replace(table, score=np.clip(table.worst_score, 0, 1), valid=np.ones(len(table), bool))

    def of(weights):
        return calibration.expected_calibration_error(calibration.image_reliability_counts(full, weights))

    return Statistic(len(table), 0, of)


def _missing_at_the_base_rate(table):
    """Average precision that retrieves missing predictions last, and is paid the base rate for it."""

    def of(weights):
        curve = image.curve_counts(table, weights)
        return image.average_precision(replace(curve, lost=0 * curve.lost))

    return Statistic(len(table), 0, of)


def _rows_unweighted(table):
    """A value that does not look at the weights: its interval has no width."""
    value = METRICS["image_auc"].statistic(table).of(table.whole)
    return Statistic(len(table), 0, lambda weights: np.repeat(value, len(weights)))


def _first_counts_double(table):
    """A weighted mean by position: the order of samples matters."""
    values = np.where(table.valid, (table.score >= 0.5) == table.tampered, False).astype(float)
    scale = np.linspace(1, 0.5, len(table))
    return Statistic(len(table), 0, lambda w: w @ table.by_unit(scale * values) / (w @ table.by_unit(scale)))


def _authentic_as_zero(table):
    """Authentic images counted as F1 0."""
    values = np.where(table.valid & table.tampered_with_mask, table.pixel_numbers["pixel_f1"], 0.0)
    return mean(table, values, table.has_truth)


def _eer_where_undefined_is_best(table):
    """An equal error rate that is 0 where there is none."""
    real = METRICS["image_eer"].statistic(table)
    return Statistic(real.n, 0, lambda weights: np.nan_to_num(real.of(weights)))


def _ap_trapezoid(tampered, authentic, _):
    """The area under straight lines between precision points, which flatters."""
    tp, fp = np.cumsum(tampered[:, ::-1], axis=1), np.cumsum(authentic[:, ::-1], axis=1)
    precision = pixel.ratio(tp, tp + fp, where=tp + fp > 0)
    precision = np.nan_to_num(precision, nan=1.0)
    recall = tp / np.maximum(1, tp[:, -1:])
    area = np.trapezoid(np.pad(precision, ((0, 0), (1, 0)), constant_values=1), np.pad(recall, ((0, 0), (1, 0))))
    area[(tp[:, -1] == 0) | (fp[:, -1] == 0)] = np.nan
    return area


def _better_of_both(table):
    """The better of a map and its inverse, as some papers do."""
    values = table.pixel_numbers["pixel_auc"]
    return mean(table, np.where(table.valid, np.fmax(values, 1 - values), 0.0), table.tampered_with_mask)


def _pooled_with(number):
    return lambda table: pooled(table, table.tampered_with_mask, number)


PLANTED = {
    "AUC that ignores ties": ("pixel_auc_pooled", _pooled_with(lambda t, a, _: _auc_without_ties(t, a))),
    "F1 above the threshold": ("pixel_f1", _f1_above_the_threshold),
    "a mean that takes NaN as 0": ("pixel_auc", _undefined_as_zero),
    "missing left out": ("pixel_f1", _missing_left_out),
    "missing as a guess": ("image_brier", _missing_as_half),
    "missing in a bin": ("image_ece", _missing_in_a_bin),
    "missing at the base rate": ("image_ap", _missing_at_the_base_rate),
    "weights not looked at": ("image_auc", _rows_unweighted),
    "weighted by position": ("image_accuracy", _first_counts_double),
    "authentic images as 0": ("pixel_f1", _authentic_as_zero),
    "AP by trapezoids": ("pixel_ap_pooled", _pooled_with(_ap_trapezoid)),
    "F1 as IoU": ("pixel_iou", METRICS["pixel_f1"].statistic),
    "the inverted map scored too": ("pixel_auc", _better_of_both),
    "EER 0 where there is none": ("image_eer", _eer_where_undefined_is_best),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_wrong_metric_is_caught(name):
    metric_id, statistic = PLANTED[name]
    wrong = replace(METRICS[metric_id], statistic=statistic)
    caught = [check.__name__ for check in CHECKS if _fails(check, wrong)]
    assert caught
    assert not [check.__name__ for check in CHECKS if _fails(check, METRICS[metric_id])]


def _fails(check, metric):
    try:
        check(metric)
    except AssertionError:
        return True
    return False
