"""Filling a hole with patches of the same image.

A field of offsets says for every pixel of the hole which known pixel it copies. It is found from coarse to fine by
random search and by looking at one's neighbours (Barnes et al. 2009, "PatchMatch"), each round followed by a vote of
the patches that cover a pixel (Wexler et al. 2007, "Space-time completion of video").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forgebench.schema import Mask
from forgebench.synthesis.photos import Pixels

_COARSE, _FINE = 40, 160
"""Longest sides of the first and the last grid that offsets are searched on."""
_ROUNDS = 6
_HALF = 3
_AROUND = [(dy, dx) for dy in range(-_HALF, _HALF + 1) for dx in range(-_HALF, _HALF + 1)]

Points = NDArray[np.int64]
"""Rows of y and x."""


def patch_fill(window: Pixels, hole: Mask, rng: np.random.Generator) -> Pixels:
    """The window with its hole filled from what is known of it.

    Args:
        window: Shape (H, W, 3), uint8, RGB.
        hole: Shape (H, W), bool; what is not hole is known.
        rng: The source of chance.

    Returns:
        Shape (H, W, 3), uint8: known pixels as they were.
    """
    import cv2

    longest = max(hole.shape)
    sides = [min(longest, side) for side in (_COARSE, 2 * _COARSE, _FINE)]
    matches: NDArray[np.float64] | None = None
    for side in sides:
        size = tuple(max(2 * _HALF + 3, round(n * side / longest)) for n in hole.shape[::-1])
        unknown = cv2.resize(hole.view(np.uint8) * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0
        small = cv2.resize(window, size, interpolation=cv2.INTER_AREA)
        matches = _matched(small, unknown, matches, rng)
    assert matches is not None  # noqa: S101 (there are three sides)
    return _copied(window, hole, matches)


def _matched(
    image: Pixels, hole: Mask, before: NDArray[np.float64] | None, rng: np.random.Generator
) -> NDArray[np.float64]:
    """For each pixel the known pixel that it copies, as shares of the grid's size, shape (h, w, 2)."""
    import cv2

    height, width = hole.shape
    padded_hole = np.pad(hole, _HALF, mode="edge")
    holes = cv2.dilate(padded_hole.view(np.uint8), np.ones((2 * _HALF + 1,) * 2, np.uint8))[_HALF:-_HALF, _HALF:-_HALF]
    sources = np.argwhere(holes == 0)
    if len(sources) < 2:
        sources = np.argwhere(~hole)
    points = np.argwhere(hole)
    size = np.array([height, width])
    allowed = np.zeros((height, width), bool)
    allowed[tuple(sources.T)] = True
    if before is None:
        picture = cv2.inpaint(image, hole.view(np.uint8), 3, cv2.INPAINT_TELEA).astype(np.float32)
        found = sources[rng.integers(len(sources), size=len(points))]
    else:
        found = _nearest_allowed(_enlarged(before, points, size), allowed, sources, rng)
        picture = _voted(image.astype(np.float32), hole, points, found)
    for _ in range(_ROUNDS):
        found = _searched(picture, points, found, allowed, sources, rng)
        picture = _voted(picture, hole, points, found)
    matches = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1).astype(np.float64)
    matches[hole] = found
    return np.asarray((matches + 0.5) / size)


def _enlarged(before: NDArray[np.float64], points: Points, size: Points) -> Points:
    """Matches of a coarser grid on this one; offsets stay what they were."""
    old = np.array(before.shape[:2])
    at = np.minimum(((points + 0.5) / size * old).astype(np.int64), old - 1)
    offsets = before[tuple(at.T)] - (at + 0.5) / old
    return np.asarray(np.rint(points + offsets * size), np.int64)


def _nearest_allowed(wanted: Points, allowed: Mask, sources: Points, rng: np.random.Generator) -> Points:
    """Matches that fall on what is not known are drawn anew."""
    clipped = np.clip(wanted, 0, np.array(allowed.shape) - 1)
    bad = ~allowed[tuple(clipped.T)] | (clipped != wanted).any(axis=1)
    clipped[bad] = sources[rng.integers(len(sources), size=int(bad.sum()))]
    return clipped


def _searched(
    picture: NDArray[np.float32], points: Points, found: Points, allowed: Mask, sources: Points,
    rng: np.random.Generator,
) -> Points:  # fmt: skip
    """Better matches: those of the neighbours, moved along, and random ones ever closer by."""
    height, width = allowed.shape
    index = np.full((height, width), -1)
    index[tuple(points.T)] = np.arange(len(points))
    patches = _patches(picture, points)
    found = found.copy()
    cost = _cost(patches, picture, found)

    def offer(candidates: Points) -> None:
        inside = np.clip(candidates, 0, (height - 1, width - 1))
        who = np.flatnonzero((inside == candidates).all(axis=1) & allowed[tuple(inside.T)])
        price = _cost(patches[who], picture, candidates[who])
        better = price < cost[who]
        found[who[better]], cost[who[better]] = candidates[who[better]], price[better]

    for move in ((0, 1), (1, 0), (0, -1), (-1, 0)):
        beside = np.clip(points - move, 0, (height - 1, width - 1))
        neighbour = index[tuple(beside.T)]
        offer(np.where(neighbour[:, None] >= 0, found[neighbour] + move, found))
    offer(sources[rng.integers(len(sources), size=len(points))])
    radius = max(height, width) / 2
    while radius >= 1:
        offer(found + np.rint(rng.uniform(-radius, radius, found.shape)).astype(np.int64))
        radius /= 3
    return found


def _patches(picture: NDArray[np.float32], points: Points) -> NDArray[np.float32]:
    padded = np.pad(picture, ((_HALF, _HALF), (_HALF, _HALF), (0, 0)), mode="reflect")
    views = np.lib.stride_tricks.sliding_window_view(padded, (2 * _HALF + 1,) * 2, axis=(0, 1))
    return np.asarray(views[tuple(points.T)].reshape(len(points), -1))


def _cost(patches: NDArray[np.float32], picture: NDArray[np.float32], at: Points) -> NDArray[np.float32]:
    difference = patches - _patches(picture, at)
    return np.asarray(np.einsum("ij,ij->i", difference, difference))


def _voted(picture: NDArray[np.float32], hole: Mask, points: Points, found: Points) -> NDArray[np.float32]:
    """Every pixel of the hole as the mean of what the patches over it want there."""
    limits = np.array(hole.shape) - 1
    field = np.stack(np.meshgrid(*map(np.arange, hole.shape), indexing="ij"), axis=-1)
    field[hole] = found
    total = np.zeros((len(points), picture.shape[2]), np.float32)
    for move in _AROUND:
        beside = np.clip(points + move, 0, limits)
        wanted = np.clip(field[tuple(beside.T)] - (beside - points), 0, limits)
        # A neighbour outside the hole stands for itself, and has nothing to say about what is inside.
        wanted = np.where(hole[tuple(beside.T)][:, None], wanted, found)
        total += picture[tuple(wanted.T)]
    voted = picture.copy()
    voted[hole] = total / len(_AROUND)
    return voted


def _copied(window: Pixels, hole: Mask, matches: NDArray[np.float64]) -> Pixels:
    """Full pixels by the offsets of the finest grid; a match that falls into the hole is moved on to what is known."""
    from scipy import ndimage

    points, size = np.argwhere(hole), np.array(hole.shape)
    wanted = np.clip(_enlarged(matches, points, size), 0, size - 1)
    known = ndimage.distance_transform_edt(hole, return_distances=False, return_indices=True)
    wanted = np.stack([known[0][tuple(wanted.T)], known[1][tuple(wanted.T)]], axis=1)
    filled = window.copy()
    filled[hole] = window[tuple(wanted.T)]
    return filled
