"""What a JPEG's quantization tables say of its quality."""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def nearest_quality(luma: NDArray[np.int64]) -> tuple[int, float]:
    """The libjpeg quality whose luminance table is nearest, and the mean difference of an entry from it.

    Args:
        luma: Shape (64,), entries of a quantization table row by row.

    Returns:
        Quality in 1 to 100, higher is better; residual 0 where the table is libjpeg's own.
    """
    distances = np.abs(_standard_tables() - luma).mean(axis=1)
    best = int(distances.argmin())
    return best + 1, float(distances[best])


def file_quality(data: bytes) -> int | None:
    """The libjpeg quality nearest to an image file's tables, 1 to 100; None for a file that is no JPEG."""
    with Image.open(BytesIO(data)) as image:
        tables = getattr(image, "quantization", None)
    return nearest_quality(np.array(tables[min(tables)]))[0] if tables else None


@cache
def _standard_tables() -> NDArray[np.int64]:
    """The luminance tables of libjpeg at qualities 1 to 100, shape (100, 64)."""
    tables = []
    for quality in range(1, 101):
        buffer = BytesIO()
        Image.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as image:
            tables.append(getattr(image, "quantization")[0])  # noqa: B009  only JPEG images have it
    return np.array(tables)
