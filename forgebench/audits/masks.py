"""What can be wrong with the truth of one sample, and what its regions are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forgebench.annotations.boxes import MIN_AREA
from forgebench.audits.pixels import GRID
from forgebench.schema import Mask

MISSED_BY_BOXES = 0.05
"""A share of the tampered pixels larger than this outside all boxes is a finding."""

_EIGHT_CONNECTED = np.ones((3, 3), np.uint8)

Found = tuple[str, str]
"""A finding's code, and its text."""


@dataclass(frozen=True)
class Regions:
    """The regions of a mask."""

    area: float
    """Share of the image that is tampered."""
    count: int
    """8-connected components of at least 0.1 % of the image; the largest always counts."""

def check_authentic(mask: Mask | None) -> Iterator[Found]:
    """What is wrong with the mask of an authentic image."""
    if mask is not None and mask.any():
        yield "marked_authentic", f"authentic, yet {mask.mean():.2%} of it is marked as tampered"


def check_tampered(
    mask: Mask | None, boxes: Sequence[Sequence[float]], manipulation: str | None
) -> tuple[Regions | None, list[Found]]:
    """The regions of a tampered image, and what is wrong with its truth.

    Args:
        mask: Shape (H, W), true is tampered; None where there is none.
        boxes: COCO `[x, y, width, height]`, pixels.
        manipulation: As the data set names it; only a `full_synthetic` image is tampered as a whole.

    Returns:
        None for a missing or empty mask, and the findings.
    """
    if mask is None:
        return None, []
    if not mask.any():
        return None, [("empty_mask", "tampered, yet nothing is marked")]
    found: list[Found] = []
    if mask.all() and manipulation != "full_synthetic":
        found.append(("full_mask", "the whole image is marked"))
    areas = _areas(mask)
    least = MIN_AREA * mask.size
    specks = areas[(areas < least) & (areas < areas.max())]
    if areas.max() < least:
        found.append(("tiny_mask", f"the largest region is {areas.max()} px, under 0.1 % of the image"))
    if specks.size:
        found.append(("specks", f"{_count(specks.size, 'region')} under 0.1 % of the image, {specks.sum()} px in all"))
    found += _check_boxes(mask, boxes, specks.sum() / mask.sum())
    return Regions(float(mask.mean()), len(areas) - specks.size), found


def coverage(mask: Mask) -> NDArray[np.uint8]:
    """How much of each of 64 by 64 cells is tampered, shape (64, 64), uint8, 255 is all."""
    return np.asarray(Image.fromarray(mask.view(np.uint8) * np.uint8(255)).resize((GRID, GRID), Image.Resampling.BOX))


def _areas(mask: Mask) -> NDArray[np.int64]:
    labels, count = ndimage.label(mask, _EIGHT_CONNECTED)
    return np.bincount(labels.ravel(), minlength=count + 1)[1:]


def _check_boxes(mask: Mask, boxes: Sequence[Sequence[float]], in_specks: float) -> Iterator[Found]:
    """Boxes against the mask; specks may have no box."""
    inside = np.zeros_like(mask)
    empty = 0
    for x, y, width, height in boxes:
        window = np.s_[max(0, int(y)) : int(np.ceil(y + height)), max(0, int(x)) : int(np.ceil(x + width))]
        inside[window] = True
        empty += not mask[window].any()
    missed = 1 - (mask & inside).sum() / mask.sum() - in_specks
    if missed > MISSED_BY_BOXES:
        yield "box_misses", f"{missed:.0%} of the tampered pixels are in no box"
    if empty:
        yield "box_empty", f"{_count(empty, 'box')} without a tampered pixel"


def _count(number: int, thing: str) -> str:
    """A number of things.

    >>> _count(1, "box"), _count(3, "region")
    ('1 box', '3 regions')
    """
    return f"{number} {thing}" if number == 1 else f"{number} {thing}{'es' if thing.endswith('x') else 's'}"
