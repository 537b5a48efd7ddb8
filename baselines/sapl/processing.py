"""From the similarity map, which marks edges, to regions: each step can be switched off.

A map is never rescaled by its own extremes: an authentic image's low map stays low.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

from baselines.sapl.config import Processing

Floats = NDArray[np.float32]
_Bits = NDArray[np.bool_]
Refine = Callable[[int, Floats, _Bits], _Bits]
"""An image's place in the batch, its map and what is called tampered there; gives what is to be called so."""

THRESHOLD = 0.5
"""Of a region: the scorer's own."""
BELOW = 127 / 255
"""The greatest byte that the scorer calls authentic."""


PLAIN = Processing(affinity=0, sigma=0.0, close=0.0, fill=False, drop=0.0)
"""No step but bilinear upsampling."""


def propagated(p: Tensor, attentions: Tensor, times: int) -> Tensor:
    """Spread evidence over tokens that attend to each other: P <- A P, so many times.

    A is the mean attention, without the class token, row-normalised, made symmetric, and squared. Its rows are
    normalised again before the square, so that each value stays a mean of values of P.

    Args:
        p: Shape (B, n), in [0, 1].
        attentions: Shape (B, n, n), non-negative: the mean over blocks and heads, of patch tokens alone.
        times: How often; 0 gives P back.
    """
    normal = _rows_of_one(attentions.float())
    affinity = _rows_of_one(normal + normal.transpose(1, 2))
    for _ in range(2 * times):
        p = (affinity @ p[..., None])[..., 0]
    return p


def _rows_of_one(matrix: Tensor) -> Tensor:
    return matrix / matrix.sum(dim=-1, keepdim=True)


def upsampled(p: Tensor, grid: tuple[int, int], size: tuple[int, int], sigma: float) -> Tensor:
    """Bilinear to (height, width), then a Gaussian of `sigma` pixels, its border mirrored; shape (B, H, W)."""
    maps = functional.interpolate(p.unflatten(1, grid)[:, None], size, mode="bilinear", align_corners=False)[:, 0]
    if not sigma:
        return maps
    smooth = [ndimage.gaussian_filter(one, sigma, mode="reflect") for one in maps.cpu().numpy()]
    return torch.from_numpy(np.stack(smooth)).to(maps.device)


def regions(p: Floats, steps: Processing) -> _Bits:
    """What is called tampered: threshold, close, fill, drop; shape (H, W)."""
    called = p >= THRESHOLD
    radius = round(steps.close * min(p.shape))
    if radius and called.any():
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        called = cv2.morphologyEx(called.view(np.uint8), cv2.MORPH_CLOSE, disc).view(np.bool_)
    if steps.fill:
        called = ndimage.binary_fill_holes(called)
    named, count = ndimage.label(called)
    if steps.drop and count:
        sizes = np.bincount(named.ravel())
        kept = sizes >= steps.drop * p.size
        kept[0] = False
        called = kept[named]
    return np.asarray(called, np.bool_)


def settled(p: Floats, called: _Bits) -> Floats:
    """The map that says of each pixel what `called` says, and keeps its order otherwise; shape (H, W), in [0, 1].

    What was filled in takes the mean of its region's evidence above the threshold; what was dropped goes just below.
    """
    named, count = ndimage.label(called)
    evident = called & (p >= THRESHOLD)
    pixels = np.bincount(named[evident], minlength=count + 1)
    sums = np.bincount(named[evident], p[evident], minlength=count + 1)
    evidence = np.where(pixels, sums / np.maximum(pixels, 1), THRESHOLD)
    inside = np.where(evident, p, evidence[named])
    return np.where(called, inside, np.minimum(p, BELOW)).astype(np.float32)


def process(
    p: Tensor, attention: Tensor | None, grid: tuple[int, int], size: tuple[int, int], steps: Processing,
    refine: Refine | None = None,
) -> Tensor:  # fmt: skip
    """The whole chain, from P of shape (B, n) to maps of shape (B, H, W), float32, in [0, 1].

    Args:
        p: The similarity map.
        attention: Shape (B, n, n), what `propagated` takes; it is not needed where that step is off.
        grid: The tokens' rows and columns.
        size: Height and width of the maps.
        steps: Which steps, and their sizes.
        refine: Makes an image's regions better, last of all; None leaves them.
    """
    spread = p if attention is None else propagated(p, attention, steps.affinity)
    maps = upsampled(spread, grid, size, steps.sigma).cpu().numpy()
    called = [regions(one, steps) for one in maps]
    if refine is not None:
        called = [refine(index, one, found) for index, (one, found) in enumerate(zip(maps, called, strict=True))]
    return torch.from_numpy(np.stack(list(map(settled, maps, called)))).to(p.device)
