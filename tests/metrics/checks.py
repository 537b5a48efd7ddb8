"""What must hold of every metric, whatever it measures; each check raises AssertionError where it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from forgebench.metrics import Metric

from .tables import Shot, lost, shots, table, value, values

SEEDS = range(8)


def same(a: float, b: float) -> None:
    """Exactly the same, or both undefined."""
    assert a == b or (math.isnan(a) and math.isnan(b)), f"{a} != {b}"


AT_THIS_SIZE = {"image_ece_debiased", "pixel_ece_debiased"}
"""What chance adds depends on n: twice the data is not the same data."""
OF_THE_WHOLE = {"image_ece_adaptive", "pixel_ece_adaptive"}
"""Their bins are those of the whole table, in every resample and whatever is missing."""


def close(a: float, b: float) -> None:
    """The same but for the last bits, or both undefined."""
    assert a == b or abs(a - b) < 1e-12 or (math.isnan(a) and math.isnan(b)), f"{a} != {b}"


def order(metric: Metric) -> None:
    """The order of the samples says nothing."""
    for seed in SEEDS:
        given = shots(seed)
        turned = [given[i] for i in np.random.default_rng(seed).permutation(len(given))]
        same(value(metric, table(given)), value(metric, table(turned)))


def duplication(metric: Metric) -> None:
    """Every sample twice is the same data set."""
    for seed in SEEDS:
        given = shots(seed)
        if metric.id not in AT_THIS_SIZE:
            close(value(metric, table(given)), value(metric, table(given + given)))


def weights_are_repetition(metric: Metric) -> None:
    """A weight of k is the sample k times: the bootstrap resamples what it says it does."""
    for seed in SEEDS:
        given = lost(shots(seed), 4)
        weights = np.random.default_rng(seed).integers(0, 4, len(given))
        repeated = [shot for shot, times in zip(given, weights, strict=True) for _ in range(times)]
        if metric.id in OF_THE_WHOLE:
            continue
        close(value(metric, table(given), weights), value(metric, table(repeated)))


def many_weights_at_once(metric: Metric) -> None:
    """A block of weights gives what its rows give."""
    of = table(shots(3))
    weights = np.random.default_rng(3).integers(0, 3, (5, len(of)))
    for row, found in zip(weights, values(metric, of, weights), strict=True):
        same(value(metric, of, row), float(found))


def turned_images(metric: Metric) -> None:
    """Flipping and turning image and truth together changes nothing."""
    for seed in SEEDS:
        given = [shot for shot in shots(seed) if shot.mask is not None]
        for turn in (np.fliplr, np.flipud, np.rot90, np.transpose):
            turned = [replace(shot, mask=turn(shot.mask), heat=turn(shot.heat)) for shot in given]
            same(value(metric, table(given)), value(metric, table(turned)))


def bounds(metric: Metric) -> None:
    """In [0, 1] or undefined; Matthews' coefficient in [-1, 1]."""
    low = -1 if "mcc" in metric.id else 0
    for seed in range(40):
        given = lost(shots(seed, n=2 + seed % 7, values=2 + seed % 5), seed % 5)
        found = value(metric, table(given))
        assert math.isnan(found) or low <= found <= 1, found


def missing_never_helps(metric: Metric) -> None:
    """A sample without a valid prediction never scores better than with any prediction whatever."""
    for seed in range(0 if metric.id in OF_THE_WHOLE else 60):
        given = shots(seed, n=3 + seed % 8, values=(2, 3, 256)[seed % 3])
        given = _careful() if seed == 0 else lost(given, seed % 4) if seed % 2 else given
        before = value(metric, table(given))
        for index in range(len(given)):
            _not_better(metric, before, value(metric, table(lost(given, index))))


def _careful() -> list[Shot]:
    """Right but never sure, so that each bin of probabilities has a gap that an opposite error would fill."""
    authentic, tampered = np.zeros((4, 5), bool), np.arange(20).reshape(4, 5) < 9
    few = [Shot(tampered, np.where(tampered, 100, 12).astype(np.uint8), 0.4) for _ in range(2)]
    return few + [Shot(authentic, np.full((4, 5), 12, np.uint8), 0.05) for _ in range(30)]


def _not_better(metric: Metric, before: float, after: float) -> None:
    if math.isnan(before):
        return
    gain = (after - before) * (1 if metric.higher_is_better else -1)
    assert gain <= 1e-12, f"{metric.id}: {before} became {after}"


def undefined_is_not_zero(metric: Metric) -> None:
    """An image for which the metric is undefined, whatever is predicted, changes nothing but the count of such."""
    given = [shot for shot in shots(5) if shot.mask is not None]
    whole = Shot(np.ones((2, 2), bool), np.array([[200, 10], [255, 128]], np.uint8), 0.7)
    alone = metric.statistic(table([whole]))
    if metric.aggregation != "mean over images" or alone.n_undefined != 1:
        return
    same(value(metric, table(given)), value(metric, table([*given, whole])))
    same(value(metric, table(given)), value(metric, table([*given, replace(whole, valid=False)])))


NEEDS_BOTH = {
    "image_auc", "image_ap", "image_balanced_accuracy", "image_if1", "image_eer", "image_tpr_at_fpr_01",
    "image_tpr_at_fpr_05", "combined_f1", "pixel_auc", "pixel_ap", "pixel_mcc", "pixel_auc_pooled", "pixel_ap_pooled",
    "image_pauc_10", "image_balanced_accuracy_frozen", "image_if1_frozen", "pixel_balanced_accuracy", "pixel_pauc_10",
    "pixel_mcc_frozen", "pixel_mcc_oracle", "pixel_mcc_pooled", "pixel_balanced_accuracy_pooled",
    "pixel_pauc_10_pooled",
}  # fmt: skip


def both_classes(metric: Metric) -> None:
    """Undefined, not best, where one of two classes that it compares is not there: also in a resample."""
    if metric.id in NEEDS_BOTH:
        all_there, rng = _careful(), np.random.default_rng(0)
        whole = [Shot(np.ones((2, 3), bool), rng.integers(0, 256, (2, 3), np.uint8), 0.9) for _ in range(3)]
        of = table([*all_there, *whole])
        weights = np.stack([~of.tampered, of.authentic_px == 0]).astype(np.int64)
        assert np.isnan(values(metric, of, weights)).all()


def controls(metric: Metric) -> None:
    """What theory says of six predictors; see `expected`."""
    from .expected import EXPECTED, predictors

    for of, wanted in zip(predictors(), EXPECTED[metric.id], strict=True):
        found = value(metric, of)
        if isinstance(wanted, tuple):
            assert wanted[0] <= found <= wanted[1], f"{metric.id}: {found} instead of {wanted}"
            continue
        assert math.isnan(found) == math.isnan(wanted), f"{metric.id}: {found} instead of {wanted}"
        assert math.isnan(found) or abs(found - wanted) < 1e-11, f"{metric.id}: {found} instead of {wanted}"


CHECKS: tuple[Callable[[Metric], None], ...] = (
    order, duplication, weights_are_repetition, many_weights_at_once, turned_images, bounds, missing_never_helps,
    undefined_is_not_zero, both_classes, controls,
)  # fmt: skip
