"""Regions worth taking: outlined objects, else connected groups of superpixels that look like one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from heapq import heapify, heappop, heappush

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
_SOFT = 0.9
"""How far a superpixel's outline is rounded, thumbnail pixels."""


@dataclass(frozen=True)
class Candidate:
    """A group of superpixels."""

    members: tuple[int, ...]
    share: float
    """Of the image."""
    contrast: float
    """Mean difference of colour over its rim, Lab as bytes."""


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
    fitting = [one for one in candidates(ground, count) if share / _ABOUT <= one.share <= share * _ABOUT]
    if not fitting:
        return None
    weights = np.cumsum([one.contrast**3 + 1e-9 for one in fitting])
    chosen = fitting[int(np.searchsorted(weights, rng.random() * weights[-1], side="right"))]
    return encoded(_rounded(np.isin(ground.superpixels(count), chosen.members)), "superpixels")


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
        soft = cv2.GaussianBlur(grid.view(np.uint8) * np.uint8(255), (0, 0), _SOFT)
        mask = np.asarray(cv2.resize(soft, size[::-1], interpolation=cv2.INTER_CUBIC)) > 127
    mask.flags.writeable = False
    return mask


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
def candidates(ground: Ground, count: int) -> list[Candidate]:
    """Connected groups of superpixels that stand out, from a tree of regions that grow together.

    Neighbours are merged in the order of what that costs in variance of colour (Ward 1963), shared borders making it
    cheaper, as in selective search (Uijlings et al. 2013); every group on the way that keeps off the image's border
    is a candidate.
    """
    labels = ground.superpixels(count)
    outer = set(np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])).tolist())
    return [
        Candidate(tuple(group.members), group.size / labels.size, group.contrast / group.perimeter)
        for group in _tree(*_measured(labels, ground.thumbnail))
        if group.perimeter and not outer.intersection(group.members)
    ]


@dataclass
class _Group:
    """Superpixels that have grown together; plain numbers, for there are few of them and many steps."""

    members: list[int]
    size: float
    colour: list[float]
    near: dict[int, tuple[float, float]]
    """Of each neighbour: how long the common border is, and the difference of colour summed along it."""
    perimeter: float
    contrast: float
    """The difference of colour summed along the perimeter."""


def _tree(borders: NDArray[np.float64], sizes: NDArray[np.int64], colours: NDArray[np.float64]) -> list[_Group]:
    """Every group of the tree, the single superpixels first."""
    apart = borders * np.abs(colours[:, None] - colours[None]).mean(axis=2)
    groups = []
    for one, (row, along) in enumerate(zip(borders, apart, strict=True)):
        near = {int(other): (float(row[other]), float(along[other])) for other in np.flatnonzero(row)}
        groups.append(
            _Group([one], float(sizes[one]), colours[one].tolist(), near, float(row.sum()), float(along.sum()))
        )
    pairs = ((a, b, edge[0]) for a, group in enumerate(groups) for b, edge in group.near.items() if a < b)
    queue = [(_price(groups[a], groups[b], shared), a, b) for a, b, shared in pairs]
    heapify(queue)
    alive = set(range(len(groups)))
    while queue:
        _, a, b = heappop(queue)
        if a in alive and b in alive:
            alive -= {a, b}
            new = len(groups)
            groups.append(_joined(groups, a, b))
            alive.add(new)
            for other, (shared, along) in groups[new].near.items():
                groups[other].near[new] = shared, along
                heappush(queue, (_price(groups[other], groups[new], shared), other, new))
    return groups


def _joined(groups: list[_Group], a: int, b: int) -> _Group:
    one, two = groups[a], groups[b]
    near = {other: edge for other, edge in one.near.items() if other != b}
    for other, (shared, along) in two.near.items():
        if other != a:
            before = near.get(other, (0.0, 0.0))
            near[other] = before[0] + shared, before[1] + along
    for other in near:
        groups[other].near.pop(a, None)
        groups[other].near.pop(b, None)
    shared, along = one.near[b]
    size = one.size + two.size
    colour = [(one.size * x + two.size * y) / size for x, y in zip(one.colour, two.colour, strict=True)]
    return _Group(
        one.members + two.members, size, colour, near, one.perimeter + two.perimeter - 2 * shared,
        one.contrast + two.contrast - 2 * along,
    )  # fmt: skip


def _price(one: _Group, two: _Group, shared: float) -> float:
    (l1, a1, b1), (l2, a2, b2) = one.colour, two.colour
    ward = one.size * two.size / (one.size + two.size) * ((l1 - l2) ** 2 + (a1 - a2) ** 2 + (b1 - b2) ** 2)
    return (ward + 1) / (0.1 + shared / min(one.perimeter, two.perimeter))


def _measured(
    labels: NDArray[np.int64], image: NDArray[np.uint8]
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Of each superpixel: the length of the borders with the others, the size, the mean colour in Lab."""
    import cv2

    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    sizes = np.bincount(labels.ravel())
    channels = [np.bincount(labels.ravel(), lab[..., c].ravel()) for c in range(3)]
    return _borders(labels), sizes, np.stack(channels, 1) / np.maximum(sizes, 1)[:, None]


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
