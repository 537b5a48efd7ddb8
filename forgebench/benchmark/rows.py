"""From an item to a row: weak labels derived, images encoded, hashes taken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from forgebench.annotations import boxes_from_mask, scribble_from_mask
from forgebench.benchmark.hashing import annotation_line, content_line, row_digest
from forgebench.schema import LABELS, Explanation, Fix, Item, Label
from forgebench.sources.files import sha256


@dataclass(frozen=True)
class Row:
    """A sample as a benchmark stores it, with what the manifest needs to know of it."""

    values: dict[str, Any]
    split: str
    label: Label
    content: bytes
    annotation: bytes
    digest: str
    fixes: tuple[Fix, ...]
    files: dict[str, str]


def row_of(item: Item) -> Row:
    """Derive, encode and hash what a benchmark stores of an item."""
    name = f"{item.sample_id}.png"
    truth = item.mask
    scribble = None if truth is None else scribble_from_mask(truth, item.sample_id)
    values: dict[str, Any] = {
        "sample_id": item.sample_id,
        "image": {"bytes": item.image, "path": item.image_name},
        "label": LABELS.index(item.label),
        "manipulation": item.manipulation,
        "boxes": [] if truth is None else boxes_from_mask(truth),
        "scribble": _image(scribble, name),
        "mask": _image(_as_bytes(truth), name),
        "source_mask": _image(_as_bytes(item.source_mask), name),
        "mask_scope": item.mask_scope,
        "width": item.size[1],
        "height": item.size[0],
        "explanation": _explanation(item.explanation),
        "group": item.group,
        "provenance": item.provenance,
        "sha256": sha256(item.image),
    }
    content = content_line(values, item.split, truth, item.source_mask)
    return Row(
        values, item.split, item.label, content, annotation_line(values), row_digest(values), item.fixes,
        item.files,
    )  # fmt: skip


def _explanation(explanation: Explanation | None) -> dict[str, str] | None:
    return None if explanation is None else {key: str(value) for key, value in explanation.items()}


def _as_bytes(mask: NDArray[np.bool_] | None) -> NDArray[np.uint8] | None:
    return None if mask is None else mask.view(np.uint8) * np.uint8(255)


def _image(pixels: NDArray[np.uint8] | None, name: str) -> dict[str, Any] | None:
    if pixels is None:
        return None
    return {"bytes": png(pixels) if pixels.any() else _black(*pixels.shape), "path": name}


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels of shape (H, W), uint8, as a grey PNG file."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


@lru_cache(maxsize=64)
def _black(height: int, width: int) -> bytes:
    return png(np.zeros((height, width), np.uint8))
