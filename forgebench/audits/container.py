"""What an image file shows without its content: container, size, compression, metadata."""

from __future__ import annotations

from hashlib import sha256
from math import nan
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from forgebench.jpeg import nearest_quality

NUMBERS = (
    "byte_size", "bits_per_pixel", "width", "height", "aspect_ratio", "width_mod_8", "height_mod_8", "exif_tags",
    "icc_bytes", "metadata_fields", "dpi", "jpeg_quality", "jpeg_quality_residual", "luma_dc", "luma_mean",
    "luma_high", "chroma_dc", "chroma_mean", "quantization_tables",
)  # fmt: skip
"""Numbers read off a file, in order; NaN where its container has no such thing."""
KINDS = ("format", "suffix", "mode", "compression", "progressive", "subsampling", "exif", "quantization")
"""What a file is one of several of, in order; empty where its container has no such thing."""

Tables = list[NDArray[np.int64]]

_SUBSAMPLING = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


def describe(image: Image.Image, size: tuple[int, int], byte_size: int, name: str) -> tuple[list[float], list[str]]:
    """The numbers and the kinds of one file.

    Args:
        image: As opened, not yet converted.
        size: Width and height as displayed, pixels.
        byte_size: Of the file.
        name: The file's name; its suffix counts as written, `.JPG` is not `.jpg`.

    Returns:
        Values in the order of `NUMBERS`, and in the order of `KINDS`.
    """
    width, height = size
    exif, info = image.getexif(), image.info
    tables = [np.array(table) for _, table in sorted(getattr(image, "quantization", {}).items())]
    dpi = info.get("dpi", (nan,))[0]
    numbers = [
        byte_size, 8 * byte_size / (width * height), width, height, width / height, width % 8, height % 8, len(exif),
        len(info.get("icc_profile") or b""), len(info), float(dpi), *_compression(tables),
    ]  # fmt: skip
    kinds = [
        str(image.format), PurePath(name).suffix, image.mode, str(info.get("compression", "")),
        _progressive(image), _subsampling(image), "yes" if len(exif) else "no",
        sha256(b"".join(table.tobytes() for table in tables)).hexdigest()[:8] if tables else "",
    ]  # fmt: skip
    return [float(number) for number in numbers], kinds


def _progressive(image: Image.Image) -> str:
    return ("yes" if image.info.get("progressive") else "no") if getattr(image, "quantization", None) else ""


def _subsampling(image: Image.Image) -> str:
    if not isinstance(image, JpegImagePlugin.JpegImageFile):
        return ""
    return _SUBSAMPLING.get(JpegImagePlugin.get_sampling(image), "other")


def _compression(tables: Tables) -> list[float]:
    """Estimated quality, how far its tables are from libjpeg's, and what the tables hold."""
    if not tables:
        return [nan] * 8
    luma = tables[0]
    quality, residual = nearest_quality(luma)
    chroma = tables[1] if len(tables) > 1 else np.array([nan])
    # Pillow gives tables row by row: the high frequencies are those of the lower right half.
    high = luma.reshape(8, 8)[np.add.outer(np.arange(8), np.arange(8)) >= 8].mean()
    return [quality, residual, luma[0], luma.mean(), high, chroma[0], chroma.mean(), len(tables)]
