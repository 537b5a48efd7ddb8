"""Scribbles from masks, after the way people draw them."""

from __future__ import annotations

import hashlib
from math import hypot

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from forgebench.annotations.boxes import Part, components
from forgebench.annotations.skeleton import Points, shrink, spine
from forgebench.schema import Mask

UNLABELLED, TAMPERED, AUTHENTIC = 0, 1, 2
STROKE_WIDTH = 0.015
"""Of the image's width, as measured on the published example of Sc-IML."""
BACKGROUND_COVERAGE = 0.016
"""Share of the image under the authentic stroke, likewise."""
BACKGROUND_DISTANCE = 0.03
"""The authentic stroke keeps this share of the diagonal away from the mask."""
_ANCHORS = 4


def _spline() -> NDArray[np.float64]:
    """The Catmull–Rom spline through four anchors as weights of the anchors, shape (73, 4)."""
    t = np.linspace(0, 1, 24, endpoint=False)[:, None]
    p = np.eye(_ANCHORS)[[0, 0, 1, 2, 3, 3]]
    pieces = [
        (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3) / 2
        for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False)
    ]
    return np.concatenate([*pieces, p[-1:]])


_SPLINE = _spline()


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
    return draw_scribble(mask, components(mask), sample_id)


def draw_scribble(mask: Mask, parts: list[Part], sample_id: str) -> NDArray[np.uint8]:
    """The same for a mask whose components are known."""
    height, width = mask.shape
    seed = hashlib.sha256(f"scribble:{sample_id}".encode()).digest()
    canvas = Image.new("L", (width, height), UNLABELLED)
    stroke = max(1, round(STROKE_WIDTH * width))
    if not parts:
        _draw(canvas, _free_curve(height, width, seed), AUTHENTIC, stroke)
        return np.asarray(canvas)
    rng = np.random.default_rng(int.from_bytes(seed[:8]))
    _draw(canvas, _kept_off_curve(mask, rng), AUTHENTIC, stroke)
    for ys, xs, part in parts:
        _draw(canvas, spine(part, rng) + np.array([xs.start, ys.start]), TAMPERED, stroke)
    scribble = np.array(canvas)
    _keep_inside(scribble, mask, parts)
    return scribble


def _draw(canvas: Image.Image, points: Points, value: int, width: int) -> None:
    draw = ImageDraw.Draw(canvas)
    path = points.ravel().tolist()
    if len(points) > 1:
        draw.line(path, fill=value, width=width)
    for x, y in points[[0, -1]] if len(points) else ():
        draw.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], fill=value)


def _keep_inside(scribble: NDArray[np.uint8], mask: Mask, parts: list[Part]) -> None:
    """Erase what a stroke's width has carried into the other class; a stroke never vanishes by it."""
    scribble[scribble == np.where(mask, np.uint8(AUTHENTIC), np.uint8(TAMPERED))] = UNLABELLED
    for ys, xs, part in parts:
        region = scribble[ys, xs]
        if not (region[part] == TAMPERED).any():
            y, x = np.argwhere(part)[np.count_nonzero(part) // 2]
            region[y, x] = TAMPERED


def _free_curve(height: int, width: int, seed: bytes) -> Points:
    """A smooth curve anywhere in an image, as (x, y) points in pixels; the seed's 32 bytes are its anchors."""
    anchors = np.frombuffer(seed, ">u4").reshape(_ANCHORS, 2) * (width / 2**32, height / 2**32)
    return _cut(_SPLINE @ anchors, height)


def _kept_off_curve(mask: Mask, rng: np.random.Generator) -> Points:
    """A smooth curve that keeps its distance from the mask; empty where there is no authentic ground."""
    height = mask.shape[0]
    allowed, step = _allowed(mask)
    ground = np.argwhere(allowed)
    if not len(ground):
        return np.empty((0, 2))
    anchors = ground[rng.integers(0, len(ground), _ANCHORS), ::-1] * step + step // 2
    curve = _cut(_SPLINE @ anchors, height)
    ys = np.clip(curve[:, 1].astype(int) // step, 0, allowed.shape[0] - 1)
    xs = np.clip(curve[:, 0].astype(int) // step, 0, allowed.shape[1] - 1)
    return _longest_run(curve, allowed[ys, xs])


def _allowed(mask: Mask) -> tuple[Mask, int]:
    small, step = shrink(mask)
    distance = ndimage.distance_transform_edt(~small)
    far = distance * step >= BACKGROUND_DISTANCE * hypot(*mask.shape)
    return (far if far.any() else shrink(~mask)[0]), step


def _cut(curve: Points, height: int) -> Points:
    """The curve up to the length at which its stroke covers its share of the image."""
    steps = curve[1:] - curve[:-1]
    walked = np.hypot(steps[:, 0], steps[:, 1]).cumsum()
    return curve[: 1 + int(walked.searchsorted(BACKGROUND_COVERAGE * height / STROKE_WIDTH, "right"))]


def _longest_run(points: Points, good: Mask) -> Points:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    if not len(edges):
        return points[:0]
    starts, stops = edges[::2], edges[1::2]
    best = int((stops - starts).argmax())
    return points[starts[best] : stops[best]]
