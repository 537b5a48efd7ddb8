"""Slices: the samples that share something, scored on their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import InputError
from forgebench.metrics.table import Members

Labels = NDArray[np.object_]
"""The slice of each sample, shape (N,); None where it is in none."""
Columns = Mapping[str, NDArray[Any]]

_REGIONS = (0.01, 0.05, 0.15)
_REGION_NAMES = ("under 1 %", "1-5 %", "5-15 %", "15 % and more")
_SIDES = (512, 1024, 2048)
_SIDE_NAMES = ("under 512 px", "512-1023 px", "1024-2047 px", "2048 px and more")
_QUALITIES = (70, 80, 90, 96)
_QUALITY_NAMES = ("under 70", "70-79", "80-89", "90-95", "96-100")


def _manipulation(columns: Columns) -> Labels:
    return columns["manipulation"]


def _region_size(columns: Columns) -> Labels:
    total = columns["tampered_px"] + columns["authentic_px"]
    share = np.divide(columns["tampered_px"], total, out=np.zeros(len(total)), where=total > 0)
    return _binned(share, _REGIONS, _REGION_NAMES, share > 0)


def _image_size(columns: Columns) -> Labels:
    longer = np.maximum(columns["width"], columns["height"])
    return _binned(longer, _SIDES, _SIDE_NAMES, longer > 0)


def _jpeg_quality(columns: Columns) -> Labels:
    found = _binned(columns["jpeg_quality"], _QUALITIES, _QUALITY_NAMES, columns["jpeg_quality"] > 0)
    found[columns["jpeg_quality"] == 0] = "no JPEG"
    return found


def _source(columns: Columns) -> Labels:
    return columns["source"]


def _binned(values: NDArray[Any], edges: tuple[float, ...], names: tuple[str, ...], known: Members) -> Labels:
    found = np.array(names, object)[np.searchsorted(edges, values, side="right")]
    found[~known] = None
    return found


SLICES: dict[str, Callable[[Columns], Labels]] = {
    "manipulation": _manipulation,
    "region_size": _region_size,
    "image_size": _image_size,
    "jpeg_quality": _jpeg_quality,
    "source": _source,
}
"""What a score may be sliced by: `region_size` is the tampered share of the image, `image_size` its longer side,
`jpeg_quality` the libjpeg quality nearest to its tables, `source` what its provenance names."""
_OF_THE_FORGERY = frozenset({"manipulation", "region_size"})
"""Slices that only tampered images are in: each is scored beside all the authentic ones."""


def check_slices(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once.

    Raises:
        InputError: If there is no such slice.
    """
    chosen = tuple(dict.fromkeys(names))
    unknown = [name for name in chosen if name not in SLICES]
    if unknown:
        raise InputError(f"No slice {', '.join(unknown)}. There are: {', '.join(SLICES)}")
    return chosen


def subsets(names: Iterable[str], columns: Columns) -> Iterator[tuple[str, Members]]:
    """Every slice as `name=value` with its members, shape (N,)."""
    authentic = columns["label"] == "authentic"
    for name in check_slices(names):
        labels = SLICES[name](columns)
        for value in sorted({label for label in labels if label is not None}, key=_order):
            members = labels == value
            yield f"{name}={value}", members | authentic if name in _OF_THE_FORGERY else members


_ORDER = {name: place for place, name in enumerate((*_REGION_NAMES, *_SIDE_NAMES, *_QUALITY_NAMES))}


def _order(value: str) -> tuple[int, str]:
    return _ORDER.get(value, -1), value
