"""Masks of another size than their image: brought onto it as what the forgery changed says, never by a guess."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image

from forgebench.schema import Mask

CHANGED = 30
"""A pixel whose largest channel differs by more than this between original and forgery was changed: JPEG does less."""
ENOUGH = 0.4
"""A fit is accepted where the mask and what was changed overlap by this IoU or more."""


def changed_pixels(original: bytes, forgery: bytes) -> Mask | None:
    """Where two images of one size differ, shape (H, W); None for two sizes.

    Raises:
        UNDECODABLE: If one cannot be decoded.
    """
    before, after = (np.asarray(Image.open(BytesIO(data)).convert("RGB"), np.int16) for data in (original, forgery))
    if before.shape != after.shape:
        return None
    changed: Mask = np.abs(before - after).max(axis=2) > CHANGED
    return changed


def fit_to_change(mask: Mask, changed: Mask) -> tuple[Mask, str] | None:
    """The mask turned, resized, cropped or padded so that it lies best on what was changed, and how.

    Args:
        mask: Shape (h, w), true is tampered.
        changed: Shape (H, W), true where forgery and original differ.

    Returns:
        The fitted mask, shape (H, W), and the words for the manifest; None where nothing overlaps enough.
    """
    best = max(((_iou(fitted, changed), how, fitted) for how, fitted in _candidates(mask, changed.shape)), default=None,
               key=lambda found: found[0])  # fmt: skip
    if best is None or best[0] < ENOUGH:
        return None
    return best[2], f"{best[1]}: overlaps what differs from the original by IoU {best[0]:.2f}, the best of all fits"


def resized(mask: Mask, height: int, width: int) -> Mask:
    """The mask at another size, nearest neighbour."""
    # As bytes: the booleans of a 1-bit picture are stored as 255.
    small = Image.fromarray(mask.astype(np.uint8)).resize((width, height), Image.Resampling.NEAREST)
    return np.asarray(small) > 0


def _candidates(mask: Mask, shape: tuple[int, ...]) -> Iterator[tuple[str, Mask]]:
    height, width = shape
    if mask.shape == (width, height) and height != width:
        yield "transposed", mask.T
        yield "turned left", np.rot90(mask)
        yield "turned right", np.rot90(mask, -1)
        yield "transposed along the other diagonal", np.rot90(mask, 2).T
        return
    yield "resized (nearest)", resized(mask, height, width)
    for down, top in _places(mask.shape[0], height, "top", "bottom"):
        for across, left in _places(mask.shape[1], width, "left", "right"):
            yield f"laid on the canvas {down}, {across}", _laid(mask, shape, top, left)


def _places(have: int, want: int, first: str, last: str) -> list[tuple[str, int]]:
    """Where a length may start within another: at its first end, in the middle, at its last."""
    gap = have - want
    return [(first, 0), ("middle", gap // 2), (last, gap)] if gap else [(first, 0)]


def _laid(mask: Mask, shape: tuple[int, ...], top: int, left: int) -> Mask:
    """The part of a mask that starts at (top, left); outside of it nothing is tampered."""
    laid = np.zeros(shape, bool)
    height, width = shape
    part = mask[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)]
    y, x = max(0, -top), max(0, -left)
    part = part[: height - y, : width - x]
    laid[y : y + part.shape[0], x : x + part.shape[1]] = part
    return laid


def _iou(a: Mask, b: Mask) -> float:
    union = int((a | b).sum())
    return int((a & b).sum()) / union if union else 0.0
