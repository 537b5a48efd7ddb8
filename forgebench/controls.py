"""Negative controls, which know nothing of forgery; two that see the truth; and one classical detector.

A metric that ranks a control above a method that works is no good; a method that does not beat the controls
is none either. All are objects with `predict(samples)`. Two are told the truth: `inverted_truth`, which is wrong
everywhere, and `truth_box`, a box around the truth, which is a ceiling for boxes and no control.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forgebench.schema import Prediction, Sample

_Predict = Callable[[Sample], tuple[float, NDArray[np.uint8]]]


@dataclass(frozen=True)
class Control:
    """A method that treats each sample by itself."""

    name: str
    one: _Predict
    supervision: str = "zero-shot"

    def predict(self, samples: Sequence[Sample]) -> Iterable[Prediction]:
        """One prediction a sample."""
        for sample in samples:
            score, mask = self.one(sample)
            yield Prediction(sample.sample_id, score, mask)


def all_black() -> Control:
    """Calls everything authentic."""
    return Control("all black", lambda s: (0.0, np.zeros((s.height, s.width), np.uint8)))


def all_white() -> Control:
    """Calls everything tampered."""
    return Control("all white", lambda s: (1.0, np.full((s.height, s.width), 255, np.uint8)))


def random() -> Control:
    """Uniform noise, seeded by the sample's id."""

    def one(sample: Sample) -> tuple[float, NDArray[np.uint8]]:
        rng = np.random.default_rng(list(hashlib.sha256(sample.sample_id.encode()).digest()))
        return float(rng.random()), rng.integers(0, 256, (sample.height, sample.width), dtype=np.uint8)

    return Control("random", one)


def centre_box() -> Control:
    """Marks a box in the middle, half the width and height: photographers put things there."""

    def one(sample: Sample) -> tuple[float, NDArray[np.uint8]]:
        mask = np.zeros((sample.height, sample.width), np.uint8)
        height, width = sample.height // 4, sample.width // 4
        mask[height : sample.height - height, width : sample.width - width] = 255
        return 0.5, mask

    return Control("centre box", one)


def constant() -> Control:
    """Says half everywhere, of every image."""
    return Control("constant", lambda s: (0.5, np.full((s.height, s.width), 128, np.uint8)))


def edges() -> Control:
    """An edge detector: the Sobel gradient of the luma, which is strong where a seam would be, and everywhere else."""

    def one(sample: Sample) -> tuple[float, NDArray[np.uint8]]:
        luma = np.asarray(Image.fromarray(sample.image).convert("L"), np.float32)
        gradient = np.hypot(ndimage.sobel(luma, axis=0), ndimage.sobel(luma, axis=1))
        mask = np.clip(gradient * (255 / _SOBEL), 0, 255).astype(np.uint8)
        return float(mask.mean()) / 255, mask

    return Control("edge detector", one)


NEGATIVE: Mapping[str, Callable[[], Control]] = {
    "all-black": all_black, "all-white": all_white, "random": random, "centre-box": centre_box, "edges": edges,
    "constant": constant,
}  # fmt: skip
"""Those that know nothing of forgery, by the names that records and boards give them."""

_SOBEL = 1020.0
"""The Sobel gradient of a step from black to white."""


@dataclass(frozen=True)
class OfTruth:
    """A method that was told the truth."""

    name: str
    truth: Mapping[str, NDArray[np.bool_]]
    """The mask of every sample by its id, all false for an authentic image."""
    one: Callable[[NDArray[np.bool_]], tuple[float, NDArray[np.uint8]]]
    supervision: str = "pixel"

    def predict(self, samples: Sequence[Sample]) -> Iterable[Prediction]:
        """One prediction a sample."""
        for sample in samples:
            yield Prediction(sample.sample_id, *self.one(self.truth[sample.sample_id]))


def inverted_truth(truth: Mapping[str, NDArray[np.bool_]]) -> OfTruth:
    """Wrong in every pixel and of every image: what an inverted metric takes for perfect."""
    return OfTruth("inverted truth", truth, lambda mask: (1.0 - mask.any(), ~mask * np.uint8(255)))


def truth_box(truth: Mapping[str, NDArray[np.bool_]]) -> OfTruth:
    """The box around the truth: the best that a method which draws one box can do."""

    def one(mask: NDArray[np.bool_]) -> tuple[float, NDArray[np.uint8]]:
        box = np.zeros(mask.shape, np.uint8)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows):
            box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 255
        return float(mask.any()), box

    return OfTruth("box around the truth", truth, one)


def jpeg_ghost() -> Control:
    """JPEG ghosts (Farid, IEEE TIFS 2009): what was compressed before answers to that quality once more.

    The image is compressed at a ladder of qualities. Where its own past quality is met, the difference has a
    dip; a pasted region with another past, or none, has not. The map is how much a block's dip at the image's
    dominant quality falls short of its neighbours'.
    """
    return Control("JPEG ghost", _ghost)


_QUALITIES = range(50, 92, 3)
_BLOCK = 16
_FLAT = 1e-6
"""Keeps a picture without any texture, which no compression changes, from being divided by zero."""
_FULL = 0.5
"""A dip that falls short by half of its block's whole range is certain evidence: a quarter is at the threshold."""
_SHARE = 20
"""The score is the mean over the strongest twentieth of the blocks: less is noise, more misses small regions."""


def _ghost(sample: Sample) -> tuple[float, NDArray[np.uint8]]:
    errors = np.stack([_block_error(sample.image, quality) for quality in _QUALITIES])
    # Scaled block by block: flat ground has small errors throughout, texture large ones.
    low, high = errors.min(axis=0), errors.max(axis=0)
    scaled = (errors - low) / np.maximum(high - low, _FLAT)
    weight = np.sqrt(high) + _FLAT
    smooth = ndimage.gaussian_filter(weight, 1.0)
    scaled = np.stack([ndimage.gaussian_filter(plane * weight, 1.0) / smooth for plane in scaled])
    typical = np.average(scaled, axis=(1, 2), weights=weight)
    dip = typical - np.interp(range(len(typical)), (0, len(typical) - 1), (typical[0], typical[-1]))
    dominant = int(dip.argmin())
    away = scaled[dominant] - np.median(scaled[dominant])
    evidence = np.clip(away / _FULL, 0, 1)
    mask = Image.fromarray(np.round(evidence * 255).astype(np.uint8))
    full = np.asarray(mask.resize((sample.width, sample.height), Image.Resampling.BILINEAR))
    strongest = np.sort(evidence.ravel())[-max(4, evidence.size // _SHARE) :]
    return float(strongest.mean()), full


def _block_error(image: NDArray[np.uint8], quality: int) -> NDArray[np.float64]:
    """Mean squared change of each block's luma under one more compression, shape (H / 16, W / 16) rounded up."""
    buffer = BytesIO()
    picture = Image.fromarray(image)
    picture.save(buffer, "JPEG", quality=quality, subsampling=0)
    again = np.asarray(Image.open(buffer).convert("L"), np.float32)
    change = (np.asarray(picture.convert("L"), np.float32) - again) ** 2
    rows, columns = (np.arange(0, size, _BLOCK) for size in change.shape)
    sums = np.add.reduceat(np.add.reduceat(change, rows, axis=0), columns, axis=1)
    areas = np.outer(np.diff([*rows, change.shape[0]]), np.diff([*columns, change.shape[1]]))
    return np.asarray(sums / areas, np.float64)
