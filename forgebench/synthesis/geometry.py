"""Regions resized, turned, mirrored and tilted, through albumentations."""

from __future__ import annotations

import os

import numpy as np

from forgebench.schema import Mask
from forgebench.synthesis.photos import Pixels
from forgebench.synthesis.plan import Step

MARGIN = 4
"""Pixels taken around a region, so that its rim is interpolated from what was there."""


def cut(image: Pixels, mask: Mask, step: Step, zoom: float = 1.0) -> tuple[Pixels, Mask, tuple[int, int]]:
    """A region cut out of an image and transformed.

    Args:
        image: Shape (H, W, 3), uint8, RGB.
        mask: Shape (H, W), not empty.
        step: Says how.
        zoom: A further factor of size, for thumbnails.

    Returns:
        The patch, uint8 (h, w, 3), its mask, (h, w), as tight as can be, and the left and top of the window that it
        was cut from. The mask is empty where nothing is left of the region.
    """
    top, bottom, left, right = _window(mask, MARGIN)
    patch, alpha = image[top:bottom, left:right], mask[top:bottom, left:right]
    origin = (left, top)
    if step.flip:
        patch, alpha = patch[:, ::-1], alpha[:, ::-1]
    if step.scale * zoom != 1 or step.rotation or step.perspective:
        patch, alpha = _warped(patch, alpha, step, zoom)
        if not alpha.any():
            return patch, alpha, origin
        top, bottom, left, right = _window(alpha, 0)
        return patch[top:bottom, left:right], alpha[top:bottom, left:right], origin
    y, y_end, x, x_end = _window(alpha, 0)
    inner = (int(np.flatnonzero(mask.any(axis=0))[0]), int(np.flatnonzero(mask.any(axis=1))[0]))
    return patch[y:y_end, x:x_end], alpha[y:y_end, x:x_end], inner


def _window(mask: Mask, margin: int) -> tuple[int, int, int, int]:
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return (
        max(0, int(ys[0]) - margin), min(height, int(ys[-1]) + 1 + margin),
        max(0, int(xs[0]) - margin), min(width, int(xs[-1]) + 1 + margin),
    )  # fmt: skip


def _warped(patch: Pixels, alpha: Mask, step: Step, zoom: float) -> tuple[Pixels, Mask]:
    # It would ask the network for a newer version of itself.
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import albumentations as A  # noqa: N812
    import cv2

    # What lies at the image's border is interpolated from its own rim, not from black.
    patch = cv2.copyMakeBorder(np.ascontiguousarray(patch), *(MARGIN,) * 4, cv2.BORDER_REPLICATE)
    alpha = np.pad(alpha, MARGIN)
    scale, tilt = step.scale * zoom, step.perspective
    moves = [
        A.Affine(
            scale=(scale, scale), rotate=(step.rotation, step.rotation), fit_output=True, interpolation=2,
            mask_interpolation=1, p=1,
        )
    ]  # fmt: skip
    if tilt:
        moves.append(A.Perspective(scale=(tilt, tilt), fit_output=True, interpolation=2, mask_interpolation=1, p=1))
    moved = A.Compose(moves, seed=step.seed)(image=patch, mask=alpha * np.uint8(255))
    return moved["image"], moved["mask"] > 127
