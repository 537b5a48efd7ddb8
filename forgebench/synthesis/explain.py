"""Explanations in four fields, written from what is known of a forgery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from forgebench.schema import Explanation, Mask

_TYPES = {"splice": "splice", "copy_move": "copy-move"}


def explain(kind: str, mask: Mask, provenance: Mapping[str, Any]) -> Explanation:
    """What was done, where, to what, and what gives it away; every word of it follows from the provenance."""
    ys, xs = np.nonzero(mask)
    where = [
        _third(ys.mean() / mask.shape[0], ("top", "middle", "bottom")),
        _third(xs.mean() / mask.shape[1], ("left", "centre", "right")),
    ]
    box = f"x {xs.min()}-{xs.max()}, y {ys.min()}-{ys.max()}"
    area = f"{' '.join(where)}, {100 * mask.mean():.1f} % of the image ({box})"
    dx, dy = provenance["offset"]
    if kind == "copy_move":
        content = f"a region of the same photograph, moved by {dx} px to the right and {dy} px down"
        evidence = (
            f"The region occurs twice. Its blocks of JPEG compression (quality {provenance['first_quality']}) are "
            f"shifted by {dx % 8} and {dy % 8} pixels against those around it."
        )
    else:
        content = "a region of another photograph"
        evidence = (
            f"The region was compressed at JPEG quality {provenance['donor_quality']} before, the rest at "
            f"{provenance['first_quality']}; it was resized by a factor of {provenance['region_scale']:.2f}."
        )
    return Explanation(type=_TYPES[kind], area=area, content=content, evidence=evidence)


def _third(position: float, names: tuple[str, str, str]) -> str:
    return names[min(2, int(3 * position))]
