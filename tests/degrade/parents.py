"""Benchmarks to be degraded: the mask can be seen in the pixels, and every kind of file is there."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forgebench.benchmark import Benchmark, Facts
from forgebench.benchmark.assemble import assemble
from forgebench.benchmark.rows import row_of
from forgebench.benchmark.write import Job
from forgebench.schema import Item
from forgebench.sources.files import sha256

Bits = NDArray[np.bool_]
Pixels = NDArray[np.uint8]

KINDS = ("colour", "jpeg", "turned", "alpha", "palette", "grey", "grey16", "webp")
"""Of the samples `KIND-t` (tampered) and `KIND-a` (authentic)."""


def region(kind: str) -> Bits:
    """An L, so that a turned or flipped mask shows; shape (H, W) as displayed."""
    index = KINDS.index(kind)
    mask = np.zeros((88 + 4 * index, 120 + 3 * index), bool)
    mask[20:62, 30 + index : 52 + index] = True
    mask[44:62, 30 + index : 84 + index] = True
    return mask


def scene(mask: Bits, seed: int) -> Pixels:
    """Dark and rough where authentic, bright where tampered, shape (H, W, 3)."""
    rough = np.random.default_rng(seed).integers(0, 24, (*mask.shape, 3), np.uint8)
    return (rough + 64 + 96 * mask[..., None]).astype(np.uint8)


def file_of(kind: str, pixels: Pixels) -> tuple[bytes, str]:
    """The scene as a file of this kind, and its suffix."""
    picture = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[274] = 6
    grey = pixels[..., 0]
    made = {
        "colour": (picture, "PNG", {}),
        "jpeg": (picture, "JPEG", {"quality": 95}),
        # What is displayed is the stored picture turned a quarter clockwise.
        "turned": (picture.transpose(Image.Transpose.ROTATE_90), "JPEG", {"quality": 95, "exif": exif}),
        "alpha": (Image.fromarray(np.dstack([pixels, grey])), "PNG", {}),
        "palette": (picture.quantize(64), "PNG", {}),
        "grey": (Image.fromarray(grey), "PNG", {}),
        "grey16": (Image.fromarray(grey.astype(np.uint16) * 257), "PNG", {}),
        "webp": (picture, "WEBP", {"quality": 95}),
    }
    image, written, options = made[kind]
    return saved(image, written, **options), written.lower()


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def item(name: str, data: bytes, mask: Bits | None, size: tuple[int, int], **more: object) -> Item:
    """A sample, authentic where its mask is empty."""
    authentic = mask is not None and not mask.any()
    explanation = {"type": "splice", "area": "middle (x 30-84, y 20-61)", "content": "an L", "evidence": "it glows"}
    fields = {
        "sample_id": name, "label": "authentic" if authentic else "tampered", "image": data,
        "image_name": f"{name}.img", "sha256": sha256(data), "size": size, "group": name.rpartition("-")[0] or name,
        "mask": mask,
        "manipulation": None if authentic else "splice", "explanation": None if authentic else explanation,
        "provenance": json.dumps({"drawn by": "hand"}) if name.startswith("colour") else None,
    }  # fmt: skip
    return Item(**(fields | more))


def samples(kinds: tuple[str, ...] = KINDS) -> list[Item]:
    found = []
    for kind in kinds:
        mask = region(kind)
        split = "train" if kind == "palette" else "test"
        for end, truth in (("t", mask), ("a", np.zeros_like(mask))):
            data, _ = file_of(kind, scene(truth, KINDS.index(kind)))
            source = np.roll(mask, 9, axis=0) if (kind, end) == ("grey", "t") else None
            found.append(item(f"{kind}-{end}", data, truth, mask.shape, split=split, source_mask=source))
    return found


def build(out: Path, items: list[Item]) -> Benchmark:
    facts = Facts(
        name="shapes", title="Shapes", source="by hand", licence="CC0-1.0", redistributable=True, homepage="https://a.b",
        citation="", prose="Shapes.", year=2026, expected={}, derived={"mask": "exact"},
    )  # fmt: skip
    jobs = [Job(one.sample_id + one.sha256, one.split, len(one.image), one) for one in items]
    return assemble(out, facts, jobs, row_of, what="building", workers=1)


def displayed(data: bytes) -> Pixels:
    """A file's pixels in colour, as a method sees them."""
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def bits(cell: dict | None) -> Bits | None:
    return None if cell is None else np.asarray(Image.open(BytesIO(cell["bytes"]))) > 0


def seen(pixels: Pixels, mask: Bits, noisy: bool) -> Bits:
    """What shines: above the middle between the mean inside and outside of the mask."""
    luma = ndimage.uniform_filter(pixels.astype(float).mean(axis=2), 5 if noisy else 1)
    return luma > (luma[mask].mean() + luma[~mask].mean()) / 2


def check_aligned(pixels: Pixels, mask: Bits, reach: float, *, noisy: bool = False) -> None:
    """The mask is where the pixels shine, but for those near its outline."""
    assert pixels.shape[:2] == mask.shape
    near = np.maximum(ndimage.distance_transform_edt(mask), ndimage.distance_transform_edt(~mask)) <= reach
    wrong = seen(pixels, mask, noisy) != mask
    assert not wrong[~near].any(), f"{wrong[~near].sum()} pixels off the outline disagree"
