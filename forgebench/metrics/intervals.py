"""Intervals: bootstrap clustered by group, and closed ones for a proportion."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import InputError
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Statistic, Weights

RESAMPLES = 2000
CONFIDENCE = 0.95
MOST_LEFT_OUT = 500
"""Values of a jackknife; with more units than these, blocks of units are left out."""

Units = tuple[NDArray[np.int64], int]
"""The draw unit of each sample, shape (N,), and the number of units U: see `draw_units` and `Table.drawn_by`."""

_CELLS = 2**20
"""Resamples times samples in one block: few enough for the processor's cache."""
_LEAST = 4
"""Resamples in one block of very many samples, whose histograms would else be read once for each."""
_TAIL = (1 - CONFIDENCE) / 2
_BLOCKING_SEED = 0


def check_draws(seed: int, count: int) -> None:
    """Make sure that resamples can be drawn.

    Raises:
        InputError: If the seed is negative, or there are none.
    """
    if seed < 0 or count < 1:
        raise InputError(f"Expected a seed of at least 0 and one resample or more, got seed {seed} and {count}.")


def resamples(units: Units, seed: int, count: int = RESAMPLES) -> Iterator[Weights]:
    """Draw whole units with replacement, as weights of shape (b, U) in blocks that sum to `count` rows.

    The draws follow from the seed and the number of units alone, so two submissions for one benchmark are
    resampled alike, which is what pairs them.
    """
    of = units[1]
    rng = np.random.default_rng(seed)
    for rows in blocks(units, count):
        drawn = rng.integers(0, of, (len(rows), of)) + np.arange(len(rows))[:, None] * of
        yield np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)


def jackknife_weights(units: Units) -> Iterator[Weights]:
    """Leave out one unit at a time, as weights of shape (b, U) in blocks that sum to min(U, 500) rows.

    With more than 500 units, one of 500 random blocks of units is left out at a time, the same blocks whenever the
    number of units is the same. The acceleration that `bca_interval` takes from these values is a sixth of the
    skewness of a sum of independent influences, one of each unit. The influence of a block is the sum of its units',
    and second and third central moments of independent terms add up, so blocks estimate the same skewness. Their
    estimate errs by about sqrt(6 / 500) / 6 / sqrt(500) = 0.0008, which moves an end of the interval by 0.0002 of
    the resamples.
    """
    of = units[1]
    count = min(of, MOST_LEFT_OUT)
    block = np.arange(of) if count == of else np.random.default_rng(_BLOCKING_SEED).permutation(of) % count
    for rows in blocks(units, count):
        yield (block != np.array(rows)[:, None]).astype(np.float64)


def blocks(units: Units, count: int) -> Iterator[range]:
    """So many rows of weights in blocks, so that memory stays flat with the number of samples."""
    size = max(_LEAST, _CELLS // max(1, len(units[0]), units[1]))
    for start in range(0, count, size):
        yield range(start, min(start + size, count))


def bootstrap(
    statistics: Mapping[str, Statistic], units: Units, seed: int, count: int = RESAMPLES
) -> dict[str, Floats]:
    """The values of each statistic in every resample, shape (count,).

    Raises:
        InputError: If the seed is negative, or there are no resamples.
    """
    check_draws(seed, count)
    return _values(statistics, resamples(units, seed, count))


def jackknife(statistics: Mapping[str, Statistic], units: Units) -> dict[str, Floats]:
    """The values of each statistic without each unit, or without each of 500 blocks of units; shape (min(U, 500),)."""
    return _values(statistics, jackknife_weights(units))


def _values(statistics: Mapping[str, Statistic], drawn: Iterator[Weights]) -> dict[str, Floats]:
    found: dict[str, list[Floats]] = {name: [np.empty(0)] for name in statistics}
    for weights in drawn:
        for name, statistic in statistics.items():
            found[name].append(statistic.of(weights))
    return {name: np.concatenate(values) for name, values in found.items()}


def percentile_interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of the resampled values; NaN where the statistic was undefined in more than half of them."""
    return _between(values, _TAIL, 1 - _TAIL)


def bca_interval(values: Floats, estimate: float, jackknife: Floats) -> tuple[float, float]:
    """The bias-corrected and accelerated 95 % interval (Efron 1987; Efron and Tibshirani 1993, eq. 14.9 to 14.15).

    Where there is nothing to correct by, it says what it can:

    - NaN where the estimate is undefined, or the resampled values are in more than half of the resamples.
    - Undefined values of the jackknife are left out; where the others are all the same, the acceleration is 0.
    - Resampled values that equal the estimate count as half below it, so if all do, both ends are the estimate.
    - Where the estimate is beyond all resampled values, the bias is without bound, and both ends would be the nearest
      of these, as if all were certain: the interval is the percentile interval, widened to hold the estimate.
    - The acceleration is at most 1 / 6, so only a bias beyond four standard errors can turn an end around; that end is
      then the outermost resampled value.

    Args:
        values: Of the resamples, shape (B,), as `bootstrap` gives them.
        estimate: The statistic of the samples themselves.
        jackknife: Values without each unit or block of units, as `jackknife` gives them.
    """
    from scipy.special import ndtr, ndtri

    defined = values[~np.isnan(values)]
    if math.isnan(estimate) or not len(defined):
        return math.nan, math.nan
    below = ((defined < estimate).mean() + (defined <= estimate).mean()) / 2
    if below in (0, 1):
        low, high = percentile_interval(values)
        return min(low, estimate), max(high, estimate)
    bias, acceleration = ndtri(below), _acceleration(jackknife)
    shifted = bias + ndtri(np.array([_TAIL, 1 - _TAIL]))
    turn = 1 - acceleration * shifted
    ends = np.where(turn > 0, bias + shifted / np.where(turn > 0, turn, 1.0), np.copysign(np.inf, shifted))
    return _between(values, *map(float, ndtr(ends)))


def _acceleration(jackknife: Floats) -> float:
    """A sixth of the skewness of the influences (Efron and Tibshirani 1993, eq. 14.15)."""
    defined = jackknife[~np.isnan(jackknife)]
    if not len(defined) or (defined == defined[0]).all():
        return 0.0
    influence = defined.mean() - defined
    influence /= np.abs(influence).max()
    return float((influence**3).sum() / (6 * (influence**2).sum() ** 1.5))


def _between(values: Floats, low: float, high: float) -> tuple[float, float]:
    """Two quantiles of the defined values; NaN where more than half are undefined."""
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values) or not len(defined):
        return math.nan, math.nan
    first, second = np.quantile(defined, [low, high])
    return float(first), float(second)


def clopper_pearson(successes: int, n: int) -> tuple[float, float]:
    """The exact 95 % interval of a proportion (Clopper and Pearson 1934); NaN for n = 0.

    >>> low, high = clopper_pearson(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.3085)
    """
    from scipy.special import betaincinv

    if n == 0:
        return math.nan, math.nan
    low = float(betaincinv(successes, n - successes + 1, _TAIL)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - _TAIL)) if successes < n else 1.0
    return low, high


def wilson(successes: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927), which covers on average; NaN for n = 0.

    >>> low, high = wilson(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.2775)
    """
    from scipy.special import ndtri

    if n == 0:
        return math.nan, math.nan
    z, share = float(ndtri(1 - _TAIL)), successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle - half if successes else 0.0), (middle + half if successes < n else 1.0)
