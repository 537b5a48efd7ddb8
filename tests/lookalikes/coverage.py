"""COVERAGE."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lookalikes.drawing import Bits, Truth, Truths, encoded, photo, put, region

_COVERAGE_CROPS = {41: (0, 0), 48: (0, 150), 59: (0, 70), 61: (150, 0)}
_COVERAGE_RESIZED = (55, 95)
_COVERAGE_PLAIN = {1: "packbits", 2: None, 3: "tiff_lzw"}


def coverage(root: Path) -> Truths:
    """COVERAGE with three ordinary ids and six of the nine whose masks have another size than their image."""
    truths: Truths = {}
    for number in (*_COVERAGE_PLAIN, *_COVERAGE_CROPS, *_COVERAGE_RESIZED):
        codec = _COVERAGE_PLAIN.get(number)
        files = [encoded(photo(seed), "TIFF", compression=codec) for seed in (number, 1000 + number)]
        masks = {kind: region(number + 10 * i) for i, kind in enumerate(("forged", "copy", "paste"))}
        for mark, data in zip(("", "t"), files, strict=True):
            put(root / "image" / f"{number}{mark}.tif", data)
        for kind, mask in masks.items():
            put(root / "mask" / f"{number}{kind}.tif", encoded(_on_canvas(number, mask), "TIFF", compression=codec))
        group = str(number)
        truths[group] = Truth("authentic", files[0], np.zeros((32, 48), bool), group)
        truths[f"{group}t"] = Truth(
            "tampered", files[1], masks["forged"], group, "copy_move", masks["copy"], _coverage_fix(number)
        )
    for junk in ("label/TFlabel.mat", "readme.txt", "image/Thumbs.db"):
        put(root / junk, b"not an image")
    return truths


def _on_canvas(number: int, mask: Bits) -> Bits:
    """The mask as published: at twice the scale, or on a larger canvas that is tampered all around."""
    if number in _COVERAGE_RESIZED:
        return mask.repeat(2, axis=0).repeat(2, axis=1)
    if number not in _COVERAGE_CROPS:
        return mask
    left, top = _COVERAGE_CROPS[number]
    right = 20 if number == 41 else 2 * left // 3
    return np.pad(mask, ((top, 0), (left, right)), constant_values=True)


def _coverage_fix(number: int) -> str | None:
    if number in _COVERAGE_CROPS:
        left, top = _COVERAGE_CROPS[number]
        return f"cropped at x {left}, y {top}"
    return "resized (nearest)" if number in _COVERAGE_RESIZED else None
