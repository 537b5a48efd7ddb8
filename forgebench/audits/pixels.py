"""What a whole image shows: global statistics, a perceptual hash, a thumbnail."""

from __future__ import annotations

from math import nan, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NUMBERS = (
    "mean_red", "mean_green", "mean_blue", "saturation", "contrast", "clipped", "sharpness", "noise", "fine_detail",
    "blockiness", "zero_dct",
)  # fmt: skip
"""Global statistics, in order; NaN where an image is too small for one."""
GRID = 64
"""Cells on each side of a thumbnail and of a mask's coverage."""
HASH_SIDE = 16
_CELLS = 16
HASH_BITS = HASH_SIDE**2
_FLAT = 2.0
"""Images of less contrast than this, grey levels, have no perceptual hash: what it would hash is noise."""

Gray = NDArray[np.float32]


def statistics(rgb: Image.Image, gray: Gray) -> list[float]:
    """Global statistics of one image, in the order of `NUMBERS`.

    Args:
        rgb: The image as RGB.
        gray: Its luma, shape (H, W), 0 to 255.
    """
    small = np.asarray(rgb.resize((GRID, GRID), Image.Resampling.BOX, reducing_gap=2)).astype(np.float32)
    return [
        *(float(v) for v in small.mean(axis=(0, 1))),
        float((small.max(axis=2) - small.min(axis=2)).mean()),
        float(gray.std()),
        float(((gray == 0) | (gray == 255)).mean()),
        _sharpness(gray), _noise(gray), _fine_detail(gray), _blockiness(gray), _zero_dct(gray),
    ]  # fmt: skip


def perceptual_hash(gray: Image.Image, contrast: float) -> bytes | None:
    """The 256-bit DCT hash of an image (imagehash's `phash`), 32 bytes; None for a flat image.

    Recompression and resizing change few of its bits; cropping, turning and mirroring change half of them.
    """
    import imagehash

    if contrast < _FLAT:
        return None
    bits = imagehash.phash(gray, hash_size=HASH_SIDE).hash
    return np.packbits(bits).tobytes()


def thumbnail(gray: Image.Image) -> NDArray[np.uint8]:
    """Mean luma of each of 64 by 64 cells, shape (64, 64), uint8; compression noise is averaged away."""
    return np.asarray(gray.resize((GRID, GRID), Image.Resampling.BOX))


def _typical(values: Gray) -> float:
    """The median over 16 by 16 cells of the mean in each: what an image is like but for a small part of it.

    A forgery's own border must not be taken for a trait of the image.
    """
    if not values.size:
        return nan
    cells = Image.fromarray(values).resize((_CELLS, _CELLS), Image.Resampling.BOX)
    return float(np.median(np.asarray(cells)))


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else nan


def _sharpness(gray: Gray) -> float:
    """Typical size of the Laplacian, grey levels; higher is sharper."""
    inner = gray[1:-1, 1:-1]
    return _typical(np.abs(gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:] - 4 * inner))


def _noise(gray: Gray) -> float:
    """Typical standard deviation of the noise, grey levels (Immerkær 1996)."""
    return sqrt(pi / 2) / 6 * _typical(np.abs(np.diff(np.diff(gray, 2, axis=0), 2, axis=1)))


def _fine_detail(gray: Gray) -> float:
    """Typical difference of neighbours over that of pixels two apart; lower after upsampling or smoothing."""
    return _ratio(_typical(np.abs(np.diff(gray, axis=1))), _typical(np.abs(gray[:, 2:] - gray[:, :-2])))


def _blockiness(gray: Gray) -> float:
    """Typical difference across the borders of 8 by 8 blocks over that within them; 1 without a grid."""
    ratios = []
    for values in (gray, gray.T):
        steps = np.abs(np.diff(values, axis=1))
        border = np.arange(steps.shape[1]) % 8 == 7
        ratios.append(_ratio(_typical(steps[:, border]), _typical(steps[:, ~border])))
    return float(np.mean(ratios))


def _zero_dct(gray: Gray) -> float:
    """Typical share of the DCT coefficients of 8 by 8 blocks that are next to nothing: compression zeroes them."""
    from scipy.fft import dctn

    height, width = (side // 8 * 8 for side in gray.shape)
    if not height or not width:
        return nan
    blocks = gray[:height, :width].reshape(height // 8, 8, width // 8, 8)
    next_to_nothing = np.abs(dctn(blocks, axes=(1, 3), norm="ortho")) < 0.5
    return _typical(next_to_nothing.mean(axis=(1, 3), dtype=np.float32))
