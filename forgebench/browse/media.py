"""A benchmark's images and masks as files that a browser can show."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from forgebench.benchmark.opened import RowGroup
from forgebench.errors import InputError
from forgebench.schema import SAMPLE_ID

IMAGES = "images"
MASKS = {"mask": "ground_truth", "scribble": "scribble", "source_mask": "source"}
"""The columns that hold masks, and what FiftyOne shows them as."""

_COLUMNS = (
    "sample_id", "image", "label", "manipulation", "boxes", "width", "height", "group", "explanation", *MASKS,
)  # fmt: skip
_SHOWN = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "GIF": ".gif"}
"""Formats that every browser shows, by Pillow's names."""
_ORIENTATION = 274


@dataclass(frozen=True)
class Stored:
    """A sample whose pixels lie on disk."""

    row: dict[str, Any]
    """Its columns that are no pixels."""
    image: Path
    format: str
    """The format that the benchmark has, by Pillow's name; the file here may be a PNG copy."""
    masks: dict[str, Path]
    """By the name that FiftyOne shows them under."""
    tampered_area: float | None
    """Share of the image that is tampered; None where there is no pixel truth."""


def stored_ids(folder: Path) -> set[str]:
    """The samples whose files are all there."""
    images = folder / IMAGES
    return {path.stem for path in images.iterdir()} if images.is_dir() else set()


def store_group(folder: Path, group: RowGroup) -> list[Stored]:
    """Write the images and masks of a row group into a folder.

    Raises:
        InputError: If a sample's id could not be a file's name: the benchmark was not built by ForgeBench.
    """
    for name in (IMAGES, *MASKS.values()):
        (folder / name).mkdir(parents=True, exist_ok=True)
    return [_store(folder, row) for row in group.read(_COLUMNS)]


def _store(folder: Path, row: dict[str, Any]) -> Stored:
    sample_id = row["sample_id"]
    if not SAMPLE_ID.fullmatch(sample_id):
        raise InputError(f"{sample_id!r} is not a sample id ({SAMPLE_ID.pattern}). Run: forgebench verify BENCH")
    masks = {name: folder / name / f"{sample_id}.png" for column, name in MASKS.items() if row[column]}
    for column, name in MASKS.items():
        if name in masks:
            write(masks[name], row[column]["bytes"])
    data = row["image"]["bytes"]
    format_, suffix, shown = _showable(data)
    image = folder / IMAGES / f"{sample_id}{suffix}"
    # Last: where the image is, everything is.
    write(image, shown)
    area = _tampered_area(row["mask"]["bytes"]) if row["mask"] else None
    facts = {key: value for key, value in row.items() if key not in ("image", *MASKS)}
    return Stored(facts, image, format_, masks, area)


def _showable(data: bytes) -> tuple[str, str, bytes]:
    """The format of an image file, and a suffix and bytes that a browser shows: the file's own, else a PNG copy."""
    with Image.open(BytesIO(data)) as image:
        name = str(image.format)
        if name in _SHOWN and image.getexif().get(_ORIENTATION, 1) == 1:
            return name, _SHOWN[name], data
        buffer = BytesIO()
        ImageOps.exif_transpose(image).convert("RGB").save(buffer, "PNG", compress_level=3)
        return name, ".png", buffer.getvalue()


def _tampered_area(data: bytes) -> float:
    with Image.open(BytesIO(data)) as mask:
        pixels = np.asarray(mask)
    return float(np.count_nonzero(pixels) / pixels.size)


def write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_bytes(data)
    temporary.replace(path)
