"""Masks and scribbles as a benchmark stores them: grey PNG files."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL import Image

from forgebench.schema import Mask

Cell = Mapping[str, Any]
"""Such a file under `bytes`, its name under `path`."""


def mask_of(cell: Cell | None) -> Mask | None:
    """A stored mask's pixels, shape (H, W), true where there is any; None for no truth."""
    pixels = pixels_of(cell)
    return None if pixels is None else pixels > 0


def pixels_of(cell: Cell | None) -> NDArray[np.uint8] | None:
    """A stored label image, shape (H, W); None where there is none."""
    if cell is None:
        return None
    with Image.open(BytesIO(cell["bytes"])) as image:
        return np.asarray(image)


def label_png(pixels: NDArray[np.uint8]) -> bytes:
    """A label image of shape (H, W), uint8, as a grey PNG file.

    Pillow tries filters, which a picture of few values does not want: it takes twenty times as long.
    """
    height, width = pixels.shape
    lines = np.zeros((height, width + 1), np.uint8)
    lines[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", isal_zlib.compress(lines.data, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(kind + data))
