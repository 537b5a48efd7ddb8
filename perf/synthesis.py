"""Forging at 1024 pixels: against decoding and encoding alone, and beside a plain copy-move script."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from io import BytesIO
from itertools import cycle, islice
from pathlib import Path

import albumentations
import cv2
import numpy as np
from PIL import Image

import forgebench
from forgebench.demo import PHOTOS
from forgebench.synthesis import Photo, list_photos
from forgebench.synthesis.plan import read_plan
from perf.common import in_turn, machine, peak_mb, seconds, table

QUALITY = 90
RECIPE = f"""
description = "{{0}} at 1024 pixels."
kinds = ["{{0}}"]
[photo]
max_side = 1024
[geometry]
scale = [0.8, 1, 1, 1.25]
rotation = [-20, 0, 0, 20]
flip = 0.5
[seam]
blend = {{{{ hard = 1, feathered = 1 }}}}
[save.jpeg]
quality = [{QUALITY}, {QUALITY}]
subsampling = {{{{ "4:2:0" = 1 }}}}
"""


def _large(folder: Path) -> list[Photo]:
    """The bundled photographs of 1024 pixels, as a camera's JPEG of quality 95."""
    folder.mkdir()
    for path in PHOTOS.glob("*.jpg"):
        with Image.open(path) as image:
            if max(image.size) == 1024:
                image.save(folder / path.name, quality=95, subsampling=0)
    return list_photos(folder)


def _encoded(image: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling=2)
    return buffer.getvalue()


def _decoded(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(Path(path).read_bytes())).convert("RGB"))


def floor(used: list[list[str]]) -> None:
    """Decode every photograph that a sample is made of, and encode the first."""
    for paths in used:
        host, *_ = [_decoded(path) for path in paths]
        _encoded(host)


def plain(photos: list[Photo], n: int) -> None:
    """A copy-move as one would write it in an afternoon: a turned rectangle, no gates, no truth but the mask."""
    rng = np.random.default_rng(0)
    turn = albumentations.Compose([albumentations.Affine(scale=(0.8, 1.25), rotate=(-20, 20), p=1)], seed=0)
    for photo in islice(cycle(photos), n):
        image = _decoded(photo.path).copy()
        height, width = image.shape[:2]
        h, w = height // 4, width // 4
        (y, x), (top, left) = ((int(rng.integers(height - h)), int(rng.integers(width - w))) for _ in range(2))
        moved = turn(image=image[y : y + h, x : x + w], mask=np.full((h, w), 255, np.uint8))
        mask = np.zeros((height, width), np.uint8)
        mask[top : top + h, left : left + w] = moved["mask"]
        image[top : top + h, left : left + w][moved["mask"] > 0] = moved["image"][moved["mask"] > 0]
        _encoded(image)
        cv2.imencode(".png", mask)


def _made_of(benchmark: forgebench.Benchmark, photos: list[Photo]) -> list[list[str]]:
    """Of every sample the paths of its host and its donors."""
    by_sha = {photo.sha256: photo.path for photo in photos}
    plans = [read_plan(row["provenance"]) for row in benchmark.rows("test", ("provenance",))]
    sources = [[plan.host, *(step.donor for step in plan.steps if step.donor)] for plan in plans]
    return [[by_sha[source.sha256] for source in one] for one in sources]


def measure(n: int) -> None:
    """Time splices and copy-moves on one core and on all, and what a hundred thousand samples would take."""
    cv2.setNumThreads(1)
    rows, cores = [], os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        photos = _large(root / "photos")
        for kind in ("splice", "copy_move"):
            recipe = root / f"{kind}.toml"
            recipe.write_text(RECIPE.format(kind))

            def forge(workers: int = 1, recipe: Path = recipe) -> forgebench.Benchmark:
                shutil.rmtree(root / "out", ignore_errors=True)
                return forgebench.synthesize(root / "photos", root / "out", n=n, recipe=str(recipe), workers=workers)

            used = _made_of(forge(), photos)
            least, ours = in_turn(_of(floor, used), forge, 3)
            one, two = in_turn(forge, _of(forge, cores), 3)
            size = sum(file.stat().st_size for file in (root / "out").rglob("*.parquet")) / n
            rows += [
                (
                    f"{kind}: decoding the photographs and encoding the result alone, one core",
                    f"{1e3 * least / n:.1f} ms",
                ),
                (
                    f"{kind}: `forgebench.synthesize`, one core: a sample, its annotations and its row",
                    f"{1e3 * ours / n:.1f} ms",
                ),
                (f"{kind}: share of the floor's speed", f"{least / ours:.2f}"),
                (f"{kind}: {cores} workers against one", f"{one / two:.2f} times"),
                (
                    f"{kind}: 100 000 samples with {cores} workers",
                    f"{two / n * 1e5 / 3600:.1f} h, {size * 1e5 / 1e9:.0f} GB",
                ),
            ]
        script = seconds(_of(plain, photos, n))
        rows.append(
            ("a plain albumentations and cv2 copy-move script, image and mask, one core", f"{1e3 * script / n:.1f} ms")
        )
    rows.append(("peak memory", f"{peak_mb():.0f} MB"))
    table(f"Forging {n} samples of 1024 pixels, hard and feathered seams ({machine()})", rows)


def _of(function: Callable[..., object], *arguments: object) -> Callable[[], object]:
    return lambda: function(*arguments)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200)
    measure(parser.parse_args().n)
