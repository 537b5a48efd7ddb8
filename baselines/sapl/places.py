"""Where evidence lies against a true boundary, and means over images with intervals that respect groups."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_Bits = NDArray[np.bool_]
_Floats = NDArray[np.floating]

RESAMPLES = 2000
PLACES = ("band", "interior", "outside")


def signed_distance(mask: _Bits) -> NDArray[np.float64]:
    """Pixels to the boundary of a mask, shape (H, W): positive inside, negative outside, never zero.

    The boundary runs between a pixel inside and its neighbour outside: both are at half a pixel. Infinite throughout a
    mask that is full or empty.

    >>> signed_distance(np.array([[False, True, True]])).tolist()
    [[-0.5, 0.5, 1.5]]
    """
    if mask.all() or not mask.any():
        return np.full(mask.shape, np.inf if mask.any() else -np.inf)
    inside, outside = (ndimage.distance_transform_edt(one) - 0.5 for one in (mask, ~mask))
    return np.where(mask, inside, -outside)


def places(distance: _Floats, reach: float) -> dict[str, _Bits]:
    """The band within `reach` pixels of the boundary on both sides, and the inside and outside beyond it."""
    return {"band": abs(distance) <= reach, "interior": distance > reach, "outside": distance < -reach}


def mean_at(values: NDArray[np.generic], where: _Bits) -> float:
    """The mean of the values where they count; NaN where nothing does, as in the interior of a small forgery."""
    return float(values[where].mean()) if where.any() else float("nan")


@dataclass(frozen=True)
class Interval:
    """A mean over images and its 95 % bootstrap interval, clustered by group; NaN where no image defines it."""

    mean: float
    low: float
    high: float
    n: int
    """Images that define it."""
    n_undefined: int

    def to_json(self) -> dict[str, float | int | None]:
        """As plain values; null where undefined."""
        return {name: None if np.isnan(value) else value for name, value in asdict(self).items()}


def interval(values: _Floats, groups: NDArray[np.str_], *, seed: int) -> Interval:
    """The mean of one value an image, whole groups drawn with replacement 2000 times (percentile interval).

    Args:
        values: Shape (N,); NaN is left out and counted.
        groups: Shape (N,): the group of each image.
        seed: Of the draws.
    """
    defined = ~np.isnan(values)
    if not defined.any():
        return Interval(np.nan, np.nan, np.nan, 0, len(values))
    _, unit = np.unique(groups[defined], return_inverse=True)
    sums, counts = np.bincount(unit, values[defined]), np.bincount(unit)
    drawn = np.random.default_rng(seed).integers(0, len(sums), (RESAMPLES, len(sums)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])
    return Interval(float(values[defined].mean()), float(low), float(high), int(defined.sum()), int((~defined).sum()))
