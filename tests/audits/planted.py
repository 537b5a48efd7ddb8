"""Benchmarks made sample by sample, so that anything can be planted in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from forgebench.benchmark import Benchmark, Facts
from forgebench.benchmark.assemble import assemble
from forgebench.benchmark.rows import row_of
from forgebench.benchmark.write import Job
from forgebench.schema import Item

Pixels = NDArray[np.uint8]
WIDTH, HEIGHT = 96, 64


def scene(seed: int, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """A picture of shapes of several sizes and some noise, unlike every other seed's; shape (height, width, 3)."""
    rng = np.random.default_rng([seed, 77])
    picture = rng.normal(0, 6, (height, width, 3)) + 128
    for rows, strength in ((4, 45), (8, 30), (20, 18)):
        coarse = Image.fromarray(rng.integers(0, 256, (rows, rows * 3 // 2, 3), np.uint8))
        soft = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(np.float64)
        picture += (soft - 128) * strength / 64
    return np.clip(picture, 0, 255).astype(np.uint8)


def box(left: int = 30, top: int = 20, width: int = 20, height: int = 16) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def forged(pixels: Pixels, mask: NDArray[np.bool_], seed: int) -> Pixels:
    """With another scene inside the mask, feathered."""
    alpha = ndimage.gaussian_filter(mask.astype(np.float64), 1.5)[..., None]
    return np.round(alpha * scene(seed + 5000) + (1 - alpha) * pixels).astype(np.uint8)


def encoded(pixels: Pixels, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def sample(
    sample_id: str, data: bytes, mask: NDArray[np.bool_] | None = None, *, tampered: bool | None = None,
    group: str | None = None, split: str = "test", name: str = "x.png", **more: Any,
) -> Item:  # fmt: skip
    """A sample; with a mask it is tampered unless said otherwise, and authentic without one."""
    is_tampered = mask is not None if tampered is None else tampered
    with Image.open(BytesIO(data)) as image:
        size = (image.height, image.width)
    truth = mask if mask is not None or is_tampered else np.zeros(size, bool)
    return Item(
        sample_id, "tampered" if is_tampered else "authentic", data, name, hashlib.sha256(data).hexdigest(), size,
        group or sample_id, split, mask=truth, **more,
    )  # fmt: skip


def pair(index: int, authentic: bytes, tampered: bytes, mask: NDArray[np.bool_], **more: Any) -> list[Item]:
    group = f"g{index}"
    return [
        sample(f"a{index}", authentic, group=group, **more),
        sample(f"t{index}", tampered, mask, group=group, **more),
    ]


def null_pair(index: int, seed: int, **more: Any) -> list[Item]:
    """A forgery and its original that passed one pipeline."""
    number = 1000 * seed + index
    rng = np.random.default_rng([number, 3])
    quality = int(rng.integers(70, 96))
    mask = box(int(rng.integers(2, 70)), int(rng.integers(2, 44)))
    original = scene(number)
    files = [encoded(one, "JPEG", quality=quality) for one in (original, forged(original, mask, number))]
    return pair(index, *files, mask, name="x.jpg", **more)


def build(path: Path, items: Iterable[Item]) -> Benchmark:
    facts = Facts(
        name=path.name, title=path.name, source="planted", licence="none", redistributable=False, homepage="",
        citation="", prose="Planted.", year=None, expected={}, derived={},
    )  # fmt: skip
    jobs = [Job(one.sample_id, one.split, len(one.image), one) for one in items]
    return assemble(path, facts, jobs, row_of, what="building", workers=1)
