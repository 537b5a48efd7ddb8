"""What lies below a folder, and bytes into arrays."""

from __future__ import annotations

import hashlib
import os
import zlib
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from forgebench.schema import Mask

IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
UNDECODABLE = (
    OSError, EOFError, ValueError, SyntaxError, TypeError, BadZipFile, zlib.error, Image.DecompressionBombError,
)  # fmt: skip
"""What Pillow and NumPy raise for a damaged file."""

_JUNK = frozenset({"thumbs.db", ".ds_store", "desktop.ini"})
_ORIENTATION = 274
_TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


def files_below(root: Path, folder: str = "") -> list[str]:
    """All files below a folder as sorted POSIX paths relative to the root, system droppings left out."""
    found = []
    for parent, folders, names in os.walk(root / folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(parent).relative_to(root)
        found += [(here / n).as_posix() for n in names if n.lower() not in _JUNK and not n.startswith("._")]
    return sorted(found)


def sha256(data: bytes) -> str:
    """The SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def image_size(data: bytes) -> tuple[tuple[int, int], int]:
    """Decode an image whole, to be sure of it: its (width, height) as displayed, and its EXIF orientation.

    Raises:
        UNDECODABLE: If it cannot be decoded.
    """
    with Image.open(BytesIO(data)) as image:
        image.load()
        said = image.getexif().get(_ORIENTATION)
        orientation = said if said in _TRANSPOSED else 1
        width, height = image.size
    return ((height, width) if orientation >= 5 else (width, height)), orientation


def orient(mask: Mask, orientation: int) -> Mask:
    """Turn a mask drawn on the stored pixels into the displayed orientation."""
    method = _TRANSPOSED.get(orientation)
    if method is None:
        return mask
    return np.asarray(Image.fromarray(mask.astype(np.uint8)).transpose(method)).astype(bool)
