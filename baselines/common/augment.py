"""Images, masks, scribbles and boxes to a network's size, and augmented in step; nearest for labels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from baselines.common.config import Data

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


class Augmented(NamedTuple):
    """An image at size S, and what belongs to it."""

    image: NDArray[np.uint8]
    """Shape (S, S, 3), RGB."""
    maps: dict[str, NDArray[np.generic]]
    """Shape (S, S) each; `valid` is 1 where there is image and 0 where it was padded."""
    boxes: list[list[float]]
    """Left, top, right, bottom in pixels; cut at the border, and dropped where nothing is left."""


def augment(
    image: NDArray[np.uint8], maps: Mapping[str, NDArray[np.generic]], boxes: Sequence[Sequence[float]] | None,
    data: Data, rng: np.random.Generator | None,
) -> Augmented:  # fmt: skip
    """Bring to size, and augment where there is a generator.

    Args:
        image: Shape (H, W, 3), uint8.
        maps: Shape (H, W) each; resized to the nearest value.
        boxes: COCO `[x, y, width, height]` in pixels of the image.
        data: Size and augmentation.
        rng: Where the augmentation comes from; None leaves it out.
    """
    pipeline = _pipeline(data, rng is not None)
    if rng is not None:
        pipeline.set_random_seed(int(rng.integers(2**31)))
    height, width = image.shape[:2]
    names = [*maps, "valid"]
    corners = [[x, y, x + w, y + h] for x, y, w, h in boxes or ()]
    made = pipeline(
        image=image, masks=[*maps.values(), np.ones((height, width), np.uint8)],
        bboxes=np.array([_inside(box, height, width) for box in corners], np.float32).reshape(-1, 4),
    )  # fmt: skip
    left = [list(map(float, box)) for box in made["bboxes"]]
    return Augmented(made["image"], dict(zip(names, made["masks"], strict=True)), left)


def _inside(box: Sequence[float], height: int, width: int) -> list[float]:
    left, top, right, bottom = box
    return [max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)]


@lru_cache(maxsize=8)
def _pipeline(data: Data, training: bool) -> Any:  # noqa: ANN401
    import albumentations as a

    steps = [*_augmentations(a, data), *_fitting(a, data)] if training else _fitting(a, data)
    return a.Compose(steps, bbox_params=a.BboxParams(format="pascal_voc", label_fields=[], clip=True))


def _fitting(a: Any, data: Data) -> list[Any]:  # noqa: ANN401
    size = data.size
    if data.fit == "crop":
        return [a.SmallestMaxSize(size), a.CenterCrop(size, size)]
    if data.fit == "pad":
        padding = {"position": "top_left", "border_mode": cv2.BORDER_CONSTANT, "fill": 0, "fill_mask": 0}
        return [a.LongestMaxSize(size), a.PadIfNeeded(size, size, **padding)]
    return [a.Resize(size, size)]


def _augmentations(a: Any, data: Data) -> list[Any]:  # noqa: ANN401
    steps = []
    if data.rescale:
        steps.append(a.RandomScale(data.rescale, p=1.0))
    if data.crop_area < 1:
        # A share of the area is lost at the borders; `_fitting` alone resamples.
        border = (1 - data.crop_area**0.5) / 2
        steps.append(a.RandomCropFromBorders(border, border, border, border, p=1.0))
    if data.flip:
        steps.append(a.HorizontalFlip(p=data.flip))
    if data.vertical_flip:
        steps.append(a.VerticalFlip(p=data.vertical_flip))
    if data.rotate90:
        steps.append(a.RandomRotate90(p=data.rotate90))
    if data.brightness:
        steps.append(a.RandomBrightnessContrast(data.brightness, data.brightness, p=1.0))
    if data.blur_chance:
        steps.append(a.GaussianBlur(blur_limit=(3, 7), p=data.blur_chance))
    if data.jpeg_quality != (0, 0):
        steps.append(a.ImageCompression(quality_range=data.jpeg_quality, p=data.jpeg_chance))
    return steps
