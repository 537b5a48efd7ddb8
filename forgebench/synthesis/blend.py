"""A patch into its new ground: colours brought together, seams hidden, nothing changed outside the mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forgebench.schema import Mask
from forgebench.synthesis.photos import Pixels
from forgebench.synthesis.plan import Step
from forgebench.synthesis.recipe import Harmony

_RIM = 16
"""Pixels of ground around a patch that blending looks at."""
_LEVELS = 4


def paste(image: Pixels, patch: Pixels, alpha: Mask, step: Step) -> None:
    """Blend a patch into an image, in place, where `alpha` is true and nowhere else.

    Args:
        image: Shape (H, W, 3), uint8, RGB.
        patch: Shape (h, w, 3), uint8, RGB.
        alpha: Shape (h, w), bool.
        step: Says where and how.
    """
    import cv2

    (left, top), (height, width) = step.corner, alpha.shape
    target = image[top : top + height, left : left + width]
    patch = harmonized(patch, alpha, target, step.harmony)
    if step.blend in ("laplacian", "poisson"):
        patch = _with_rim(image, patch, alpha, step)
    soft = _feather(alpha, step.width) if step.blend == "feathered" else alpha.view(np.uint8) * np.uint8(255)
    mixed = _mixed(target, patch, soft)
    if step.smooth:
        mixed = _smoothed(mixed, alpha, step.width)
    target[:] = cv2.copyTo(mixed, np.ascontiguousarray(alpha).view(np.uint8), target.copy())


def harmonized(patch: Pixels, alpha: Mask, ground: Pixels, how: Harmony) -> Pixels:
    """The patch's colours brought towards those of the ground that it covers.

    `reinhard` gives it the ground's mean and deviation in Lab (Reinhard et al. 2001, "Color transfer between images",
    equations 10 and 11), `histogram` the ground's histogram of each channel, both by half.
    """
    if how == "none":
        return patch
    goal = _reinhard(patch, alpha, ground) if how == "reinhard" else _matched(patch, alpha, ground)
    import cv2

    return np.asarray(cv2.addWeighted(np.ascontiguousarray(patch), 0.5, goal, 0.5, 0))


def _reinhard(patch: Pixels, alpha: Mask, ground: Pixels) -> Pixels:
    import cv2

    ours = cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_RGB2LAB).astype(np.float32)
    theirs = cv2.cvtColor(np.ascontiguousarray(ground), cv2.COLOR_RGB2LAB)[alpha].astype(np.float32)
    inside = ours[alpha]
    # A patch without contrast is not blown up.
    spread = np.clip(theirs.std(axis=0) / (inside.std(axis=0) + 1), 0.5, 2)
    moved = (ours - inside.mean(axis=0)) * spread + theirs.mean(axis=0)
    return np.asarray(cv2.cvtColor(np.clip(np.rint(moved), 0, 255).astype(np.uint8), cv2.COLOR_LAB2RGB))


def _matched(patch: Pixels, alpha: Mask, ground: Pixels) -> Pixels:
    tables = []
    for channel in range(3):
        ours = np.bincount(patch[..., channel][alpha], minlength=256).cumsum()
        theirs = np.bincount(ground[..., channel][alpha], minlength=256).cumsum()
        tables.append(np.searchsorted(theirs, ours, side="left").clip(0, 255))
    import cv2

    table = np.stack(tables, axis=1).astype(np.uint8)[:, None]
    return np.asarray(cv2.LUT(np.ascontiguousarray(patch), table))


def _feather(alpha: Mask, width: float) -> NDArray[np.uint8]:
    """Weights from 0 at the rim to 255 at twice `width` pixels inside."""
    import cv2

    padded = np.pad(alpha.view(np.uint8), 1)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.asarray(cv2.convertScaleAbs(inside, alpha=255 / (2 * width + 1)))


def _mixed(ground: Pixels, patch: Pixels, weights: NDArray[np.uint8]) -> Pixels:
    """Both by their weights; only the band between 0 and 255 is computed."""
    import cv2

    mixed = cv2.copyTo(np.ascontiguousarray(patch), weights, ground.copy())
    ys, xs = np.nonzero((weights > 0) & (weights < 255))
    share = weights[ys, xs, None].astype(np.float32) / 255
    mixed[ys, xs] = np.rint(patch[ys, xs] * share + ground[ys, xs] * (1 - share)).astype(np.uint8)
    return np.asarray(mixed)


def _with_rim(image: Pixels, patch: Pixels, alpha: Mask, step: Step) -> Pixels:
    """A patch blended with the ground around it, as large as it was."""
    import cv2

    (left, top), (height, width) = step.corner, alpha.shape
    edges = (top, image.shape[0] - top - height, left, image.shape[1] - left - width)
    up, down, before, after = (min(_RIM, edge) for edge in edges)
    around = image[top - up : top + height + down, left - before : left + width + after]
    ground = _bordered(around, _RIM - up, _RIM - down, _RIM - before, _RIM - after)
    shown = _bordered(patch, _RIM, _RIM, _RIM, _RIM)
    mask = np.pad(alpha.view(np.uint8) * np.uint8(255), _RIM)
    if step.blend == "poisson":
        centre = _RIM + width // 2, _RIM + height // 2
        both = cv2.seamlessClone(shown, ground, mask, centre, cv2.NORMAL_CLONE)
    else:
        both = _laplacian(ground, shown, mask)
    return np.asarray(both)[_RIM : _RIM + height, _RIM : _RIM + width]


def _bordered(image: Pixels, top: int, bottom: int, left: int, right: int) -> Pixels:
    import cv2

    return np.asarray(cv2.copyMakeBorder(np.ascontiguousarray(image), top, bottom, left, right, cv2.BORDER_REPLICATE))


def _laplacian(ground: Pixels, patch: Pixels, mask: NDArray[np.uint8]) -> Pixels:
    """Burt and Adelson 1983, "A multiresolution spline with application to image mosaics"."""
    import cv2

    ours, theirs = patch.astype(np.float32), ground.astype(np.float32)
    weights = [mask.astype(np.float32) / 255]
    for _ in range(_LEVELS):
        weights.append(cv2.pyrDown(weights[-1]))
    bands: list[NDArray[np.float32]] = []
    for level in range(_LEVELS):
        size = ours.shape[1::-1]
        less = [cv2.pyrDown(one) for one in (ours, theirs)]
        fine = [one - cv2.pyrUp(small, dstsize=size) for one, small in zip((ours, theirs), less, strict=True)]
        bands.append(fine[1] + weights[level][..., None] * (fine[0] - fine[1]))
        ours, theirs = less
    mixed = theirs + weights[-1][..., None] * (ours - theirs)
    for band in reversed(bands):
        mixed = cv2.pyrUp(mixed, dstsize=band.shape[1::-1]) + band
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _smoothed(mixed: Pixels, alpha: Mask, width: float) -> Pixels:
    """The inside of the seam, two feathers wide, blurred."""
    import cv2

    padded = np.pad(alpha.view(np.uint8), 1)
    inside = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    band = (alpha & (inside <= 4 * width)).view(np.uint8)
    return np.asarray(cv2.copyTo(cv2.GaussianBlur(mixed, (0, 0), max(0.6, width)), band, mixed.copy()))
