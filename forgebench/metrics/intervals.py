"""Intervals: bootstrap clustered by group, and exact ones for a proportion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import InputError
from forgebench.metrics.pixel import Floats
from forgebench.metrics.table import Statistic, Weights

RESAMPLES = 2000
CONFIDENCE = 0.95
_CELLS = 2**22
"""Weights held at once: memory stays flat with the number of samples."""


def check_draws(seed: int, count: int) -> None:
    """Make sure that resamples can be drawn.

    Raises:
        InputError: If the seed is negative, or there are none.
    """
    if seed < 0 or count < 1:
        raise InputError(f"Expected a seed of at least 0 and one resample or more, got seed {seed} and {count}.")


def resamples(group: NDArray[np.str_], seed: int, count: int = RESAMPLES) -> Iterator[Weights]:
    """Draw whole groups with replacement, as weights of shape (b, N) in blocks that sum to `count` rows.

    The draws follow from the seed and the set of groups alone, so two submissions for one benchmark are
    resampled alike, which is what pairs them.
    """
    names, index = np.unique(group, return_inverse=True)
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS // max(1, len(group)))
    for start in range(0, count, block):
        rows = min(block, count - start)
        drawn = rng.integers(0, len(names), (rows, len(names))) + np.arange(rows)[:, None] * len(names)
        times = np.bincount(drawn.ravel(), minlength=rows * len(names)).reshape(rows, len(names))
        yield times[:, index]


def bootstrap(
    statistics: Mapping[str, Statistic], group: NDArray[np.str_], seed: int, count: int = RESAMPLES
) -> dict[str, Floats]:
    """The values of each statistic in every resample, shape (count,).

    Raises:
        InputError: If the seed is negative, or there are no resamples.
    """
    check_draws(seed, count)
    blocks: dict[str, list[Floats]] = {name: [] for name in statistics}
    for weights in resamples(group, seed, count):
        for name, statistic in statistics.items():
            blocks[name].append(statistic.of(weights))
    return {name: np.concatenate(values) for name, values in blocks.items()}


def percentile_interval(values: Floats) -> tuple[float, float]:
    """The middle 95 % of the resampled values; NaN where the statistic was undefined in more than half of them."""
    defined = values[~np.isnan(values)]
    if 2 * len(defined) < len(values):
        return float("nan"), float("nan")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def clopper_pearson(successes: int, n: int) -> tuple[float, float]:
    """The exact 95 % interval of a proportion (Clopper and Pearson 1934); NaN for n = 0.

    >>> low, high = clopper_pearson(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.3085)
    """
    from scipy.special import betaincinv

    if n == 0:
        return float("nan"), float("nan")
    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    high = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return low, high
