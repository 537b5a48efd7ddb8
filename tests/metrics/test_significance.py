"""Paired tests: against scipy, by brute force, and by how often they err and find in simulations."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest
from counts import count
from scipy import stats

from forgebench.errors import InputError
from forgebench.metrics import intervals
from forgebench.metrics.intervals import bootstrap
from forgebench.metrics.significance import (
    ALPHA,
    POWER,
    holm,
    minimum_detectable_difference,
    paired_bootstrap_p,
    permutation_p,
    stacked,
    swapped_means,
    swapped_tables,
    tiers,
)
from forgebench.metrics.table import Frozen, Statistic, Table

from .tables import METRICS, lost, shots, table, value


def _units(number):
    """Every sample a unit."""
    return np.arange(number), number


def _all_swaps(number):
    return np.array(list(product([False, True], repeat=number)))


# Entries on the same images.


def _entries(seed, n=12):
    """Two predictions for the same images; one of each misses a prediction."""
    first = lost(shots(seed, n), 3)
    rng = np.random.default_rng(100 + seed)
    second = [
        replace(shot, heat=rng.permuted(shot.heat), score=float(rng.integers(0, 11)) / 10, valid=i != 5)
        for i, shot in enumerate(first)
    ]
    return first, second


@cache
def _swapped_by_hand(seed):
    """Two entries, some swaps, and for each the tables of both after the predictions changed hands."""
    first, second = _entries(seed)
    one, other = table(first), table(second)
    unit, number = one.drawn_by
    swaps = np.concatenate([np.zeros((1, number), bool), _all_swaps(number)[1::9]])
    by_hand = []
    for row in swaps[:, unit]:
        pairs = [(b, a) if swap else (a, b) for a, b, swap in zip(first, second, row, strict=True)]
        by_hand.append([table(list(shots)) for shots in zip(*pairs, strict=True)])
    return one, other, swaps, by_hand


@pytest.mark.parametrize("name", METRICS)
def test_swapped_tables_are_those_of_swapped_predictions(name):
    """For every metric there is: by hand, the prediction of each image given to the other entry."""
    metric = METRICS[name]
    for seed in range(3):
        one, other, swaps, by_hand = _swapped_by_hand(seed)
        for pair, found in zip(by_hand, swapped_tables(one, other, metric.statistic)(swaps), strict=True):
            wanted = value(metric, pair[0]) - value(metric, pair[1])
            if name.endswith("_adaptive"):  # bins of both entries
                assert math.isnan(found) == math.isnan(wanted)
            else:
                assert found == pytest.approx(wanted, abs=1e-11, nan_ok=True)


@pytest.mark.parametrize("name", ["pixel_f1", "pixel_precision", "pixel_auc", "image_brier", "image_accuracy"])
def test_means_in_closed_form_are_those_of_swapped_tables(name):
    for seed in range(5):
        one, other = map(table, _entries(seed))
        values = [_values(name, of) for of in (one, other)]
        swaps = _all_swaps(one.drawn_by[1])
        wanted = swapped_tables(one, other, METRICS[name].statistic)(swaps)
        assert swapped_means(*values, one.drawn_by)(swaps) == pytest.approx(wanted, abs=1e-11, nan_ok=True)


def _values(name, of: Table):
    """The value of each image by the metric of a table with nothing else."""
    metric = METRICS[name].statistic(replace(of, units=_units(len(of))))
    return metric.of(np.eye(len(of)))


def test_a_mean_of_nothing_is_undefined():
    first, second = np.array([1.0, np.nan]), np.array([0.5, 0.2])
    found = swapped_means(first, second, _units(2))(_all_swaps(2))
    assert found == pytest.approx([1 - 0.35, 0.6 - 0.5, 0.5 - 0.6, 0.35 - 1])
    found = swapped_means(np.full(2, np.nan), second, _units(2))(_all_swaps(2))
    assert found == pytest.approx([np.nan, 0.2 - 0.5, 0.5 - 0.2, np.nan], nan_ok=True)


def test_tables_of_other_samples_are_refused():
    first, second = map(table, _entries(0))
    other = replace(second, sample_id=second.sample_id[::-1])
    with pytest.raises(InputError, match="same samples"):
        swapped_tables(first, other, METRICS["image_auc"].statistic)


def test_what_two_entries_do_not_share_is_undefined():
    first, second = map(table, _entries(0))
    assert stacked(first, replace(second, frozen=Frozen(100, 0.4))).frozen is None
    assert stacked(first, second).frozen == first.frozen
    blind = stacked(first, replace(second, localizes=False))
    assert math.isnan(METRICS["pixel_f1"].statistic(blind).of(np.ones((1, blind.drawn_by[1])))[0])


def test_stacked_histograms_are_read_across_the_seam():
    first, second = map(table, _entries(0))
    both = stacked(first, second).hist_tampered
    whole = np.concatenate([first.hist_tampered, second.hist_tampered])
    for start, stop in ((0, 24), (0, 5), (7, 18), (12, 24), (11, 13), (20, 99), (24, 30)):
        assert np.array_equal(both[start:stop], whole[start:stop])


# p-values.


@pytest.mark.parametrize("seed", range(4))
def test_permutation_p_equals_scipy(seed):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(0.3, 1, 9), rng.normal(size=9)
    theirs = stats.permutation_test(
        (first, second), lambda a, b, axis: (a - b).mean(axis), permutation_type="samples", n_resamples=np.inf,
        vectorized=True,
    )  # fmt: skip
    assert permutation_p(swapped_means(first, second, _units(9)), _units(9), 0) == pytest.approx(theirs.pvalue)


def test_permutation_p_of_an_auc_by_brute_force():
    """All 2**6 ways to give the scores of whole groups to the other entry, AUC by comparing pairs."""
    for seed in range(4):
        first, second = _entries(seed)
        one, other = table(first), table(second)
        unit, number = one.drawn_by

        def auc(scores, tampered=one.tampered):
            wins = np.sign(scores[tampered][:, None] - scores[~tampered])
            return (wins.mean() + 1) / 2

        gaps = []
        for row in _all_swaps(number)[:, unit]:
            a, b = (np.where(row, *pair) for pair in (
                (other.worst_score, one.worst_score), (one.worst_score, other.worst_score)
            ))  # fmt: skip
            gaps.append(auc(a) - auc(b))
        wanted = np.mean(np.abs(gaps) >= abs(gaps[0]) - 1e-12)
        found = permutation_p(swapped_tables(one, other, METRICS["image_auc"].statistic), one.drawn_by, 0)
        assert 0 < wanted == found


def test_random_swaps_give_about_the_p_of_all_and_count_the_one_seen():
    rng = np.random.default_rng(4)
    first, second = rng.normal(0.5, 1, 14), rng.normal(size=14)
    of = swapped_means(first, second, _units(14))
    exact = permutation_p(of, _units(14), 0, 2**14)
    by_chance = permutation_p(of, _units(14), 0, 2**14 - 1)
    assert by_chance != exact
    assert by_chance == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 2**14))
    assert permutation_p(swapped_means(np.ones(40), np.zeros(40), _units(40)), _units(40), 0, 99) == 0.01


def test_the_same_seed_swaps_the_same_whatever_the_blocks(monkeypatch):
    rng = np.random.default_rng(0)
    units = _units(150)
    seen = []

    def noting(swaps):
        seen.append(swaps)
        return swaps @ rng.normal(size=150)

    permutation_p(noting, units, 3, 40)
    monkeypatch.setattr(intervals, "_CELLS", 7 * 150)
    permutation_p(noting, units, 3, 40)
    assert (seen[1] == np.concatenate(seen[3:])).all()
    assert [len(block) for block in seen[3:]] == [7, 7, 7, 7, 7, 5]
    drawn = seen[1]
    assert len(np.unique(drawn, axis=0)) == 40
    assert abs(drawn.mean() - 0.5) < 4 * 0.5 / math.sqrt(drawn.size)
    assert (np.abs(drawn.mean(axis=0) - 0.5) < 5 * 0.5 / math.sqrt(40)).all(), "every unit is swapped half of the time"


def test_groups_change_places_whole():
    """Two groups, one large: only whole groups can be swapped, so p is one half at least."""
    group = np.array([0] * 9 + [1])
    first, second = np.ones(10), np.zeros(10)
    assert permutation_p(swapped_means(first, second, (group, 2)), (group, 2), 0) == 0.5
    assert permutation_p(swapped_means(first, second, _units(10)), _units(10), 0) == 2 / 2**10


def test_identical_entries_and_undefined_ones():
    values = np.random.default_rng(0).random(30)
    assert permutation_p(swapped_means(values, values, _units(30)), _units(30), 0, 100) == 1
    assert paired_bootstrap_p(np.zeros(100)) == 1
    assert math.isnan(permutation_p(lambda swaps: np.full(len(swaps), np.nan), _units(30), 0, 100))
    assert math.isnan(paired_bootstrap_p(np.full(9, np.nan)))


def test_undefined_after_a_swap_is_no_evidence():
    seen = permutation_p(lambda swaps: np.where(swaps[:, 0], np.nan, ~swaps[:, 1:].any(axis=1)), _units(3), 0)
    assert seen == (4 + 1) / 8


def test_paired_bootstrap_p():
    draws = np.concatenate([np.full(3, -0.1), np.full(96, 0.2), [np.nan] * 5])
    assert paired_bootstrap_p(draws) == paired_bootstrap_p(-draws) == 2 * 4 / 100
    assert paired_bootstrap_p(np.full(1999, 0.1)) == 2 / 2000


def test_where_no_resample_says_otherwise_the_tail_is_students():
    draws = np.random.default_rng(0).normal(0.6, 0.1, 2000)
    assert paired_bootstrap_p(draws) == 2 / 2001
    t = abs(draws.mean()) / draws.std()
    assert paired_bootstrap_p(draws, 15) == pytest.approx(2 * stats.t.sf(t, 14))
    assert paired_bootstrap_p(draws, 3) == pytest.approx(min(2 / 2001, 2 * stats.t.sf(t, 2))) == 2 / 2001
    assert paired_bootstrap_p(draws, 1) == paired_bootstrap_p(np.full(2000, 0.1), 15) == 2 / 2001
    crossing = np.append(draws, -1e-9)
    assert paired_bootstrap_p(crossing, 15) == paired_bootstrap_p(crossing)


def _board(rng, entries, groups, lead):
    """Corrected p-values of all pairs of a board: entry 0 leads the others, which are alike."""
    values = rng.normal(0, 1, (groups, 1)) + rng.normal(0, 0.5, (groups, entries))
    values[:, 0] += lead
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), 2000) / groups
    drawn = weights @ values
    pairs = [(a, b) for a in range(entries) for b in range(a + 1, entries)]
    return pairs, holm([paired_bootstrap_p(drawn[:, a] - drawn[:, b], groups) for a, b in pairs])


@pytest.mark.parametrize("groups", [15, 60])
def test_a_large_board_can_tell_entries_apart_and_does_not_invent_differences(groups):
    """66 pairs: by the counted bound alone no difference of any size could be told."""
    rng = np.random.default_rng(groups)
    pairs, p = _board(rng, 12, groups, lead=3.0)
    assert all(p[index] < ALPHA for index, pair in enumerate(pairs) if pair[0] == 0)
    false = sum(bool((_board(rng, 12, groups, lead=0.0)[1] < ALPHA).any()) for _ in range(60))
    assert false <= 60 * _above(ALPHA, 60)


def test_the_bootstrap_p_is_below_alpha_where_the_interval_leaves_zero_out():
    rng = np.random.default_rng(0)
    for _ in range(200):
        draws = rng.normal(rng.normal(2, 0.4), 1, 999)
        low, high = intervals.percentile_interval(draws)
        p = paired_bootstrap_p(draws)
        assert (p <= ALPHA) == (low > 0 or high < 0) or abs(p - ALPHA) < 0.004


@pytest.mark.parametrize(("seed", "permutations"), [(-1, 10), (0, 0)])
def test_permutations_that_cannot_be_made_are_refused(seed, permutations):
    with pytest.raises(InputError, match="seed of at least 0"):
        permutation_p(lambda swaps: swaps.sum(axis=1) * 1.0, _units(2), seed, permutations)


# Many tests at once.


@pytest.mark.parametrize(
    ("ps", "corrected"),
    [
        ((0.01, 0.04, 0.03, 0.005), (0.03, 0.06, 0.06, 0.02)),  # Holm (1979), worked by hand
        ((0.02,), (0.02,)),
        ((0.5, 0.6, 0.9), (1, 1, 1)),
        ((0.01, 0.01, 0.01), (0.03, 0.03, 0.03)),
        ((0.04, 0.001, math.nan), (0.04, 0.002, math.nan)),
        ((math.nan, math.nan), (math.nan, math.nan)),
        ((), ()),
    ],
)
def test_holm(ps, corrected):
    assert holm(ps).tolist() == pytest.approx(list(corrected), nan_ok=True)


def test_holm_by_its_definition():
    rng = np.random.default_rng(0)
    for m in range(1, 12):
        ps = rng.random(m) ** 3
        ordered = sorted(ps)
        for p, corrected in zip(ps, holm(ps), strict=True):
            rank = ordered.index(p)
            assert corrected == pytest.approx(max(min(1, (m - j) * ordered[j]) for j in range(rank + 1)))
        assert (holm(ps) <= np.minimum(1, m * ps) + 1e-15).all(), "never less powerful than Bonferroni"


def test_tiers():
    """b cannot be told from a, nor c from b, but c from a: so c begins a tier of its own."""
    separated = {("a", "b"): False, ("a", "c"): True, ("b", "c"): False}
    assert tiers("abc", separated) == {"a": 1, "b": 1, "c": 2}
    nothing = dict.fromkeys(combinations("abcd", 2), False)
    assert tiers("abcd", nothing) == {"a": 1, "b": 1, "c": 1, "d": 1}
    assert tiers("abcd", dict.fromkeys(nothing, True)) == {"a": 1, "b": 2, "c": 3, "d": 4}
    assert tiers("abcd", nothing | {("a", "c"): True, ("c", "d"): True}) == {"a": 1, "b": 1, "c": 2, "d": 3}
    assert tiers("", {}) == {}


# How often tests err, and what they find.

GROUPS, MEMBERS = 120, 3


def _pair(rng, gap=0.0):
    """Two entries' values, skewed: what an image is like they share, what a group does to each of them they do not."""
    photo = rng.exponential(size=(GROUPS, MEMBERS))
    liking = rng.exponential(size=(2, GROUPS, 1))
    noise = 0.5 * rng.normal(size=(2, GROUPS, MEMBERS))
    first, second = (photo + 0.5 * liking + noise).reshape(2, -1)
    return first + gap, second


_GROUPED = (np.repeat(np.arange(GROUPS), MEMBERS), GROUPS)


def _drawn(values, units, seed):
    sums, sizes = (np.bincount(units[0], weights=w, minlength=units[1]) for w in (values, np.ones(len(values))))
    statistic = Statistic(len(values), 0, lambda weights: (weights @ sums) / (weights @ sizes))
    return bootstrap({"m": statistic}, units, seed, 500)["m"]


def _by_bootstrap(first, second, seed):
    return paired_bootstrap_p(_drawn(first, _GROUPED, seed) - _drawn(second, _GROUPED, seed))


def _by_permutation(first, second, seed):
    return permutation_p(swapped_means(first, second, _GROUPED), _GROUPED, seed, 500)


def _by_single_images(first, second, seed):
    """A planted fault: images swapped one by one."""
    units = _units(len(first))
    return permutation_p(swapped_means(first, second, units), units, seed, 500)


def _by_single_images_drawn(first, second, seed):
    """A planted fault: images drawn one by one."""
    units = _units(len(first))
    return paired_bootstrap_p(_drawn(first, units, seed) - _drawn(second, units, seed))


def _unpaired(first, second, seed):
    """A planted fault: the entries drawn apart from each other."""
    return paired_bootstrap_p(_drawn(first, _GROUPED, seed) - _drawn(second, _GROUPED, seed + 10**6))


def _found(test, times, gap=0.0):
    """How often a test separates two entries."""
    rng = np.random.default_rng(5)
    return sum(test(*_pair(rng, gap), seed) <= ALPHA for seed in range(times)) / times


def _above(share, times):
    """Three standard errors above a share."""
    return share + 3 * math.sqrt(share * (1 - share) / times)


@pytest.mark.soak
@pytest.mark.parametrize(("test", "extra"), [(_by_permutation, 0.0), (_by_bootstrap, 0.005)])
def test_entries_that_are_alike_are_rarely_separated(test, extra):
    """The permutation test is exact; the bootstrap may err a little more often with 120 groups."""
    times = count(500, 5000)
    assert _found(test, times) <= _above(ALPHA + extra, times)


@pytest.mark.soak
@pytest.mark.parametrize("test", [_by_single_images, _by_single_images_drawn])
def test_tests_that_do_not_know_the_groups_separate_what_is_alike(test):
    times = count(200, 2000)
    assert _found(test, times) > _above(ALPHA + 0.005, times)


@pytest.mark.soak
def test_an_unpaired_test_finds_less():
    times = count(150, 1500)
    paired, unpaired = (_found(test, times, gap=0.2) for test in (_by_bootstrap, _unpaired))
    assert paired > unpaired + 0.2


@pytest.mark.soak
def test_the_p_of_a_permutation_test_is_uniform_where_nothing_differs():
    """With all swaps of 8 groups: at most a share of p has a p of at most p, for each p that there can be."""
    times = count(1000, 10_000)
    rng = np.random.default_rng(0)
    units = _units(8)
    ps = np.array([
        permutation_p(swapped_means(*rng.exponential(size=(2, 8)), units), units, 0) for _ in range(times)
    ])  # fmt: skip
    for level in (2 / 256, 12 / 256, 26 / 256, 0.5):
        assert (ps <= level).mean() == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / times))


@pytest.mark.soak
def test_holm_errs_once_in_twenty_families_and_uncorrected_tests_more_often():
    times = count(250, 2500)
    rng = np.random.default_rng(1)
    any_corrected = any_plain = 0
    for seed in range(times):
        entries = [_pair(rng)[0] for _ in range(4)]
        ps = [_by_permutation(*pair, seed) for pair in combinations(entries, 2)]
        any_corrected += bool((holm(ps) <= ALPHA).any())
        any_plain += min(ps) <= ALPHA
    assert any_corrected / times <= _above(ALPHA, times)
    assert any_plain / times > _above(ALPHA, times)


# What can be found.


def test_minimum_detectable_difference():
    draws = np.random.default_rng(0).normal(0.1, 0.02, 4000)
    paired = minimum_detectable_difference(draws, paired=True)
    assert paired.value == pytest.approx((1.959964 + 0.841621) * draws.std(ddof=1), rel=1e-6)
    assert paired.paired
    alone = minimum_detectable_difference(draws, paired=False)
    assert (alone.value, alone.paired) == (pytest.approx(math.sqrt(2) * paired.value), False)
    assert alone.standard_error == pytest.approx(math.sqrt(2) * paired.standard_error)
    gone = minimum_detectable_difference(np.where(np.arange(4000) < 2100, np.nan, draws), paired=True)
    assert math.isnan(gone.value)
    assert minimum_detectable_difference(np.full(10, 0.2), paired=True).value == 0


@pytest.mark.soak
def test_the_detectable_difference_is_found_four_times_in_five():
    times = count(300, 3000)
    rng = np.random.default_rng(9)
    detectable = np.mean([
        minimum_detectable_difference(_drawn(np.subtract(*_pair(rng)), _GROUPED, seed), paired=True).value
        for seed in range(40)
    ])  # fmt: skip
    off = 0.02 + 3 * math.sqrt(POWER * (1 - POWER) / times)
    for test in (_by_bootstrap, _by_permutation):
        assert _found(test, times, gap=detectable) == pytest.approx(POWER, abs=off)
        assert _found(test, times, gap=detectable / math.sqrt(2)) < POWER - 0.1
