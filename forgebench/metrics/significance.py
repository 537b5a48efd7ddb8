"""Paired tests between two entries on the same images, what many of them add up to, and what they can find.

Images of one group are alike, so nothing here takes single images as independent: draw units (see `draw_units`) are
resampled or swapped whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import InputError
from forgebench.metrics.intervals import RESAMPLES, Units, blocks, check_draws
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Column, Statistic, Table

ALPHA = 0.05
POWER = 0.8

Swaps = NDArray[np.bool_]
"""Shape (B, U): in which units the two entries change places."""
Difference = Callable[[Swaps], Floats]
"""First minus second of a metric, shape (B,), after the entries changed places; NaN where it is undefined."""

_TIE = 1e-12
"""Differences that are nearer to each other than this are the same but for rounding."""
_WORD = 64


def paired_bootstrap_p(differences: Floats, groups: int | None = None) -> float:
    """The two-sided p-value of no difference: twice the share of resamples on the rarer side of 0.

    The difference seen counts as one more resample, on that side. This is about the level at which the percentile
    interval of the difference first reaches 0 (Efron and Tibshirani 1993, sect. 15.4 and 16.3). Undefined differences
    are left out; NaN without any.

    Where no resample is on that side, the count is a bound alone: 2000 of them never say less than 0.001, which no
    correction for more than 50 pairs would leave below 0.05. Given the number of groups, the p-value is then that of
    Student's t, the resamples' mean over their standard deviation with one degree of freedom less than groups, where
    it is the smaller one.

    Args:
        differences: First minus second in each resample, shape (B,), both entries drawn alike.
        groups: How many groups were drawn from; None leaves the bound as it is.

    >>> paired_bootstrap_p(np.full(1999, 0.1))
    0.001
    """
    from scipy.special import stdtr

    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return math.nan
    rarer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    counted = min(1.0, 2 * (rarer + 1) / (len(defined) + 1))
    spread = float(defined.std())
    if rarer or groups is None or groups < 2 or spread < _TIE:
        return counted
    return min(counted, 2 * float(stdtr(groups - 1, -abs(float(defined.mean())) / spread)))


def permutation_p(difference: Difference, units: Units, seed: int, permutations: int = RESAMPLES) -> float:
    """The two-sided p-value of no difference, by letting the two entries change places in whole units.

    If the two are alike, which of them gave which prediction says nothing, so each swap was as likely as what was
    seen: the test is exact at any number of units. With 2**U at most `permutations`, all swaps are looked at; else
    that many random ones, the one seen counted among them (Phipson and Smyth 2010). A difference that is undefined
    after a swap counts as larger; NaN where the difference is undefined as it is.

    Args:
        difference: `swapped_means` or `swapped_tables`, or any function of swaps.
        units: Of the images.
        seed: Of the random swaps.
        permutations: How many.

    Raises:
        InputError: If the seed is negative, or there are no permutations.

    >>> units = np.arange(3), 3
    >>> permutation_p(swapped_means(np.array([1.0, 0.9, 0.8]), np.zeros(3), units), units, seed=0)
    0.25
    """
    check_draws(seed, permutations)
    count = units[1]
    seen = float(difference(np.zeros((1, count), bool))[0])
    if math.isnan(seen):
        return math.nan
    every = count < _WORD and 2**count <= permutations
    beyond = 0 if every else 1
    for swaps in _all_swaps(units) if every else _random_swaps(units, seed, permutations):
        beyond += int((~(np.abs(difference(swaps)) < abs(seen) - _TIE)).sum())
    return beyond / (2**count if every else permutations + 1)


def _all_swaps(units: Units) -> Iterator[Swaps]:
    for rows in blocks(units, 2 ** units[1]):
        yield (np.array(rows)[:, None] >> np.arange(units[1]) & 1).astype(bool)


def _random_swaps(units: Units, seed: int, count: int) -> Iterator[Swaps]:
    """Fair coins, the same whatever the size of a block: each row takes whole words of the generator."""
    rng = np.random.default_rng(seed)
    words = -(-units[1] // _WORD)
    for rows in blocks(units, count):
        drawn = rng.integers(0, 2**_WORD, (len(rows), words), dtype=np.uint64).astype("<u8")
        yield np.unpackbits(drawn.view(np.uint8), axis=1, count=units[1]).astype(bool)


def swapped_means(first: Floats, second: Floats, units: Units) -> Difference:
    """The difference of two means over images under swaps, in closed form: one matrix product.

    Args:
        first: Values of the first entry, shape (N,); NaN where the image is not in the mean or undefined.
        second: Those of the second, for the same images.
        units: Of these images.
    """
    index, count = units
    sums = np.empty((2, 2, count))
    for of_entry, values in zip(sums, (first, second), strict=True):
        defined = ~np.isnan(values)
        of_entry[0] = np.bincount(index, weights=np.where(defined, values, 0.0), minlength=count)
        of_entry[1] = np.bincount(index, weights=defined, minlength=count)
    gained = (sums[1] - sums[0]).T
    totals = sums.sum(axis=2)

    def difference(swaps: Swaps) -> Floats:
        moved = swaps.astype(np.float64) @ gained
        with np.errstate(invalid="ignore"):  # no image defined: 0 / 0 is NaN, as it should be
            means = [above / below for above, below in ((totals[0] + moved).T, (totals[1] - moved).T)]
        found: Floats = means[0] - means[1]
        return found

    return difference


def swapped_tables(first: Table, second: Table, statistic: Callable[[Table], Statistic]) -> Difference:
    """The difference of any metric under swaps: it is bound once to the rows of both, and weights choose among them.

    Per-image means, pooled pixels and curves such as the AUC alike: images change hands with their scores and
    histograms. What a metric takes from the whole table, such as adaptive bins, it takes from both. Where the two
    entries have different frozen thresholds there is no common scale, and a metric at a frozen threshold is NaN.

    Args:
        first: The table of the first entry.
        second: That of the second.
        statistic: Binds the metric to a table, as `Metric.statistic` does.

    Raises:
        InputError: If the two are not of the same samples in the same order.
    """
    of = statistic(stacked(first, second)).of

    def difference(swaps: Swaps) -> Floats:
        kept, taken = (chosen.astype(np.float64) for chosen in (~swaps, swaps))
        found: Floats = of(np.concatenate([kept, taken], axis=1)) - of(np.concatenate([taken, kept], axis=1))
        return found

    return difference


@dataclass(frozen=True)
class _Both:
    """A column of histograms after another."""

    first: Column
    second: Column

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def __getitem__(self, rows: slice, /) -> NDArray[np.signedinteger]:
        start, stop, _ = rows.indices(len(self))
        cut = len(self.first)
        parts = self.first[min(start, cut) : min(stop, cut)], self.second[max(start, cut) - cut : max(stop, cut) - cut]
        return np.concatenate(parts)


def stacked(first: Table, second: Table) -> Table:
    """The rows of one entry after those of another on the same samples, with units of their own: 2 U in all.

    Raises:
        InputError: If the two are not of the same samples in the same order.
    """
    if not np.array_equal(first.sample_id, second.sample_id):
        raise InputError("Expected two tables of the same samples in the same order.")

    def both(name: str, one: Any, other: Any) -> Any:  # noqa: ANN401
        return _Both(one, other) if name.startswith("hist_") else np.concatenate([one, other])

    columns = (
        "sample_id", "group", "tampered", "score", "valid", "hist_tampered", "hist_authentic", "tampered_px",
        "authentic_px",
    )  # fmt: skip
    index, count = first.drawn_by
    return replace(
        first,
        **{name: both(name, getattr(first, name), getattr(second, name)) for name in columns},
        localizes=first.localizes and second.localizes,
        extra={name: both(name, first.extra[name], second.extra[name]) for name in first.extra if name in second.extra},
        frozen=first.frozen if first.frozen == second.frozen else None,
        supervision=first.supervision if first.supervision == second.supervision else None,
        units=(np.concatenate([index, index + count]), 2 * count),
    )


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """p-values corrected so that all of them together err at the level of one (Holm 1979).

    An undefined p-value stays undefined and is not counted among them.

    >>> holm([0.01, 0.04, math.nan]).tolist()
    [0.02, 0.04, nan]
    """
    corrected = np.array(p_values, np.float64)
    defined = np.flatnonzero(~np.isnan(corrected))
    order = defined[np.argsort(corrected[defined], kind="stable")]
    steps = corrected[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return corrected


def tiers(order: Sequence[str], separated: Mapping[tuple[str, str], bool]) -> dict[str, int]:
    """Tiers instead of ranks: 1 for every entry that is not separated from the best, then again among the rest.

    Those of a tier cannot be told from its best, but perhaps from each other.

    Args:
        order: The entries, the best first.
        separated: Of each pair, the better one first, whether the data tell them apart.

    >>> tiers("abc", {("a", "b"): False, ("a", "c"): True, ("b", "c"): False})
    {'a': 1, 'b': 1, 'c': 2}
    """
    found: dict[str, int] = {}
    tier = 0
    best = ""
    for name in order:
        if not tier or separated[best, name]:
            best = name
            tier += 1
        found[name] = tier
    return found


@dataclass(frozen=True)
class Detectable:
    """The smallest true difference that a paired test finds with 80 % power at the level 0.05."""

    value: float
    """In the metric's own units; NaN where it cannot be known."""
    standard_error: float
    """Of the difference."""
    paired: bool
    """False where there was one entry only, and a second one as spread was taken as independent of it."""


def minimum_detectable_difference(draws: Floats, *, paired: bool) -> Detectable:
    """The smallest true difference that these images can separate: (z of 0.975 + z of 0.8) times its standard error.

    A difference of d standard errors is found where a standard normal number around d is beyond 1.96: with a power of
    80 % from d = 1.96 + 0.84 (Cohen 1988). The standard error is that of the clustered bootstrap; its draws follow
    the entries at hand, so two other entries, less or more alike, have another. A single entry stands for a pair of
    independent ones as spread as itself, whose difference has √2 times its standard error: entries on the same
    images mostly agree, so that is too large rather than too small.

    Args:
        draws: Shape (B,): the difference of two entries in each resample, or the value of one entry.
        paired: True for a difference of two entries; False for one entry.
    """
    from scipy.special import ndtri

    defined = draws[~np.isnan(draws)]
    if 2 * len(defined) < len(draws) or len(defined) < 2:
        return Detectable(math.nan, math.nan, paired)
    error = float(defined.std(ddof=1)) * (1.0 if paired else math.sqrt(2))
    return Detectable(float(ndtri(1 - ALPHA / 2) + ndtri(POWER)) * error, error, paired)
