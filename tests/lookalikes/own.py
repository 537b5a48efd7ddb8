"""Folders of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from lookalikes.drawing import JUNK, Truth, Truths, encoded, photo, put, region

_KINDS = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "bmp": "BMP", "webp": "WEBP"}


def folder(root: Path, n: int = 5) -> Truths:
    """Three folders: `n` authentic and `n` tampered images in turn as JPEG, PNG, TIFF, BMP and WebP."""
    truths: Truths = {}
    kinds = list(_KINDS.items())
    for i in range(n):
        suffix, kind = kinds[i % len(kinds)]
        width, height = (48, 32) if i % 2 else (40, 56)
        original, forged, mask = photo(i, width, height), photo(500 + i, width, height), region(i, width, height)
        forged = np.where(mask[..., None], forged, original)
        for name, pixels in (("authentic", original), ("tampered", forged)):
            data = encoded(pixels, kind)
            put(root / name / f"p{i}.{suffix}", data)
            truth = mask if name == "tampered" else np.zeros_like(mask)
            truths[f"{name}-p{i}"] = Truth(name, data, truth, f"p{i}")
        put(root / "masks" / f"p{i}{('', '_mask', '_gt')[i % 3]}.png", encoded(mask, "PNG", "1" if i % 2 else None))
    for junk in JUNK:
        put(root / "tampered" / junk, b"not an image")
    return truths


def turned(root: Path) -> Truths:
    """Two forgeries stored on their side (EXIF orientation 6): one mask as displayed, one as stored."""
    truths: Truths = {}
    exif = Image.Exif()
    exif[274] = 6
    for i, name in enumerate(("displayed", "stored")):
        data = encoded(photo(i, 48, 32), "JPEG", exif=exif)
        mask = region(i, 32, 48)
        put(root / "tampered" / f"{name}.jpg", data)
        # What is displayed is the stored picture turned a quarter clockwise.
        put(root / "masks" / f"{name}.png", encoded(mask if name == "displayed" else np.rot90(mask), "PNG"))
        fix = "turned with the image's EXIF orientation 6" if name == "stored" else None
        truths[f"tampered-{name}"] = Truth("tampered", data, mask, name, fix=fix)
    return truths
