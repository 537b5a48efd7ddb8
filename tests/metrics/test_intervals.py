"""Intervals: exact ones against scipy, bootstrap ones by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from forgebench.errors import InputError
from forgebench.metrics import intervals
from forgebench.metrics.intervals import bootstrap, clopper_pearson, percentile_interval, resamples
from forgebench.metrics.table import Statistic, mean


@pytest.mark.parametrize("n", [1, 2, 7, 20, 133, 1701])
def test_clopper_pearson_equals_scipy(n):
    for successes in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        exact = binomtest(successes, n).proportion_ci(0.95, method="exact")
        assert clopper_pearson(successes, n) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_clopper_pearson_at_its_ends():
    assert all(map(math.isnan, clopper_pearson(0, 0)))
    assert clopper_pearson(0, 5)[0] == 0
    assert clopper_pearson(5, 5)[1] == 1


def _simulated(rng, groups, members):
    """Values whose mean is 0: most of their variance is between the groups, as with forgeries of one photograph."""
    values = rng.normal(size=(groups, 1)) + 0.3 * rng.normal(size=(groups, members))
    return values.ravel(), np.repeat([f"g{i}" for i in range(groups)], members)


def _covers(values, group, seed):
    statistic = mean(values, np.ones(len(values), bool))
    low, high = percentile_interval(bootstrap({"m": statistic}, group, seed, 400)["m"])
    return low <= 0 <= high


def test_the_clustered_interval_covers_and_an_unclustered_one_does_not():
    rng = np.random.default_rng(20)
    times, clustered, unclustered = 300, 0, 0
    for seed in range(times):
        values, group = _simulated(rng, groups=40, members=5)
        clustered += _covers(values, group, seed)
        unclustered += _covers(values, np.array([f"s{i}" for i in range(len(values))]), seed)
    assert 0.91 <= clustered / times <= 0.98
    assert unclustered / times < 0.75


def test_groups_are_drawn_whole():
    group = np.array(["b", "a", "b", "c", "a", "b"])
    drawn = np.concatenate(list(resamples(group, 5, 50)))
    for name in "abc":
        columns = drawn[:, group == name]
        assert (columns == columns[:, :1]).all()
    first = [np.flatnonzero(group == name)[0] for name in "abc"]
    assert (drawn[:, first].sum(axis=1) == 3).all()
    assert len(np.unique(drawn, axis=0)) > 5


def test_the_same_seed_draws_the_same_whatever_the_rows_and_the_blocks(monkeypatch):
    group = np.array(["b", "a", "b", "c", "a", "d"])
    drawn = np.concatenate(list(resamples(group, 5, 40)))
    assert (drawn == np.concatenate(list(resamples(group, 5, 40)))).all()
    turned = np.array([3, 5, 0, 4, 1, 2])
    assert (drawn[:, turned] == np.concatenate(list(resamples(group[turned], 5, 40)))).all()
    monkeypatch.setattr(intervals, "_CELLS", 7 * len(group))
    blocks = list(resamples(group, 5, 40))
    assert [len(block) for block in blocks] == [7, 7, 7, 7, 7, 5]
    assert (drawn == np.concatenate(blocks)).all()
    assert (drawn != np.concatenate(list(resamples(group, 6, 40)))).any()


def test_every_statistic_sees_the_same_draws():
    seen: dict[str, list[np.ndarray]] = {"a": [], "b": []}

    def noting(name):
        return Statistic(3, 0, lambda weights: seen[name].append(weights) or weights.sum(axis=1) * 1.0)

    bootstrap({name: noting(name) for name in seen}, np.array(["x", "y", "z"]), 0, 20)
    assert all((a == b).all() for a, b in zip(seen["a"], seen["b"], strict=True))


def test_percentile_interval():
    values = np.arange(1001.0)
    assert percentile_interval(values) == pytest.approx((25.0, 975.0))
    half = np.where(np.arange(10) < 5, np.nan, 3.0)
    assert percentile_interval(half) == (3.0, 3.0)
    mostly = np.where(np.arange(10) < 6, np.nan, 3.0)
    assert all(map(math.isnan, percentile_interval(mostly)))
    assert all(map(math.isnan, percentile_interval(np.full(4, np.nan))))


@pytest.mark.parametrize(("seed", "count"), [(-1, 10), (0, 0), (0, -3)])
def test_draws_that_cannot_be_made_are_refused(seed, count):
    statistic = mean(np.ones(2), np.ones(2, bool))
    with pytest.raises(InputError, match="seed of at least 0"):
        bootstrap({"m": statistic}, np.array(["a", "b"]), seed, count)


def test_sums_are_exact_in_any_order():
    rng = np.random.default_rng(0)
    values = rng.random(10_000) ** 8
    all_of_them = np.ones(len(values), bool)
    order = rng.permutation(len(values))
    weights = rng.integers(0, 5, (1, len(values)))
    first = mean(values, all_of_them).of(weights)
    assert first == mean(values[order], all_of_them).of(weights[:, order])
    assert first[0] == pytest.approx((values * weights[0]).sum() / weights.sum(), abs=1e-11)
