"""The last steps of every image, forged or not: finishing touches and the file."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from forgebench.synthesis.photos import Pixels
from forgebench.synthesis.plan import Compression, Saving
from forgebench.synthesis.tables import quantization

SUFFIXES = {"jpeg": "jpg", "png": "png", "webp": "webp", "tiff": "tif"}


def finished(image: Pixels, saving: Saving) -> Pixels:
    """The whole image blurred, sharpened, made noisy, or brighter or darker."""
    import cv2

    amount = saving.amount
    if saving.finish == "blur":
        return np.asarray(cv2.GaussianBlur(image, (0, 0), amount))
    if saving.finish == "sharpen":
        soft = cv2.GaussianBlur(image, (0, 0), 1.0)
        return np.asarray(cv2.addWeighted(image, 1 + amount, soft, -amount, 0))
    if saving.finish == "noise":
        grain = np.random.default_rng(saving.seed).standard_normal(image.shape[:2], np.float32) * np.float32(amount)
        three = cv2.merge([np.rint(grain).astype(np.int16)] * 3)
        return np.asarray(cv2.add(image, three, dtype=cv2.CV_8U))
    return toned(image, 1.0, amount) if saving.finish == "tone" else image


def toned(image: Pixels, gain: float, gamma: float) -> Pixels:
    """Contrast about the middle by `gain`, then the curve `v ** gamma` of v in [0, 1]."""
    import cv2

    levels = np.clip((np.arange(256) / 255 - 0.5) * gain + 0.5, 0, 1) ** gamma
    return np.asarray(cv2.LUT(image, np.round(levels * 255).astype(np.uint8)))


def saved(image: Pixels, saving: Saving) -> tuple[bytes, str]:
    """The file's bytes, and its suffix."""
    data, suffix = _first(image, saving), SUFFIXES[saving.format]
    if saving.again is None:
        return data, suffix
    with Image.open(BytesIO(data)) as once:
        return save_jpeg(np.asarray(once.convert("RGB")), saving.again), "jpg"


def save_jpeg(image: Pixels, how: Compression) -> bytes:
    """An image as JPEG with these quantization tables."""
    buffer = BytesIO()
    tables = [list(table) for table in quantization(how)]
    Image.fromarray(image).save(buffer, "JPEG", qtables=tables, subsampling=how.subsampling)
    return buffer.getvalue()


def _first(image: Pixels, saving: Saving) -> bytes:
    if saving.format == "jpeg":
        return save_jpeg(image, saving.compression)
    buffer = BytesIO()
    options: dict[str, dict[str, Any]] = {
        "png": {"compress_level": 3},
        "webp": {"quality": saving.compression.quality, "method": 2},
        "tiff": {"compression": "tiff_lzw"},
    }
    Image.fromarray(image).save(buffer, saving.format.upper(), **options[saving.format])
    return buffer.getvalue()
