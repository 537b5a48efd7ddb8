"""What holds of every metric of the definition `forgebench`, by name: a metric in no list fails."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from forgebench.metrics.definitions.base import Family

from .checks import CHECKS, same
from .expected import EXPECTED
from .tables import METRICS, Shot, lost, shots, table, value

_OF = {family: {name for name in METRICS if METRICS[name].family == family} for family in get_args(Family)}
OTHERS = _OF["text"] | _OF["classes"] | _OF["cost"]
"""About other things than the order and the side of scores and maps, or another metric over a constant."""

PIXEL = {
    name for name in METRICS if name.startswith(("pixel", "false")) or METRICS[name].family in ("boundary", "region")
} | {"combined_f1"}
"""Undefined for a submission without masks."""
IMAGE = {name for name in METRICS if name.startswith(("image", "fpr"))} | {"coverage"} | _OF["text"] | _OF["classes"]

SWAPPED = {
    "pixel_mcc", "pixel_auc", "pixel_brier", "pixel_auc_pooled", "image_auc", "image_accuracy",
    "image_balanced_accuracy", "image_if1", "image_eer", "image_brier", "coverage", "pixel_balanced_accuracy",
    "pixel_balanced_accuracy_pooled", "pixel_mcc_pooled", "pixel_mcc_frozen", "pixel_mcc_oracle",
    "image_balanced_accuracy_frozen", "image_if1_frozen",
}  # fmt: skip
"""Tampered and authentic trade places in truth and prediction: nothing changes."""
ONE_SIDED = {
    "pixel_f1", "pixel_iou", "pixel_precision", "pixel_recall", "pixel_ap", "pixel_f1_oracle", "pixel_f1_pooled",
    "pixel_iou_pooled", "pixel_ap_pooled", "image_ap", "image_f1", "combined_f1", "image_tpr_at_fpr_01",
    "image_tpr_at_fpr_05", "fpr_authentic", "false_area_authentic", "pixel_pauc_10", "pixel_pauc_10_pooled",
    "image_pauc_10", "pixel_iou_oracle", "false_alarm_authentic", "fpr_authentic_wilson", "fpr_authentic_frozen",
    "pixel_f1_frozen", "pixel_iou_frozen",
} | _OF["boundary"] | _OF["region"]  # fmt: skip
"""About one class: they change."""
BINNED = {name for name in METRICS if "ece" in name}
"""Bins are closed on the left alone: they need not stay the same where a probability lies on an edge."""

MONOTONE = {
    "pixel_auc", "pixel_ap", "pixel_f1_oracle", "pixel_auc_pooled", "pixel_ap_pooled", "image_auc", "image_ap",
    "image_eer", "image_tpr_at_fpr_01", "image_tpr_at_fpr_05", "coverage", "pixel_pauc_10", "pixel_pauc_10_pooled",
    "image_pauc_10", "pixel_iou_oracle", "pixel_mcc_oracle", "pointing_accuracy",
}  # fmt: skip
"""The order of probabilities is all that counts."""
AT_A_THRESHOLD = {
    "pixel_f1", "pixel_iou", "pixel_precision", "pixel_recall", "pixel_mcc", "pixel_f1_pooled", "pixel_iou_pooled",
    "image_accuracy", "image_balanced_accuracy", "image_f1", "image_if1", "combined_f1", "fpr_authentic",
    "false_area_authentic", "pixel_balanced_accuracy", "pixel_balanced_accuracy_pooled", "pixel_mcc_pooled",
    "false_alarm_authentic", "fpr_authentic_wilson",
} | {name for name in METRICS if name.endswith("_frozen")} | _OF["boundary"]  # fmt: skip
"""The side of 0.5 is all that counts."""
BY_VALUE = BINNED | {"image_brier", "pixel_brier"} | _OF["region"] - {"pointing_accuracy"}

every_metric = pytest.mark.parametrize("name", METRICS)


@pytest.mark.parametrize(
    "lists",
    [
        (EXPECTED,), (PIXEL, IMAGE), (SWAPPED, ONE_SIDED, BINNED, OTHERS),
        (MONOTONE, AT_A_THRESHOLD, BY_VALUE, OTHERS),
    ],
    ids=["expected", "needs", "swapped", "transformed"],
)
def test_every_metric_is_in_exactly_one_list(lists):
    assert sorted(name for one in lists for name in one) == sorted(METRICS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@every_metric
def test_check(name, check):
    check(METRICS[name])


def _swap(shot: Shot) -> Shot:
    """An image's prediction and truth, the other way round; 1 - s leaves 0.5 where it is, so no score is 0.5."""
    return replace(shot, mask=~shot.mask, heat=255 - shot.heat, score=1 - shot.score)


def _pure(seed: int) -> list[Shot]:
    """Images of one pixel: what is tampered at the pixel level is so at the image level, and the other way round."""
    rng = np.random.default_rng(seed)
    return [
        Shot(rng.random((1, 1)) < 0.5, rng.integers(0, 256, (1, 1), np.uint8), int(rng.integers(0, 8)) / 7)
        for _ in range(20)
    ]


@pytest.mark.parametrize("name", sorted(SWAPPED))
def test_classes_that_trade_places(name):
    metric = METRICS[name]
    for seed in range(8):
        if metric.over == "tampered with mask":
            given = [s for s in shots(seed) if s.mask is not None and s.mask.any() and not s.mask.all()]
        else:
            given = _pure(seed)
        swapped = [_swap(shot) for shot in given]
        assert value(metric, table(given)) == pytest.approx(value(metric, table(swapped)), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", sorted(ONE_SIDED))
def test_the_one_sided_ones_do_change(name):
    """So that the list above is not a matter of taste."""
    given = [replace(s, score=s.score * 0.9) for s in shots(3, n=30) if s.mask is not None] + _pure(1)[:9]
    given.append(Shot(np.ones((1, 1), bool), np.full((1, 1), 255, np.uint8), 1.0))
    swapped = [_swap(shot) for shot in given]
    assert value(METRICS[name], table(given)) != value(METRICS[name], table(swapped))


@pytest.mark.parametrize("name", ["pixel_auc", "pixel_auc_pooled", "image_auc"])
def test_auc_of_the_inverted_prediction_is_the_rest(name):
    for seed in range(8):
        given = shots(seed)
        inverted = [replace(shot, heat=255 - shot.heat, score=1 - shot.score) for shot in given]
        assert value(METRICS[name], table(inverted)) == pytest.approx(1 - value(METRICS[name], table(given)))


def test_mcc_of_the_inverted_prediction_is_negative():
    given = shots(4)
    inverted = [replace(shot, heat=255 - shot.heat) for shot in given]
    found, opposite = (value(METRICS["pixel_mcc"], table(one)) for one in (given, inverted))
    assert found == pytest.approx(-opposite)
    assert found != 0


def _stretched(given: list[Shot]) -> list[Shot]:
    """Bytes and scores moved by a function that rises strictly, and takes 0.5 and byte 128 elsewhere."""
    table_of_bytes = np.sort(np.random.default_rng(0).permutation(256)[:64])
    return [replace(s, heat=table_of_bytes[s.heat // 4].astype(np.uint8), score=s.score**3 * 0.4) for s in given]


@pytest.mark.parametrize("name", sorted(MONOTONE))
def test_a_rising_function_of_the_probability_changes_nothing(name):
    for seed in range(8):
        given = [replace(shot, heat=shot.heat // 4 * 4) for shot in shots(seed)]
        found, again = (value(METRICS[name], table(one)) for one in (given, _stretched(given)))
        assert found == pytest.approx(again, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", sorted(AT_A_THRESHOLD))
def test_rounding_to_black_and_white_changes_nothing(name):
    for seed in range(8):
        given = shots(seed)
        rounded = [replace(s, heat=(s.heat >= 128) * np.uint8(255), score=float(s.score >= 0.5)) for s in given]
        same(value(METRICS[name], table(given)), value(METRICS[name], table(rounded)))


@pytest.mark.parametrize("name", sorted(AT_A_THRESHOLD | BY_VALUE))
def test_the_others_do_see_a_rising_function(name):
    given = [replace(shot, heat=shot.heat // 4 * 4) for shot in shots(1, n=40)]
    # Called authentic and, once stretched, tampered: in images as small as these nearly all have some of both.
    given.append(Shot(np.zeros((1, 1), bool), np.full((1, 1), 124, np.uint8), 0.1))
    block = np.zeros((40, 40), bool)
    block[10:30, 10:30] = True
    given.append(Shot(block, np.where(block, 124, 0).astype(np.uint8), 0.1))
    assert value(METRICS[name], table(given)) != value(METRICS[name], table(_stretched(given)))


@every_metric
def test_without_masks_localization_is_undefined_and_detection_is_not(name):
    given = shots(0)
    found = value(METRICS[name], table(given, localizes=False))
    if name in PIXEL:
        assert math.isnan(found)
    else:
        same(found, value(METRICS[name], table(given)))


@every_metric
def test_without_masks_a_lost_prediction_is_still_the_worst(name):
    given = shots(0)
    found = value(METRICS[name], table(lost(given, 4), localizes=False))
    if name in IMAGE:
        same(found, value(METRICS[name], table(lost(given, 4))))
    else:
        assert math.isnan(found)


def test_a_lost_image_stands_beyond_every_score_not_level_with_the_worst():
    """Below a score of 0 if it is tampered, above one of 1 if it is authentic: a tie would be half a win."""
    blank = np.zeros((1, 1), np.uint8)
    tampered, authentic = np.ones((1, 1), bool), np.zeros((1, 1), bool)
    for given in (
        [Shot(tampered, blank, 0.0, valid=False), Shot(authentic, blank, 0.0)],
        [Shot(tampered, blank, 1.0), Shot(authentic, blank, 1.0, valid=False)],
    ):
        assert value(METRICS["image_auc"], table(given)) == 0
        assert value(METRICS["image_eer"], table(given)) == 1


def test_coverage_counts_what_was_lost():
    given = lost(lost(shots(0, n=10), 2), 7)
    assert value(METRICS["coverage"], table(given)) == pytest.approx(0.8)


def test_rankable_metrics_put_no_control_above_a_method_that_works():
    """Perfect is better than black, white, constant, inverted and missing by every metric that may rank."""
    for name, (perfect, *controls) in EXPECTED.items():
        if METRICS[name].rankable:
            sign = 1 if METRICS[name].higher_is_better else -1
            highest = [max(other) if isinstance(other, tuple) else other for other in controls]
            assert all(sign * perfect > sign * other for other in highest), name
