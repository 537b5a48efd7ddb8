"""Regions worth taking: outlined objects, else connected groups of superpixels that look like one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from forgebench.schema import Mask
from forgebench.synthesis import rle
from forgebench.synthesis.ground import Ground
from forgebench.synthesis.plan import Shape

_COUNTS = (50, 100, 200, 350)
_PARTS = 4
"""About how many superpixels make a region."""
_ABOUT = 1.6
"""By how much a region may be larger or smaller than wanted."""
_PLACE = 150.0
"""Grey levels that two superpixels count as apart when they lie a longest side apart."""
_SOFT = 1.5
"""How far a superpixel's outline is rounded, thumbnail pixels."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Groups of superpixels that keep off the image's border."""

    members: Mask
    """Shape (groups, superpixels)."""
    shares: NDArray[np.float64]
    """Of the image."""
    contrasts: NDArray[np.float64]
    """Mean difference of colour over the rim, Lab as bytes."""


def find_shape(ground: Ground, share: float, rng: np.random.Generator) -> Shape | None:
    """One of the objects outlined in an image; without any, a group of superpixels.

    Args:
        ground: The image.
        share: Wanted share of it; objects are as large as they are.
        rng: The source of chance.

    Returns:
        The region, or None where there is none here.
    """
    if ground.photo.objects:
        instance = ground.photo.objects[int(rng.integers(len(ground.photo.objects)))]
        mask = largest(ground.outline(instance).view(np.uint8)).view(bool)
        return encoded(mask, "instance", instance.category) if mask.any() else None
    count = next((n for n in _COUNTS if n * share >= _PARTS), _COUNTS[-1])
    found = candidates(ground, count)
    fitting = np.flatnonzero((found.shares >= share / _ABOUT) & (found.shares <= share * _ABOUT))
    if not len(fitting):
        return None
    weights = np.cumsum(found.contrasts[fitting] ** 3 + 1e-9)
    chosen = fitting[np.searchsorted(weights, rng.random() * weights[-1], side="right")]
    mask = _rounded(found.members[chosen][ground.superpixels(count)])
    # What is too small would be rounded away.
    return encoded(mask, "superpixels") if (_softened(mask) > 160).any() else None


def encoded(mask: Mask, how: str, category: str | None = None) -> Shape:
    """A mask as a COCO run-length code."""
    return Shape((mask.shape[0], mask.shape[1]), rle.encode(mask), how, category)


@lru_cache(maxsize=4)
def full_mask(shape: Shape, size: tuple[int, int]) -> Mask:
    """A region on an image of this height and width, shape (H, W), bool, read-only.

    One drawn on a coarser grid is enlarged, its outline rounded.
    """
    import cv2

    grid = decoded(shape)
    if shape.size == size:
        mask = grid
    else:
        mask = np.asarray(cv2.resize(_softened(grid), size[::-1], interpolation=cv2.INTER_CUBIC)) > 127
    mask.flags.writeable = False
    return mask


def _softened(mask: Mask) -> NDArray[np.uint8]:
    import cv2

    return np.asarray(cv2.GaussianBlur(mask.view(np.uint8) * np.uint8(255), (0, 0), _SOFT))


def decoded(shape: Shape) -> Mask:
    """A region on its own grid."""
    return rle.decode({"size": list(shape.size), "counts": shape.counts.encode()})


def largest(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The largest connected part of a mask of 0 and 1."""
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count <= 2:
        return mask
    return np.asarray(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).view(np.uint8)


def solidity(mask: Mask) -> float:
    """The share of its convex hull that a region fills; 0 for an empty one."""
    import cv2

    bits = np.ascontiguousarray(mask).view(np.uint8)
    outlines, _ = cv2.findContours(bits, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return 0.0
    hull = cv2.fillConvexPoly(np.zeros(mask.shape, np.uint8), cv2.convexHull(np.concatenate(outlines)), 1)
    return float(mask.sum() / hull.sum())


@lru_cache(maxsize=4)
def candidates(ground: Ground, count: int) -> Candidates:
    """Groups of superpixels that stand out, from a tree of regions that grow together.

    The tree is Ward's (1963) over mean colour and place, as in selective search (Uijlings et al. 2013).
    """
    labels = ground.superpixels(count)
    borders, sizes, colours, places = measured(labels, ground.thumbnail)
    outer = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    groups = tree(np.hstack([colours, places * _PLACE]))
    groups = groups[~groups[:, outer].any(axis=1)]
    inside, outside = groups.astype(np.float64), (~groups).astype(np.float64)
    apart = np.abs(colours[:, None] - colours[None]).mean(axis=2)
    rim, contrast = (np.einsum("ij,ij->i", inside @ lengths, outside) for lengths in (borders, borders * apart))
    return Candidates(groups, inside @ sizes / labels.size, contrast / rim)


def tree(points: NDArray[np.float64]) -> Mask:
    """Ward's groups of points, shape (groups, points), bool: the single points first, and not the whole."""
    from scipy.cluster.hierarchy import linkage

    n = len(points)
    groups = np.eye(2 * n - 1, n, dtype=bool)
    for new, (a, b) in enumerate(linkage(points, "ward")[:, :2].astype(int), start=n):
        groups[new] = groups[a] | groups[b]
    return groups[:-1]


def measured(
    labels: NDArray[np.int64], image: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each superpixel: the length of its borders with the others, size, mean colour in Lab, and centre.

    Centres are rows and columns, shares of the longest side.
    """
    import cv2

    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    flat, sizes = labels.ravel(), np.bincount(labels.ravel())
    ys, xs = np.divmod(np.arange(labels.size), labels.shape[1])
    sums = [np.bincount(flat, values) for values in (*lab.reshape(-1, 3).T, ys, xs)]
    means = np.stack(sums, axis=1) / np.maximum(sizes, 1)[:, None]
    return _borders(labels), sizes, means[:, :3], means[:, 3:] / max(labels.shape)


def _borders(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many pixel edges each pair of labels shares, shape (n, n)."""
    n = int(labels.max()) + 1
    shared = np.zeros((n, n))
    for a, b in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        pairs = np.bincount((a.astype(np.int64) * n + b)[a != b], minlength=n * n).reshape(n, n)
        shared += pairs + pairs.T
    return shared


def _rounded(mask: Mask) -> Mask:
    """Without holes, necks and frays."""
    import cv2

    outlines, _ = cv2.findContours(mask.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(mask.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    return largest(cv2.morphologyEx(filled, cv2.MORPH_OPEN, disc)).view(bool)
