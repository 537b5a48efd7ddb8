"""An image that forgeries are made in or from: its pixels, a thumbnail to plan on, its superpixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.schema import Mask
from forgebench.synthesis.objects import outline
from forgebench.synthesis.photos import Instance, Photo, Pixels, open_photo
from forgebench.synthesis.plan import Retouching, Source
from forgebench.synthesis.saving import save_jpeg, toned

THUMBNAIL = 160
"""Longest side that regions are looked for on: SLIC takes a hundred times as long at 1024 pixels."""


@dataclass(frozen=True, eq=False)
class Ground:
    """A photograph as it stands before the forgery."""

    photo: Photo
    source: Source
    image: Pixels
    """Shape (H, W, 3), uint8, RGB, read-only."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def factor(self) -> float:
        """Thumbnail pixels per pixel."""
        return min(1.0, THUMBNAIL / max(self.size))

    @cached_property
    def thumbnail(self) -> Pixels:
        """Shape (h, w, 3), uint8, RGB."""
        import cv2

        height, width = (max(8, round(side * self.factor)) for side in self.size)
        small: Pixels = cv2.resize(self.image, (width, height), interpolation=cv2.INTER_AREA)
        return small

    @cached_property
    def luma(self) -> NDArray[np.float32]:
        """Of the thumbnail, grey levels."""
        return luma(self.thumbnail)

    @lru_cache(maxsize=4)  # noqa: B019 (it keeps four grounds at most)
    def superpixels(self, count: int) -> NDArray[np.int64]:
        """The thumbnail cut into about `count` connected parts, labelled from 0."""
        import cv2
        from skimage.segmentation import slic

        # SLIC brings what it is given to [0, 1], so that compactness is relative to that.
        lab = cv2.cvtColor(self.thumbnail, cv2.COLOR_RGB2LAB)
        return np.asarray(slic(lab, count, compactness=0.08, start_label=0, max_num_iter=4, convert2lab=False))

    @lru_cache(maxsize=4)  # noqa: B019
    def outline(self, instance: Instance) -> Mask:
        """An object's mask on this image."""
        grey = outline(instance, self.photo).view(np.uint8) * np.uint8(255)
        if self.source.size != self.photo.size:
            grey = _resized(grey, self.source.size)
        return np.ascontiguousarray(_crop_and_resize(grey, self.source.retouching)) > 127


def luma(image: Pixels) -> NDArray[np.float32]:
    """Brightness as JPEG has it, shape (H, W), grey levels."""
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    return np.asarray(image.astype(np.float32) @ weights)


@lru_cache(maxsize=4)
def prepare(photo: Photo, source: Source) -> Ground:
    """A photograph brought to its size, compressed once and retouched, as its source says."""
    image = open_photo(photo, source.size)
    if source.first is not None:
        image = np.asarray(Image.open(BytesIO(save_jpeg(image, source.first))))
    how = source.retouching
    if how.what == "tone":
        image = toned(image, how.gain, how.gamma)
    image = np.ascontiguousarray(_crop_and_resize(image, how))
    image.flags.writeable = False
    return Ground(photo, source, image)


def _crop_and_resize(pixels: NDArray[np.uint8], how: Retouching) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if how.what == "crop" and how.box is not None:
        left, top, right, bottom = how.box
        rows = slice(round(top * height), round(bottom * height))
        return pixels[rows, round(left * width) : round(right * width)]
    if how.what == "resize":
        return _resized(pixels, (max(16, round(width * how.keep)), max(16, round(height * how.keep))))
    return pixels


def _resized(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
