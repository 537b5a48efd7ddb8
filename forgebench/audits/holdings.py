"""What a benchmark holds: sizes, formats, qualities, regions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forgebench.audits import container
from forgebench.audits.document import Bins, Categories, Manipulation, Statistics
from forgebench.audits.look import Floats, Look
from forgebench.audits.pixels import GRID

HEAT = 32
"""Cells on each side of the heat map."""

_MEGAPIXELS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_QUALITY = tuple(float(edge) for edge in range(0, 105, 5))
_AREA = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_MANY = 4


def statistics(looks: Sequence[Look], heat: NDArray[np.float64]) -> Statistics:
    """Histograms and counts of one benchmark.

    Args:
        looks: Its samples.
        heat: Shape (64, 64): the masks' coverage, each of sum 1, summed.
    """
    tampered = np.array([look.tampered for look in looks], bool)
    quality = np.array([look.file[container.NUMBERS.index("jpeg_quality")] for look in looks])
    area = np.array([look.regions.area if look.regions else np.nan for look in looks])
    megapixels = np.array([look.size[0] * look.size[1] / 1e6 for look in looks])
    return Statistics(
        megapixels=_bins(megapixels, tampered, _MEGAPIXELS),
        formats=_categories([look.kinds[0] for look in looks], tampered),
        jpeg_quality=_bins(quality, tampered, _QUALITY),
        area=_bins(area, tampered, _AREA),
        manipulations=_manipulations(looks),
        heat=_heat(heat),
    )


def _bins(values: Floats, tampered: NDArray[np.bool_], edges: tuple[float, ...]) -> Bins:
    """Counts by label; what lies beyond the edges is in the first and the last bin, NaN in none."""
    inside = np.clip(values, edges[0], edges[-1])
    counts = [np.histogram(inside[members], edges)[0].tolist() for members in (~tampered, tampered)]
    return Bins(edges=list(edges), authentic=counts[0], tampered=counts[1])


def _categories(values: Sequence[str], tampered: NDArray[np.bool_]) -> Categories:
    names = sorted(set(values))
    counts = Counter(zip(values, tampered.tolist(), strict=True))
    return Categories(
        names=names, authentic=[counts[name, False] for name in names], tampered=[counts[name, True] for name in names]
    )


def _manipulations(looks: Sequence[Look]) -> list[Manipulation]:
    members: dict[str, list[Look]] = defaultdict(list)
    for look in looks:
        if look.tampered:
            members[look.manipulation or "not stated"].append(look)
    return [_manipulation(name, members[name]) for name in sorted(members)]


def _manipulation(name: str, looks: Sequence[Look]) -> Manipulation:
    regions = [look.regions for look in looks if look.regions]
    numbers = Counter(min(one.count, _MANY) for one in regions)
    return Manipulation(
        name=name,
        samples=len(looks),
        with_regions=len(regions),
        median_area=float(np.median([one.area for one in regions])) if regions else None,
        regions={f"{n} or more" if n == _MANY else str(n): numbers[n] for n in range(1, _MANY + 1)},
    )


def _heat(heat: NDArray[np.float64]) -> list[list[float]]:
    total = heat.sum()
    if not total:
        return []
    step = GRID // HEAT
    cells = heat.reshape(HEAT, step, HEAT, step).sum(axis=(1, 3)) / total
    return [[round(float(value), 6) for value in row] for row in cells]
