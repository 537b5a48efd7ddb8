"""Augmentation that forges: a window copied within an image, or filled in from its border, and marked as tampered.

IMDL-BenCo's `RandomCopyMove` and `RandomInpainting`, which several methods train with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.common.config import Data

_LEAST, _MOST = 0.05, 0.8
"""Of the image's sides: the window's."""
_RADIUS = 3
_MARKED: Mapping[str, int] = {"mask": 255, "target": 1, "scribble": 0}
"""What each map becomes inside the window: tampered; a scribble tells nothing of it."""


def forge(
    image: NDArray[np.uint8], maps: Mapping[str, NDArray[Any]], data: Data, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], dict[str, NDArray[Any]], list[list[float]]]:
    """Forge a tampered image further, with the chances of the configuration.

    Args:
        image: Shape (H, W, 3), uint8.
        maps: Shape (H, W) each.
        data: The chances.
        rng: Where it comes from.

    Returns:
        The image, the maps, and COCO boxes of what was forged.
    """
    image, marked, boxes = image.copy(), {name: one.copy() for name, one in maps.items()}, []
    for chance, change in ((data.copy_move_chance, _copied), (data.inpaint_chance, _inpainted)):
        if chance and rng.random() < chance:
            height, width = (max(1, round(side * rng.uniform(_LEAST, _MOST))) for side in image.shape[:2])
            top, left = _place(image, height, width, rng)
            window = slice(top, top + height), slice(left, left + width)
            image[window] = change(image, window, rng)
            for name, one in marked.items():
                one[window] = _MARKED[name]
            boxes.append([float(left), float(top), float(width), float(height)])
    return image, marked, boxes


def _copied(
    image: NDArray[np.uint8], window: tuple[slice, slice], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """What lies elsewhere in a window of the same size."""
    height, width = (part.stop - part.start for part in window)
    top, left = _place(image, height, width, rng)
    return image[top : top + height, left : left + width].copy()


def _inpainted(
    image: NDArray[np.uint8], window: tuple[slice, slice], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The window, filled in from its border by one of OpenCV's two rules."""
    hole = np.zeros(image.shape[:2], np.uint8)
    hole[window] = 255
    rule = cv2.INPAINT_TELEA if rng.random() < 0.5 else cv2.INPAINT_NS
    filled = cv2.inpaint(image, hole, _RADIUS, rule)[window]
    return np.asarray(filled, np.uint8)


def _place(image: NDArray[np.uint8], height: int, width: int, rng: np.random.Generator) -> tuple[int, int]:
    tall, wide = image.shape[:2]
    return int(rng.integers(0, tall - height + 1)), int(rng.integers(0, wide - width + 1))
