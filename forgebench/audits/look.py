"""One look at each sample: all that the audit needs to know of it, from one decoding."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from forgebench.audits import container, masks, pixels
from forgebench.audits.masks import Found, Regions
from forgebench.benchmark.cells import mask_of
from forgebench.benchmark.opened import Benchmark, RowGroup
from forgebench.errors import InputError
from forgebench.sources.files import UNDECODABLE

_COLUMNS = (
    "sample_id", "image", "label", "manipulation", "boxes", "mask", "width", "height", "group", "provenance", "sha256",
)  # fmt: skip

Floats = NDArray[np.float64]


@dataclass
class Look:
    """What one sample turned out to be."""

    benchmark: str
    split: str
    sample_id: str
    group: str
    tampered: bool
    manipulation: str | None
    sha256: str
    size: tuple[int, int]
    """Width and height as displayed, pixels."""
    kinds: tuple[str, ...]
    """In the order of `container.KINDS`."""
    file: Floats
    """In the order of `container.NUMBERS`."""
    image: Floats
    """In the order of `pixels.NUMBERS`."""
    hash: bytes | None
    """Perceptual, 32 bytes; None for a flat image."""
    thumbnail: NDArray[np.uint8] | None
    """Shape (64, 64), mean luma; dropped once compared."""
    cells: NDArray[np.uint8] | None
    """Shape (64, 64): how much of each cell is tampered, 255 is all; dropped once compared."""
    has_mask: bool
    regions: Regions | None
    """Of a tampered image with a mask that marks something."""
    photos: tuple[str, ...]
    """SHA-256 of the photographs that a synthetic sample was made of, its host first."""
    findings: list[Found]


@dataclass(frozen=True)
class Job:
    """A row group to look at."""

    rows: RowGroup
    benchmark: str
    split: str


def jobs(benchmark: Benchmark, name: str) -> list[Job]:
    """The row groups of all splits, in order; `name` is the benchmark's in the audit."""
    return [Job(rows, name, split) for split in benchmark.splits for rows in benchmark.row_groups(split)]


def look(job: Job) -> list[Look]:
    """Look at all samples of a row group.

    Raises:
        InputError: If an image or a mask cannot be decoded.
    """
    return [_look(job, row) for row in job.rows.read(_COLUMNS)]


def _look(job: Job, row: Mapping[str, Any]) -> Look:
    try:
        return _looked(job, row)
    except UNDECODABLE as error:
        raise InputError(
            f"{row['sample_id']} of {job.benchmark} cannot be read: {error}. "
            f"Run: forgebench verify {job.rows.file.parent.parent}"
        ) from error


def _looked(job: Job, row: Mapping[str, Any]) -> Look:
    data, tampered, size = row["image"]["bytes"], row["label"] == 1, (row["width"], row["height"])
    with Image.open(BytesIO(data)) as opened:
        numbers, kinds = container.describe(opened, size, len(data), row["image"]["path"])
        rgb = ImageOps.exif_transpose(opened).convert("RGB")
    gray = rgb.convert("L")
    values = np.asarray(gray).astype(np.float32)
    mask = mask_of(row["mask"])
    if tampered:
        regions, findings = masks.check_tampered(mask, row["boxes"], row["manipulation"])
    else:
        regions, findings = None, list(masks.check_authentic(mask))
    return Look(
        job.benchmark, job.split, row["sample_id"], row["group"], tampered, row["manipulation"], row["sha256"], size,
        tuple(kinds), np.array(numbers), np.array(pixels.statistics(rgb, values)),
        pixels.perceptual_hash(gray, float(values.std())), pixels.thumbnail(gray),
        masks.coverage(mask) if mask is not None and regions else None, mask is not None, regions,
        tuple(_photos(row["provenance"], tampered)), findings,
    )  # fmt: skip


def _photos(provenance: str | None, tampered: bool) -> Iterator[str]:
    """The photographs named in a sample's provenance; an authentic one was made of its host alone."""
    told = json.loads(provenance) if provenance else {}
    for role in ("host", "donor") if tampered else ("host",):
        yield from _sha256_of(told, role)


def _sha256_of(told: Any, role: str) -> Iterator[str]:  # noqa: ANN401
    """Every `ROLE_sha256`, and every `sha256` of a ROLE, at any depth."""
    if isinstance(told, dict):
        if isinstance(told.get(f"{role}_sha256"), str):
            yield told[f"{role}_sha256"]
        if isinstance(told.get(role), dict) and isinstance(told[role].get("sha256"), str):
            yield told[role]["sha256"]
        told = [value for key, value in told.items() if key != role]
    if isinstance(told, list):
        for value in told:
            yield from _sha256_of(value, role)
