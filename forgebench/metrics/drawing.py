"""What the bootstrap draws: whole groups, or bundles of groups where there are very many."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_UNITS = 10_000
"""Beyond this many groups, bundles of groups are drawn: time and memory stay flat."""

_BUNDLING_SEED = 0


def draw_units(group: NDArray[np.str_]) -> tuple[NDArray[np.int64], int]:
    """The draw unit of each sample, shape (N,), int64, and the number of units.

    A unit is a group; beyond 10 000 groups it is a bundle of them, each group in one, by a fixed shuffle of the sorted
    names. The mean of bundles drawn at random varies as the mean of groups does, in expectation, so intervals keep
    their width; what is lost is that 10 000 draws stand for more.

    >>> draw_units(np.array(["b", "a", "b"]))[0].tolist()
    [1, 0, 1]
    """
    names, index = np.unique(group, return_inverse=True)
    if len(names) <= MOST_UNITS:
        return index.astype(np.int64), len(names)
    place = np.random.default_rng(_BUNDLING_SEED).permutation(len(names))
    return place[index] % MOST_UNITS, MOST_UNITS
