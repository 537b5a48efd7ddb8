"""Hashes of what a benchmark says, independent of Parquet version, compression and row order.

A line is its fields, each framed by its length (8 bytes, big-endian; 2**64 - 1 for none); a hash is SHA-256 over
the sorted lines, framed likewise.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forgebench.schema import COLUMNS, Mask

_NONE = b"\xff" * 8


def frame(field: str | bytes | None) -> bytes:
    """A field with its length before it."""
    if field is None:
        return _NONE
    data = field.encode() if isinstance(field, str) else field
    return len(data).to_bytes(8) + data


def hash_of_lines(lines: Iterable[bytes]) -> str:
    """SHA-256, hexadecimal, over sorted framed lines."""
    digest = hashlib.sha256()
    for line in sorted(lines):
        digest.update(frame(line))
    return digest.hexdigest()


def mask_digest(mask: Mask | None) -> bytes | None:
    """SHA-256 over height, width (4 bytes each, big-endian) and the mask's bits; None for no truth.

    Bits go row by row, eight to a byte from the highest, rows not padded, the last byte filled with zeros.
    """
    if mask is None:
        return None
    return _image_digest(mask.shape, np.packbits(mask).tobytes())


def _image_digest(shape: tuple[int, ...], pixels: bytes) -> bytes:
    return hashlib.sha256(struct.pack(">II", *shape) + pixels).digest()


def content_line(row: Mapping[str, Any], split: str, mask: Mask | None, source_mask: Mask | None) -> bytes:
    """All that scoring reads of a sample, as one line.

    Its fields: sample_id, split, label (0 or 1 in decimal), manipulation, group, mask_scope, sha256 (hexadecimal),
    height and width (4 bytes each, big-endian), and the digests of mask and source mask.
    """
    fields = (
        row["sample_id"], split, str(row["label"]), row["manipulation"], row["group"], row["mask_scope"],
        row["sha256"], struct.pack(">II", row["height"], row["width"]), mask_digest(mask), mask_digest(source_mask),
    )  # fmt: skip
    return b"".join(map(frame, fields))


def annotation_line(row: Mapping[str, Any], scribble: NDArray[np.uint8] | None) -> bytes:
    """Boxes, scribble and explanation of a sample, as one line.

    A scribble enters by SHA-256 over height, width (4 bytes each, big-endian) and its pixels, a byte each, row by row.
    """
    boxes = b"".join(struct.pack(">4f", *box) for box in row["boxes"])
    drawn = None if scribble is None else _image_digest(scribble.shape, scribble.tobytes())
    return b"".join(map(frame, (row["sample_id"], boxes, drawn, _json(row["explanation"]))))


def row_digest(row: Mapping[str, Any]) -> str:
    """SHA-256, hexadecimal, over every stored value of a sample: any flipped bit changes it.

    The image's bytes enter by their own SHA-256, which is stored beside them.
    """
    image = frame(row["image"]["path"]) + frame(row["sha256"])
    rest = b"".join(frame(_plain(row[name])) for name in COLUMNS if name != "image")
    return hashlib.sha256(frame(image) + rest).hexdigest()


def _json(value: object) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> str | bytes | None:  # noqa: ANN401
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict) and "bytes" in value:
        return frame(value["path"]) + frame(value["bytes"])
    if isinstance(value, list):
        return b"".join(struct.pack(">4f", *box) for box in value)
    return _json(value)
