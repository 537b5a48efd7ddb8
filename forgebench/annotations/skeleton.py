"""The stroke that a person would draw through a shape: part of the longest path of its skeleton."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forgebench.schema import Mask

_EROSION = 0.1
_THUMBNAIL = 64
_MOST = 16

Points = NDArray[np.float64]
"""Shape (N, 2): x and y in pixels."""
_Pixel = tuple[int, int]


def shrink(mask: Mask) -> tuple[Mask, int]:
    """The mask in square blocks, true where any pixel is, and the blocks' side: a line of one pixel is not lost."""
    step = max(1, -(-max(mask.shape) // _THUMBNAIL))
    if step > _MOST:
        inner, factor = shrink(_reduced(mask, _MOST))
        return inner, factor * _MOST
    return _reduced(mask, step), step


def _reduced(mask: Mask, step: int) -> Mask:
    """Block means by Pillow, in C: with bytes of 255 and at most 16×16 of them, one pixel is enough for a 1."""
    return np.asarray(Image.fromarray(mask.view(np.uint8) * np.uint8(255)).reduce(step)) > 0


def spine(part: Mask, rng: np.random.Generator) -> Points:
    """A random 50–80 % of the longest path of a component's skeleton, smoothed; at least one point.

    Args:
        part: Shape (H, W), bool, one component in its own box.
        rng: The source of chance.
    """
    from skimage.morphology import skeletonize

    small, step = shrink(part)
    framed = np.zeros((small.shape[0] + 2, small.shape[1] + 2), bool)
    framed[1:-1, 1:-1] = small
    distance = ndimage.distance_transform_edt(framed)[1:-1, 1:-1]
    inside = distance > _EROSION * distance.max()
    path = _longest_path(skeletonize(inside))
    if len(path) < distance.max():
        path = _chord(inside, int(distance.argmax()))
    length = max(1, round(rng.uniform(0.5, 0.8) * len(path)))
    start = int(rng.integers(0, len(path) - length + 1))
    kept = _smoothed(path[start : start + length, ::-1].astype(np.float64)) * step + step // 2
    return kept.clip(max=np.array(part.shape[::-1]) - 1)


def _chord(inside: Mask, deepest: int) -> NDArray[np.int64]:
    """The (y, x) pixels straight across a shape at its deepest point: a disc's skeleton is but a point."""
    y, x = divmod(deepest, inside.shape[1])
    labels, _ = ndimage.label(inside[y])
    xs = np.flatnonzero(labels == labels[x])
    return np.stack([np.full_like(xs, y), xs], axis=1)


def _smoothed(points: Points) -> Points:
    window = min(5, len(points))
    if window < 3:
        return points
    smoothed: Points = ndimage.uniform_filter1d(points, window, axis=0, mode="nearest")
    return smoothed


def _longest_path(skeleton: Mask) -> NDArray[np.int64]:
    """The (y, x) pixels of the longest shortest path of the skeleton's largest piece: two breadth-first walks."""
    pixels: dict[_Pixel, None] = dict.fromkeys((y, x) for y, x in np.argwhere(skeleton).tolist())
    best: list[_Pixel] = []
    while pixels:
        far, reached = _walk(next(iter(pixels)), pixels)
        end, parents = _walk(far, pixels)
        path = [end]
        while path[-1] != far:
            path.append(parents[path[-1]])
        best = max(best, path, key=len)
        for pixel in reached:
            del pixels[pixel]
    return np.array(best, dtype=np.int64).reshape(-1, 2)


def _walk(start: _Pixel, pixels: dict[_Pixel, None]) -> tuple[_Pixel, dict[_Pixel, _Pixel]]:
    """The last pixel that a breadth-first walk reaches, and each reached pixel's predecessor."""
    parents = {start: start}
    order = [start]
    for here in order:
        y, x = here
        above, below, left, right = y - 1, y + 1, x - 1, x + 1
        for near in (
            (above, left), (above, x), (above, right), (y, left), (y, right), (below, left), (below, x), (below, right),
        ):  # fmt: skip
            if near in pixels and near not in parents:
                parents[near] = here
                order.append(near)
    return order[-1], parents
