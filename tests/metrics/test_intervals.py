"""Intervals: closed ones against scipy, bootstrap ones against scipy and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from counts import count
from scipy import stats

from forgebench.errors import InputError
from forgebench.metrics import intervals
from forgebench.metrics.drawing import MOST_UNITS, draw_units
from forgebench.metrics.intervals import (
    MOST_LEFT_OUT,
    bca_interval,
    bootstrap,
    clopper_pearson,
    jackknife,
    jackknife_weights,
    percentile_interval,
    resamples,
    wilson,
)
from forgebench.metrics.table import Statistic, mean

from .tables import METRICS, shots, table


def _units(count):
    """Every sample a unit."""
    return np.arange(count), count


def _ratio(above, below, units):
    """Sum over sum of per-sample values: the mean where `below` is 1."""
    index, number = units
    sums = np.stack([np.bincount(index, weights=w, minlength=number) for w in (above, below)], axis=1)
    return Statistic(len(above), 0, lambda weights: np.divide(*(weights @ sums).T))


def _mean(values, units):
    return _ratio(values, np.ones(len(values)), units)


# Proportions.


@pytest.mark.parametrize("n", [1, 2, 7, 20, 133, 1701])
@pytest.mark.parametrize(("interval", "method"), [(clopper_pearson, "exact"), (wilson, "wilson")])
def test_intervals_of_a_proportion_equal_scipy(interval, method, n):
    for successes in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        found = stats.binomtest(successes, n).proportion_ci(0.95, method=method)
        assert interval(successes, n) == pytest.approx((found.low, found.high), abs=1e-12)


@pytest.mark.parametrize("interval", [clopper_pearson, wilson])
def test_intervals_of_a_proportion_at_their_ends(interval):
    assert all(map(math.isnan, interval(0, 0)))
    assert interval(0, 5)[0] == 0
    assert interval(5, 5)[1] == 1
    assert interval(0, 5)[1] == pytest.approx(1 - interval(5, 5)[0])
    assert 0.4 < interval(0, 5)[1] < 0.6


def test_clopper_pearson_covers_always_and_wilson_on_average():
    n = 30
    of_each = {f: np.array([f(k, n) for k in range(n + 1)]) for f in (clopper_pearson, wilson)}
    shares = np.linspace(0.005, 0.995, 199)
    chance = stats.binom.pmf(np.arange(n + 1), n, shares[:, None])
    covers = {
        f: (chance * ((ends[:, 0] <= shares[:, None]) & (shares[:, None] <= ends[:, 1]))).sum(axis=1)
        for f, ends in of_each.items()
    }
    assert covers[clopper_pearson].min() >= 0.95
    assert covers[wilson].min() < 0.95
    assert covers[wilson].mean() == pytest.approx(0.95, abs=0.005)


# What is drawn.


def test_groups_are_drawn_whole():
    group = np.array(["b", "a", "b", "c", "a", "b"])
    units = draw_units(group)
    drawn = np.concatenate(list(resamples(units, 5, 50)))
    assert drawn.shape == (50, 3)
    assert (drawn.sum(axis=1) == 3).all()
    assert len(np.unique(drawn, axis=0)) > 5


def test_the_draws_are_those_of_numpy():
    rng = np.random.default_rng(5)
    for row in np.concatenate(list(resamples(_units(7), 5, 40))):
        assert (row == np.bincount(rng.integers(0, 7, 7), minlength=7)).all()


def test_the_same_seed_draws_the_same_whatever_the_rows_and_the_blocks(monkeypatch):
    units = _units(4)
    drawn = np.concatenate(list(resamples(units, 5, 40)))
    assert (drawn == np.concatenate(list(resamples((np.zeros(9, int), 4), 5, 40)))).all()
    monkeypatch.setattr(intervals, "_CELLS", 7 * 4)
    in_blocks = list(resamples(units, 5, 40))
    assert [len(block) for block in in_blocks] == [7, 7, 7, 7, 7, 5]
    assert (drawn == np.concatenate(in_blocks)).all()
    assert (drawn != np.concatenate(list(resamples(units, 6, 40)))).any()


def test_every_metric_is_the_same_whatever_the_blocks(monkeypatch):
    of = table(shots(3, n=30))
    statistics = {name: metric.statistic(of) for name, metric in METRICS.items()}
    found = bootstrap(statistics, of.drawn_by, 1, 50), jackknife(statistics, of.drawn_by)
    monkeypatch.setattr(intervals, "_CELLS", 1)
    monkeypatch.setattr(intervals, "_LEAST", 3)
    for before, after in zip(
        found, (bootstrap(statistics, of.drawn_by, 1, 50), jackknife(statistics, of.drawn_by)), strict=True
    ):
        for name, values in before.items():
            assert np.array_equal(values, after[name], equal_nan=True), name


def test_blocks_are_small_for_many_samples():
    assert max(map(len, intervals.blocks((np.zeros(10**6, int), 10), 2000))) * 10**6 <= 2**22


def test_every_statistic_sees_the_same_draws():
    seen: dict[str, list[np.ndarray]] = {"a": [], "b": []}

    def noting(name):
        return Statistic(3, 0, lambda weights: seen[name].append(weights) or weights.sum(axis=1) * 1.0)

    bootstrap({name: noting(name) for name in seen}, _units(3), 0, 20)
    assert all((a == b).all() for a, b in zip(seen["a"], seen["b"], strict=True))


def test_very_many_groups_are_drawn_in_bundles_that_vary_as_they_do():
    groups = 3 * MOST_UNITS + 17
    names = np.array([f"g{i:06d}" for i in range(groups)])
    index, number = draw_units(np.repeat(names, 2))
    assert number == MOST_UNITS
    assert (index[::2] == index[1::2]).all(), "groups stay whole"
    assert set(np.bincount(index).tolist()) == {6, 8}
    values = np.random.default_rng(1).gamma(0.5, size=groups)
    drawn = bootstrap({"m": _mean(np.repeat(values, 2), (index, number))}, (index, number), 0, 400)["m"]
    error = values.std() / math.sqrt(groups)
    assert drawn.std() == pytest.approx(error, rel=4 / math.sqrt(2 * 400))
    # Sorted by value, neighbours bundled: the groups of a bundle are alike, and their mean seems to vary more.
    alike = np.argsort(np.argsort(values)) * MOST_UNITS // groups
    wrong = bootstrap({"m": _mean(values, (alike, MOST_UNITS))}, (alike, MOST_UNITS), 0, 400)["m"]
    assert wrong.std() > 1.5 * error


@pytest.mark.parametrize(("seed", "times"), [(-1, 10), (0, 0), (0, -3)])
def test_draws_that_cannot_be_made_are_refused(seed, times):
    with pytest.raises(InputError, match="seed of at least 0"):
        bootstrap({"m": _mean(np.ones(2), _units(2))}, _units(2), seed, times)


def test_sums_are_exact_in_any_order():
    given = shots(0, n=150)
    of = table(given)
    values = np.random.default_rng(0).random(len(of)) ** 8
    inside = np.ones(len(of), bool)
    order = np.random.default_rng(1).permutation(len(of))
    turned = table([given[i] for i in order])
    weights = np.concatenate(list(resamples(of.drawn_by, 0, 20)))
    first = mean(of, values, inside).of(weights)
    assert (first == mean(turned, values[order], inside).of(weights)).all()
    drawn = weights[:, of.drawn_by[0]]
    assert first == pytest.approx((drawn * values).sum(axis=1) / drawn.sum(axis=1), abs=1e-11)


# The percentile interval.


def test_percentile_interval():
    values = np.arange(1001.0)
    assert percentile_interval(values) == pytest.approx((25.0, 975.0))
    half = np.where(np.arange(10) < 5, np.nan, 3.0)
    assert percentile_interval(half) == (3.0, 3.0)
    mostly = np.where(np.arange(10) < 6, np.nan, 3.0)
    assert all(map(math.isnan, percentile_interval(mostly)))
    assert all(map(math.isnan, percentile_interval(np.full(4, np.nan))))


# The jackknife.


def test_the_jackknife_leaves_out_each_unit_once():
    rows = np.concatenate(list(jackknife_weights(_units(6))))
    assert (rows == 1 - np.eye(6)).all()


def test_beyond_the_limit_blocks_are_left_out_that_hold_every_unit_once():
    number = 2 * MOST_LEFT_OUT + 7
    rows = np.concatenate(list(jackknife_weights(_units(number))))
    assert len(rows) == MOST_LEFT_OUT
    assert ((1 - rows).sum(axis=0) == 1).all()
    assert set((1 - rows).sum(axis=1).tolist()) == {2, 3}
    assert (rows == np.concatenate(list(jackknife_weights(_units(number))))).all()


def test_blocks_give_the_acceleration_of_single_units(monkeypatch):
    """Acceleration of a mean of n: skewness / (6 √n), whether units or blocks of them are left out."""
    units = _units(4000)
    for seed in range(5):
        values = np.random.default_rng(seed).gamma(0.2, size=4000)
        statistic = {"m": _mean(values, units)}
        truth = stats.skew(values) / (6 * math.sqrt(4000))
        blocks = intervals._acceleration(jackknife(statistic, units)["m"])
        with monkeypatch.context() as patched:
            patched.setattr(intervals, "MOST_LEFT_OUT", 4000)
            single = intervals._acceleration(jackknife(statistic, units)["m"])
        assert single == pytest.approx(truth, rel=1e-6)
        assert blocks == pytest.approx(truth, abs=4 * 0.0008 + 0.1 * truth)


# The BCa interval.


@pytest.mark.parametrize("seed", range(4))
def test_bca_equals_scipy(seed):
    rng = np.random.default_rng(seed)
    above, below = rng.gamma(0.7, size=35), rng.gamma(3.0, size=35)
    theirs = stats.bootstrap(
        (above, below), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, method="BCa", rng=rng,
        n_resamples=1500, vectorized=True,
    )  # fmt: skip
    left_out = jackknife({"r": _ratio(above, below, _units(35))}, _units(35))["r"]
    found = bca_interval(theirs.bootstrap_distribution, float(above.sum() / below.sum()), left_out)
    assert found == pytest.approx(tuple(theirs.confidence_interval), rel=1e-9)
    assert found != percentile_interval(theirs.bootstrap_distribution)


def test_bca_with_ties_equals_scipy():
    values = np.array([0.0] * 12 + [1.0] * 3)
    theirs = stats.bootstrap((values,), np.mean, method="BCa", rng=np.random.default_rng(0), n_resamples=999)
    left_out = jackknife({"m": _mean(values, _units(15))}, _units(15))["m"]
    found = bca_interval(theirs.bootstrap_distribution, float(values.mean()), left_out)
    assert found == pytest.approx(tuple(theirs.confidence_interval), rel=1e-9)


def test_bca_without_skewness_and_bias_is_the_percentile_interval():
    values = np.arange(-500.0, 501.0)
    assert bca_interval(values, 0.0, np.array([-1.0, 1.0])) == pytest.approx(percentile_interval(values))
    assert bca_interval(values, 0.0, np.full(5, 0.1)) == pytest.approx(percentile_interval(values))
    assert bca_interval(values, 0.0, np.full(5, np.nan)) == pytest.approx(percentile_interval(values))


def test_bca_leaves_undefined_values_out():
    rng = np.random.default_rng(0)
    values, left_out = rng.gamma(2.0, size=400), rng.gamma(2.0, size=30)
    wanted = bca_interval(values, 1.8, left_out)
    assert wanted == bca_interval(np.append(values, [np.nan] * 100), 1.8, np.append(left_out, np.nan))
    for undefined in (
        bca_interval(np.append(values, [np.nan] * 401), 1.8, left_out),
        bca_interval(np.full(4, np.nan), 1.8, left_out),
        bca_interval(values, math.nan, left_out),
    ):
        assert all(map(math.isnan, undefined))


def test_bca_where_nothing_varies_is_a_point():
    assert bca_interval(np.full(50, 0.3), 0.3, np.full(9, 0.3)) == (0.3, 0.3)


def test_bca_holds_an_estimate_that_no_resample_reaches():
    values = np.linspace(0.4, 0.6, 1001)
    low, high = percentile_interval(values)
    assert bca_interval(values, 0.1, np.arange(5.0)) == (0.1, high)
    assert bca_interval(values, 0.9, np.arange(5.0)) == (low, 0.9)
    assert bca_interval(np.full(9, 0.5), 0.2, np.arange(5.0)) == (0.2, 0.5)


def test_the_acceleration_is_at_most_a_sixth():
    one = np.append(np.ones(899), 0.0)
    assert intervals._acceleration(one) == pytest.approx(1 / 6, abs=1e-3)
    assert intervals._acceleration(-one) == pytest.approx(-1 / 6, abs=1e-3)


def test_bca_does_not_turn_around():
    """A bias of 4.3 and an acceleration of a sixth: 1 - a (z0 + z) is past 0 at the end that is farther out."""
    values, one = np.linspace(0.0, 1.0, 100_001), np.append(np.ones(10**5), 0.0)
    assert bca_interval(values, 1.0, one)[1] == 1
    assert bca_interval(values, 0.0, -one)[0] == 0


# Coverage.


def _simulated(rng, groups, members):
    """Values of mean 0, skewed and alike within a group, as with forgeries of one photograph."""
    shared = rng.exponential(size=(groups, 1)) - 1
    values = shared + 0.3 * rng.normal(size=(groups, members))
    return values.ravel(), np.repeat(np.arange(groups), members)


def _missed(interval, times, *, groups, clustered=True, members=4):
    """The shares of simulations in which the interval lies above and below the truth."""
    rng = np.random.default_rng(groups)
    above = below = 0
    for seed in range(times):
        values, group = _simulated(rng, groups, members)
        units = (group, groups) if clustered else _units(len(values))
        statistic = {"m": _mean(values, units)}
        drawn = bootstrap(statistic, units, seed, 600)["m"]
        low, high = interval(drawn, float(values.mean()), statistic, units)
        above += low > 0
        below += high < 0
    return above / times, below / times


def _percentile(drawn, *_):
    return percentile_interval(drawn)


def _bca(drawn, estimate, statistic, units):
    return bca_interval(drawn, estimate, jackknife(statistic, units)["m"])


def _bca_of_the_wrong_sign(drawn, estimate, statistic, units):
    return bca_interval(drawn, estimate, -jackknife(statistic, units)["m"])


def _covers_as_it_says(missed, times):
    """Within three standard errors of 5 %, and a share of 1 % that skewness may cost with 200 groups."""
    return abs(sum(missed) - 0.05) <= 0.01 + 3 * math.sqrt(0.05 * 0.95 / times)


@pytest.mark.soak
@pytest.mark.parametrize("interval", [_percentile, _bca])
def test_the_intervals_cover(interval):
    times = count(500, 5000)
    assert _covers_as_it_says(_missed(interval, times, groups=200), times)


@pytest.mark.soak
@pytest.mark.parametrize("interval", [_percentile, _bca])
def test_intervals_that_do_not_know_the_groups_do_not_cover(interval):
    times = count(200, 2000)
    missed = _missed(interval, times, groups=200, clustered=False)
    assert not _covers_as_it_says(missed, times)
    assert sum(missed) > 0.25


@pytest.mark.soak
def test_bca_misses_more_evenly_on_both_sides_than_percentiles():
    """With 40 skewed groups the truth is mostly missed above; a wrong sign of the acceleration makes it worse."""
    times = count(800, 4000)
    lopsided = {
        interval.__name__: below - above
        for interval in (_percentile, _bca, _bca_of_the_wrong_sign)
        for above, below in [_missed(interval, times, groups=40)]
    }
    assert lopsided["_bca"] < lopsided["_percentile"] - 0.01
    assert lopsided["_percentile"] < lopsided["_bca_of_the_wrong_sign"] - 0.003
