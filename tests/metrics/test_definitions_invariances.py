"""What holds of every metric of every definition that was written from others' code."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import isnan

import numpy as np
import pytest

from forgebench.metrics import Definition, Metric, Table
from forgebench.metrics.definitions.cat_net import CAT_NET
from forgebench.metrics.definitions.imdl_benco import IMDL_BENCO
from forgebench.metrics.definitions.mvss import MVSS
from forgebench.metrics.definitions.photoholmes import PHOTOHOLMES
from forgebench.metrics.definitions.scaf import SCAF
from forgebench.metrics.definitions.sida import SIDA
from forgebench.metrics.definitions.trufor import TRUFOR
from forgebench.metrics.definitions.wscl import WSCL
from forgebench.metrics.views import VIEWS

from .peers import measured, value
from .tables import Shot, lost, shots

DEFINED = (MVSS, WSCL, IMDL_BENCO, PHOTOHOLMES, TRUFOR, SCAF, SIDA, CAT_NET)
METRICS = [
    pytest.param(metric, id=f"{definition.name}-{metric.id}") for definition in DEFINED for metric in definition.metrics
]
every_metric = pytest.mark.parametrize("metric", METRICS)
every_definition = pytest.mark.parametrize("definition", DEFINED, ids=lambda one: one.name)
# Undefined at its worst: sensitivity and specificity both 0.
NAN_IS_WORST = {"image_if1", "combined_f1"}


def given(seed: int, n: int = 9) -> list[Shot]:
    """Random images of up to 8 x 8, some lost; every third seed with regions that the band of 15 leaves."""
    found = [
        replace(shot, synthetic=shot.score * (i % 3) / 2, made="full_synthetic" if shot.mask is None else None)
        for i, shot in enumerate(shots(seed, n=n, values=(2, 3, 256)[seed % 3]))
    ]
    if seed % 3 == 0:
        grown = [s if s.mask is None else _grown(s) for s in found]
        return lost(grown, seed % n)
    return found


def _grown(shot: Shot) -> Shot:
    mask, heat = (np.kron(one, np.ones((6, 6), one.dtype)) for one in (shot.mask, shot.heat))
    return replace(shot, mask=mask, heat=heat)


TABLES = {seed: measured(given(seed)) for seed in range(6)}
REPEATS = {seed: np.random.default_rng(seed).integers(0, 4, len(of)) for seed, of in TABLES.items()}


@cache
def changed(seed: int, how: str, index: int = 0) -> Table:
    """The table of other samples: `turned` in another order, `repeated` as often as in REPEATS, or one `lost`."""
    whole = given(seed)
    if how == "turned":
        whole = [whole[i] for i in np.random.default_rng(seed).permutation(len(whole))]
    if how == "repeated":
        whole = [shot for shot, times in zip(whole, REPEATS[seed], strict=True) for _ in range(times)]
    return measured(lost(whole, index) if how == "lost" else whole)


def same(a: float, b: float, tolerance: float = 0.0) -> bool:
    return (isnan(a) and isnan(b)) or abs(a - b) <= tolerance


@every_metric
def test_bounds(metric: Metric):
    low, high = (-2, 2) if metric.id == "pixel_mcc_weighted_v1" else (-1 if "mcc" in metric.id else 0, 1)
    for of in TABLES.values():
        found = value(metric, of)
        assert isnan(found) or low - 1e-9 <= found <= high + 1e-9


@every_metric
def test_the_order_of_samples_says_nothing(metric: Metric):
    for seed in (0, 1, 2):
        assert same(value(metric, TABLES[seed]), value(metric, changed(seed, "turned")), 1e-12)


@every_metric
def test_a_weight_is_a_repetition(metric: Metric):
    for seed in (0, 1, 2):
        assert same(value(metric, TABLES[seed], REPEATS[seed]), value(metric, changed(seed, "repeated")), 1e-12)


@every_metric
def test_many_weights_at_once(metric: Metric):
    of = TABLES[1]
    weights = np.random.default_rng(3).integers(0, 3, (5, len(of))).astype(float)
    alone = replace(of, units=(np.arange(len(of)), len(of)))
    for row, found in zip(weights, metric.statistic(alone).of(weights), strict=True):
        assert same(value(metric, of, row), float(found))


@every_metric
def test_a_missing_prediction_never_helps(metric: Metric):
    for seed, of in TABLES.items():
        before = value(metric, of)
        if isnan(before):
            continue
        for index in range(len(of)):
            after = value(metric, changed(seed, "lost", index))
            if isnan(after) and metric.id in NAN_IS_WORST:
                continue
            gain = (after - before) * (1 if metric.higher_is_better else -1)
            assert gain <= 1e-9, f"{seed}, {index}: {before} became {after}"


def _controls(heat, score, *, valid=True, synthetic=lambda _: 0.0):
    """Three tampered, two authentic and a synthetic image at 40 x 40, all predicted alike."""
    masks = [np.zeros((40, 40), bool) for _ in range(5)]
    masks[0][5:35, 3:30], masks[1][10:38, 10:38], masks[2][:24, 20:] = True, True, True
    found = [
        Shot(mask, heat(mask).astype(np.uint8), score(mask), valid=valid, synthetic=synthetic(False)) for mask in masks
    ]
    whole = Shot(
        None, np.zeros((40, 40), np.uint8), score(np.ones(1, bool)), valid=valid, synthetic=synthetic(True),
        made="full_synthetic",
    )  # fmt: skip
    return measured([*found, whole])


PERFECT = _controls(lambda mask: mask * 255, lambda mask: float(mask.any()), synthetic=float)
CONTROLS = {
    "black": _controls(lambda mask: 0 * mask, lambda _: 0.0),
    "white": _controls(lambda mask: 0 * mask + 255, lambda _: 1.0, synthetic=lambda _: 1.0),
    "constant": _controls(lambda mask: 0 * mask + 128, lambda _: 0.5, synthetic=lambda _: 0.25),
    "inverted": _controls(lambda mask: ~mask * 255, lambda mask: 1.0 - mask.any()),
    "missing": _controls(lambda mask: 0 * mask, lambda _: 0.0, valid=False),
}


@every_metric
def test_no_control_is_better_than_perfect_where_ranks_are_given(metric: Metric):
    perfect = value(metric, PERFECT)
    sign = 1 if metric.higher_is_better else -1
    if metric.rankable:
        assert not isnan(perfect)
        assert all(isnan(v) or sign * perfect > sign * v for v in (value(metric, of) for of in CONTROLS.values()))


@every_metric
def test_a_method_without_masks_is_undefined_in_pixels_alone(metric: Metric):
    without = replace(TABLES[1], localizes=False)
    needs_masks = metric.family == "pixel" or metric.id in ("f1_score", "combined_f1") or metric in MVSS.metrics
    assert isnan(value(metric, without)) or not needs_masks
    if not needs_masks:
        assert same(value(metric, without), value(metric, TABLES[1]))


@every_metric
def test_what_may_not_rank_says_why(metric: Metric):
    assert metric.rankable or metric.note


def test_oracles_inversions_and_precisions_do_not_rank():
    names = ("best", "double", "reverse", "permuted", "precision", "fpr")
    wrong = [m.id for one in DEFINED for m in one.metrics if m.rankable and any(name in m.id for name in names)]
    assert not wrong
    assert not TRUFOR.metric("pixel_f1_fixed").rankable


def test_a_map_that_is_wrong_everywhere_wins_what_takes_the_better_of_both():
    """What the label is for: the inverse of a perfect map has the value of a perfect one."""
    for definition, name in (
        (TRUFOR, "pixel_f1_fixed"), (TRUFOR, "pixel_f1_best"), (IMDL_BENCO, "pixel_f1_double"),
        (CAT_NET, "pixel_miou_permuted"),
    ):  # fmt: skip
        metric = definition.metric(name)
        tampered = np.array([1, 1, 1, 0, 0, 0])
        assert same(value(metric, PERFECT, tampered), value(metric, CONTROLS["inverted"], tampered), 1e-9)
        assert value(metric, CONTROLS["missing"], tampered) == 0


@every_definition
def test_the_counts_that_a_definition_names_are_all_that_it_reads(definition: Definition):
    of = TABLES[1]
    named = {column for family in VIEWS if family.name in definition.counts for column in family.columns}
    extra = {name: column for name, column in of.extra.items() if name in named | {"manipulation", "synthetic"}}
    for metric in definition.metrics:
        assert same(value(metric, replace(of, extra=extra)), value(metric, of))


@every_definition
def test_every_trap_is_a_sentence(definition: Definition):
    assert definition.traps
    assert all(trap.endswith(".") for trap in definition.traps)
    assert len({metric.id for metric in definition.metrics}) == len(definition.metrics)


def test_an_empty_table():
    nothing = TABLES[1].only(np.zeros(9, bool))
    for definition in DEFINED:
        for metric in definition.metrics:
            statistic = metric.statistic(nothing)
            assert statistic.n == statistic.n_undefined == 0
