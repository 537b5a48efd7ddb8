"""The steps that recipes are made of: each knows its parameters, the size it gives, and what it does."""

# ruff: noqa: D102 (what a step overrides is described by its base)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from forgebench.degrade import transforms
from forgebench.degrade.transforms import Filter, Pixels, Subsampling
from forgebench.schema import Mask

Drawn = dict[str, Any]
"""What chance decided: recorded beside the parameters."""
Size = tuple[int, int]
"""Width and height, pixels."""


@dataclass(frozen=True)
class Picture:
    """An image with its truth, kept together."""

    pixels: Pixels
    mask: Mask | None = None
    source_mask: Mask | None = None

    @property
    def size(self) -> Size:
        """Width and height, pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def moved(self, image: Callable[[Pixels], Pixels], truth: Callable[[Mask], Mask]) -> Picture:
        """Image and masks, each brought to the same new place."""
        mask, source = (None if one is None else truth(one) for one in (self.mask, self.source_mask))
        return Picture(image(self.pixels), mask, source)


class _Step(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def size(self, size: Size) -> Size:
        """The size that comes out of a size that goes in."""
        return size

    def apply(self, picture: Picture, rng: np.random.Generator) -> tuple[Picture, Drawn]:
        """The picture after this step, and what was drawn."""
        return replace(picture, pixels=self.changed(picture.pixels, rng)), {}

    def changed(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """The pixels after a step that moves nothing."""
        raise NotImplementedError


class _Sizing(_Step):
    filter: Filter = "lanczos"

    def apply(self, picture: Picture, rng: np.random.Generator) -> tuple[Picture, Drawn]:
        width, height = self.size(picture.size)
        if (width, height) == picture.size:
            return picture, {}
        resized = picture.moved(
            lambda pixels: transforms.resize(pixels, width, height, self.filter),
            lambda mask: transforms.resize_mask(mask, width, height),
        )
        return resized, {}


class Resize(_Sizing):
    """By a factor."""

    op: Literal["resize"]
    factor: Annotated[float, Field(gt=0, le=8)]

    def size(self, size: Size) -> Size:
        return _scaled(size, self.factor)


class Fit(_Sizing):
    """Into a box of so many pixels, aspect kept; one that fits stays as it is unless `enlarge` says so."""

    op: Literal["fit"]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)] | None = None
    """None: any."""
    enlarge: bool = False

    def size(self, size: Size) -> Size:
        scale = self.width / size[0]
        if self.height is not None:
            scale = min(scale, self.height / size[1])
        return _scaled(size, scale if self.enlarge else min(1.0, scale))


class Crop(_Step):
    """A part of each side, from a place drawn uniformly among those that keep half of the tampered pixels.

    Where no place does, it is drawn among those that keep most.
    """

    op: Literal["crop"]
    share: Annotated[float, Field(gt=0, le=1)]
    """Of the width and of the height."""

    def size(self, size: Size) -> Size:
        return _scaled(size, self.share)

    def apply(self, picture: Picture, rng: np.random.Generator) -> tuple[Picture, Drawn]:
        width, height = self.size(picture.size)
        mask = np.zeros(picture.pixels.shape[:2], bool) if picture.mask is None else picture.mask
        kept = _sums(mask, width, height)
        places = np.flatnonzero(kept >= min(kept.max(), mask.sum() / 2))
        top, left = divmod(int(places[rng.integers(len(places))]), kept.shape[1])
        part = slice(top, top + height), slice(left, left + width)
        cropped = picture.moved(lambda pixels: pixels[part].copy(), lambda mask: mask[part].copy())
        return cropped, {"left": left, "top": top}


class Blur(_Step):
    """Gaussian blur."""

    op: Literal["blur"]
    sigma: Annotated[float, Field(gt=0)]
    """Pixels."""

    def changed(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        return transforms.gaussian_blur(pixels, self.sigma)


class MotionBlur(_Step):
    """The mean along a line whose angle is drawn uniformly."""

    op: Literal["motion_blur"]
    length: Annotated[float, Field(ge=1)]
    """Pixels."""

    def apply(self, picture: Picture, rng: np.random.Generator) -> tuple[Picture, Drawn]:
        angle = float(rng.uniform(0, 180))
        return replace(picture, pixels=transforms.motion_blur(picture.pixels, self.length, angle)), {"angle": angle}


class Noise(_Step):
    """Gaussian noise."""

    op: Literal["noise"]
    sigma: Annotated[float, Field(gt=0)]
    """Grey levels."""

    def changed(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        return transforms.gaussian_noise(pixels, self.sigma, rng)


class Poisson(_Step):
    """Photon noise."""

    op: Literal["poisson"]
    peak: Annotated[float, Field(gt=0)]
    """Photons at white, on average."""

    def changed(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        return transforms.poisson_noise(pixels, self.peak, rng)


class Gamma(_Step):
    """A gamma curve."""

    op: Literal["gamma"]
    exponent: Annotated[float, Field(gt=0)]

    def changed(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        return transforms.gamma(pixels, self.exponent)


class _Encoder(_Step):
    suffix: ClassVar[str]
    """Of the file's name."""
    longest: ClassVar[int]
    """The most pixels that a side may have in this format."""

    def encode(self, pixels: Pixels) -> bytes:
        """The file's bytes."""
        raise NotImplementedError

    def changed(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        return transforms.decode(self.encode(pixels))


class Jpeg(_Encoder):
    """A JPEG file."""

    suffix = "jpg"
    longest = 65500

    op: Literal["jpeg"]
    quality: Annotated[int, Field(ge=1, le=100)]
    """As libjpeg counts."""
    subsampling: Subsampling = "4:2:0"
    progressive: bool = False

    def encode(self, pixels: Pixels) -> bytes:
        return transforms.encode_jpeg(pixels, self.quality, self.subsampling, progressive=self.progressive)


class WebP(_Encoder):
    """A lossy WebP file."""

    suffix = "webp"
    longest = 16383

    op: Literal["webp"]
    quality: Annotated[int, Field(ge=0, le=100)]

    def encode(self, pixels: Pixels) -> bytes:
        return transforms.encode_webp(pixels, self.quality)


class Png(_Encoder):
    """A PNG file."""

    suffix = "png"
    longest = 2**31 - 1

    op: Literal["png"]

    def encode(self, pixels: Pixels) -> bytes:
        return transforms.encode_png(pixels)


Encoder = Jpeg | WebP | Png
Step = Annotated[
    Resize | Fit | Crop | Blur | MotionBlur | Noise | Poisson | Gamma | Encoder, Field(discriminator="op")
]


def _scaled(size: Size, factor: float) -> Size:
    width, height = (max(1, int(side * factor + 0.5)) for side in size)
    return width, height


def _sums(mask: Mask, width: int, height: int) -> NDArray[np.int64]:
    """The tampered pixels under a window of this size, by its top and left."""
    below = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    below[1:, 1:] = mask.cumsum(axis=0).cumsum(axis=1)
    down = below[height:] - below[:-height]
    sums: NDArray[np.int64] = down[:, width:] - down[:, :-width]
    return sums
