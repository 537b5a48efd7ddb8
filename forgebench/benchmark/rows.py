"""From an item to a row: weak labels derived, images encoded, hashes taken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import hypot
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.annotations.boxes import boxes_around, components
from forgebench.annotations.scribbles import draw_scribble
from forgebench.benchmark.cells import label_png
from forgebench.benchmark.hashing import annotation_line, content_line, row_digest
from forgebench.schema import LABELS, Fix, Item, Label, Mask


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
    name, truth = f"{item.sample_id}.png", item.mask
    boxes, scribble = _derived(item)
    values: dict[str, Any] = {
        "sample_id": item.sample_id,
        "image": {"bytes": item.image, "path": item.image_name},
        "label": LABELS.index(item.label),
        "manipulation": item.manipulation,
        "boxes": boxes,
        "scribble": None if scribble is None else {"bytes": label_png(scribble), "path": name},
        "mask": _mask(truth, name),
        "source_mask": _mask(item.source_mask, name),
        "mask_scope": item.mask_scope,
        "width": item.size[1],
        "height": item.size[0],
        "explanation": None if item.explanation is None else dict(item.explanation),
        "group": item.group,
        "provenance": item.provenance,
        "sha256": item.sha256,
    }
    content = content_line(values, item.split, truth, item.source_mask)
    annotation = annotation_line(values, scribble)
    return Row(values, item.split, item.label, content, annotation, row_digest(values), item.fixes, item.files)


def _derived(item: Item) -> tuple[list[list[float]], NDArray[np.uint8] | None]:
    """Boxes and scribble: those that people drew, else those of the item's mask."""
    boxes = [] if item.boxes is None else [list(box) for box in item.boxes]
    if item.mask is None:
        return boxes, item.scribble
    parts = components(item.mask) if item.label == "tampered" else []
    if item.boxes is None:
        boxes = boxes_around(parts, hypot(*item.size))
    return boxes, draw_scribble(item.mask, parts, item.sample_id) if item.scribble is None else item.scribble


def _mask(mask: Mask | None, name: str) -> dict[str, Any] | None:
    if mask is None:
        return None
    data = label_png(mask.view(np.uint8) * np.uint8(255)) if mask.any() else _black(*mask.shape)
    return {"bytes": data, "path": name}


@lru_cache(maxsize=64)
def _black(height: int, width: int) -> bytes:
    return label_png(np.zeros((height, width), np.uint8))
