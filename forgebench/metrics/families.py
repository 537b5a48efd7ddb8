"""All families of per-image counts, by name: what the scorer stores of an image beside its plain histograms."""

from __future__ import annotations

from dataclasses import asdict, fields
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.errors import InputError
from forgebench.metrics.boundary import BoundaryCounts, boundary_counts
from forgebench.metrics.counting import Counted, Kind, Shown
from forgebench.metrics.region import RegionCounts, region_counts
from forgebench.metrics.text import TextCounts, text_counts
from forgebench.metrics.views import VIEWS
from forgebench.schema import FIELDS, Explanation


def _pred(shown: Shown) -> NDArray[np.uint8] | None:
    """The predicted bytes; all 0 where there is no valid prediction."""
    return np.zeros(shown.truth.shape, np.uint8) if shown.lost and shown.truth is not None else shown.pred


def _boundary(shown: Shown) -> dict[str, Any]:
    pred = _pred(shown)
    if shown.truth is None or pred is None or not shown.truth.any():
        return {}
    counts = boundary_counts(pred, shown.truth)
    return {f"boundary_{name}": value for name, value in asdict(counts).items()}


def _regions(shown: Shown) -> dict[str, Any]:
    if shown.truth is None:
        return {}
    counts = region_counts(_pred(shown), shown.truth, () if shown.lost else shown.boxes)
    return {
        f"{kind}_{name}": value
        for kind, of_kind in (("mask", counts.mask), ("box", counts.box))
        for name, value in asdict(of_kind).items()
    }


def _fields(explanation: Explanation | None) -> dict[str, str] | None:
    return None if explanation is None else {name: explanation[name] for name in FIELDS}


def _text(shown: Shown) -> dict[str, Any]:
    if shown.true_explanation is None:
        return {}
    counts = text_counts(*(_fields(one) for one in (shown.explanation, shown.true_explanation)))
    return {f"text_{name}": value for name, value in counts._asdict().items()}


_SCALARS = ("contour_pred", "contour_truth")
_BOUNDARY: dict[str, Kind] = {
    f"boundary_{one.name}": "int" if one.name in _SCALARS else "ints" for one in fields(BoundaryCounts)
}
_REGIONS: dict[str, Kind] = {f"{kind}_{one.name}": "floats" for kind in ("mask", "box") for one in fields(RegionCounts)}
_TEXT: dict[str, Kind] = {f"text_{name}": "ints" for name in TextCounts._fields}

FAMILIES: dict[str, Counted] = {
    one.name: one
    for one in (
        Counted("boundary", _BOUNDARY, _boundary),
        Counted("regions", _REGIONS, _regions),
        Counted("text", _TEXT, _text),
        *VIEWS,
    )
}
"""All families by name."""


@cache
def families(names: tuple[str, ...]) -> tuple[Counted, ...]:
    """The families of these names, each once, in the order of their names.

    Raises:
        InputError: If there is none of a name.
    """
    wanted = sorted(set(names))
    unknown = [name for name in wanted if name not in FAMILIES]
    if unknown:
        raise InputError(f"No counts {', '.join(unknown)}. There are: {', '.join(FAMILIES)}")
    return tuple(FAMILIES[name] for name in wanted)


def stacked(column: NDArray[Any], width: int) -> NDArray[np.int64]:
    """A column of lists of one length as shape (N, width); zeros where there is none."""
    found = np.zeros((len(column), width), np.int64)
    for row, values in enumerate(column):
        found[row, : len(values)] = values
    return found
