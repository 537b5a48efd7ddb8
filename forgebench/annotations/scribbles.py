"""Scribbles from masks, after the way people draw them."""

from __future__ import annotations

import hashlib
from math import hypot

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from forgebench.annotations.boxes import components
from forgebench.schema import Mask

UNLABELLED, TAMPERED, AUTHENTIC = 0, 1, 2
STROKE_WIDTH = 0.015
"""Of the image's width, as measured on the published example of Sc-IML."""
BACKGROUND_COVERAGE = 0.016
"""Share of the image under the authentic stroke, likewise."""
BACKGROUND_DISTANCE = 0.03
"""The authentic stroke keeps this share of the diagonal away from the mask."""
_EROSION = 0.1
_THUMBNAIL = 96

_Points = NDArray[np.float64]


def scribble_from_mask(mask: Mask, sample_id: str) -> NDArray[np.uint8]:
    """Strokes along the skeleton of each tampered component and one free stroke in the authentic rest.

    A tampered stroke follows the longest path of the component's skeleton (after an erosion by 10 % of its
    inradius) over a random 50–80 % of its length; the authentic stroke is a smooth curve at least 3 % of the
    diagonal away from the mask. Strokes never cross into the other class.

    Args:
        mask: Shape (H, W), bool, true is tampered.
        sample_id: The strokes follow from the mask and this name alone.

    Returns:
        Shape (H, W), uint8: 0 unlabelled, 1 tampered, 2 authentic (the convention of Sc-IML). Every mask
        with tampered pixels gets a tampered stroke; one without authentic pixels gets no authentic stroke.
    """
    height, width = mask.shape
    seed = hashlib.sha256(f"scribble:{sample_id}".encode()).digest()[:8]
    rng = np.random.default_rng(int.from_bytes(seed))
    canvas = Image.new("L", (width, height), UNLABELLED)
    stroke = max(1, round(STROKE_WIDTH * width))
    parts = components(mask)
    _draw(canvas, _background_curve(mask, parts, rng), AUTHENTIC, stroke)
    for ys, xs, part in parts:
        _draw(canvas, _spine(part, rng) + np.array([xs.start, ys.start]), TAMPERED, stroke)
    scribble = np.array(canvas)
    if parts:
        _keep_inside(scribble, mask, parts)
    return scribble


def _draw(canvas: Image.Image, points: _Points, value: int, width: int) -> None:
    draw = ImageDraw.Draw(canvas)
    path = [(float(x), float(y)) for x, y in points]
    if len(path) > 1:
        draw.line(path, fill=value, width=width, joint="curve")
    for x, y in (path[0], path[-1]) if path else ():
        draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=value)


def _keep_inside(scribble: NDArray[np.uint8], mask: Mask, parts: list[tuple[slice, slice, Mask]]) -> None:
    """Erase what a stroke's width has carried into the other class; a stroke never vanishes by it."""
    scribble[(scribble == TAMPERED) & ~mask] = UNLABELLED
    scribble[(scribble == AUTHENTIC) & mask] = UNLABELLED
    for ys, xs, part in parts:
        region = scribble[ys, xs]
        if not (region[part] == TAMPERED).any():
            y, x = np.argwhere(part)[len(part.nonzero()[0]) // 2]
            region[y, x] = TAMPERED


def _shrink(mask: Mask) -> tuple[Mask, int]:
    step = max(1, -(-max(mask.shape) // _THUMBNAIL))
    return mask[step // 2 :: step, step // 2 :: step] if step > 1 else mask, step


def _spine(part: Mask, rng: np.random.Generator) -> _Points:
    """Part of the longest path of a component's skeleton, as (x, y) points in pixels, smoothed."""
    from skimage.morphology import skeletonize

    small, step = _shrink(part)
    distance = ndimage.distance_transform_edt(np.pad(small, 1))[1:-1, 1:-1]
    if not small.any():
        return np.empty((0, 2))
    path = _longest_path(skeletonize(distance > _EROSION * distance.max()))
    if len(path) < 3:
        path = np.argwhere(distance == distance.max())[:1]
    share = rng.uniform(0.5, 0.8)
    length = max(1, round(share * len(path)))
    start = int(rng.integers(0, len(path) - length + 1))
    kept = path[start : start + length, ::-1].astype(np.float64)
    return _smooth(kept) * step + step // 2


def _smooth(points: _Points) -> _Points:
    window = min(5, len(points))
    if window < 3:
        return points
    smoothed: _Points = ndimage.uniform_filter1d(points, window, axis=0, mode="nearest")
    return smoothed


def _longest_path(skeleton: Mask) -> NDArray[np.int64]:
    """The (y, x) pixels of the longest shortest path of the skeleton's largest piece: two breadth-first walks."""
    pixels = {(int(y), int(x)) for y, x in np.argwhere(skeleton)}
    best: list[tuple[int, int]] = []
    while pixels:
        far, reached = _walk(next(iter(sorted(pixels))), pixels)
        end, parents = _walk(far, pixels)
        path = [end]
        while path[-1] != far:
            path.append(parents[path[-1]])
        best = max(best, path, key=len)
        pixels -= reached.keys()
    return np.array(best, dtype=np.int64).reshape(-1, 2)


def _walk(
    start: tuple[int, int], pixels: set[tuple[int, int]]
) -> tuple[tuple[int, int], dict[tuple[int, int], tuple[int, int]]]:
    """The last pixel that a breadth-first walk reaches, and each reached pixel's predecessor."""
    parents = {start: start}
    order = [start]
    for y, x in order:
        for neighbour in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
            if neighbour in pixels and neighbour not in parents:
                parents[neighbour] = (y, x)
                order.append(neighbour)
    return order[-1], parents


def _background_curve(mask: Mask, parts: list[tuple[slice, slice, Mask]], rng: np.random.Generator) -> _Points:
    """A smooth curve through authentic ground, as (x, y) points in pixels."""
    height = mask.shape[0]
    allowed, step = _allowed(mask, bool(parts))
    ground = np.argwhere(allowed)
    if not len(ground):
        return np.empty((0, 2))
    anchors = ground[rng.integers(0, len(ground), 4), ::-1] * step + step // 2
    curve: _Points = _catmull_rom(anchors.astype(np.float64))
    reach = BACKGROUND_COVERAGE * height / STROKE_WIDTH
    walked = np.concatenate([[0.0], np.hypot(*np.diff(curve, axis=0).T).cumsum()])
    curve = curve[walked <= reach]
    if not parts:
        return curve
    ys = np.clip(curve[:, 1].astype(int) // step, 0, allowed.shape[0] - 1)
    xs = np.clip(curve[:, 0].astype(int) // step, 0, allowed.shape[1] - 1)
    return _longest_run(curve, allowed[ys, xs])


def _allowed(mask: Mask, tampered: bool) -> tuple[Mask, int]:
    small, step = _shrink(mask)
    if not tampered:
        return np.ones_like(small), step
    distance = ndimage.distance_transform_edt(~small)
    far = distance * step >= BACKGROUND_DISTANCE * hypot(*mask.shape)
    return (far if far.any() else ~small), step


def _catmull_rom(anchors: _Points) -> _Points:
    """A Catmull–Rom spline through the anchors, 32 points a segment."""
    p = np.concatenate([anchors[:1], anchors, anchors[-1:]])
    t = np.linspace(0, 1, 32, endpoint=False)[:, None]
    pieces = [
        0.5 * (
            2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
        )
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]  # fmt: skip
    return np.concatenate([*pieces, anchors[-1:]])


def _longest_run(points: _Points, good: Mask) -> _Points:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    if not len(edges):
        return points[:0]
    starts, stops = edges[::2], edges[1::2]
    best = int((stops - starts).argmax())
    return points[starts[best] : stops[best]]
