"""Building from 384×256 JPEG files: against a loop that only reads, hashes and decodes, and against `imagefolder`."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

import forgebench
from perf.common import blob, in_turn, machine, photographs, seconds, table

PHOTOS = Path(forgebench.__file__).parent / "demo/photos"
SIZE = 384, 256


def make(folder: Path, n: int, label: str) -> None:
    """N crops of photographs as JPEG, with masks where they are tampered."""
    rng = np.random.default_rng(0)
    pictures = photographs(PHOTOS)
    names = ("authentic",) if label == "authentic" else ("tampered", "masks")
    for name in names:
        (folder / name).mkdir(parents=True)
    masks = [blob(rng, SIZE[1], SIZE[0]) for _ in range(50)]
    for i in range(n):
        picture = Image.fromarray(pictures[i % len(pictures)])
        left, top = (int(rng.integers(0, max(1, have - want))) for have, want in zip(picture.size, SIZE, strict=True))
        crop = picture.crop((left, top, left + SIZE[0], top + SIZE[1]))
        # About 40 kB a file, as in CASIA v1.
        crop.save(folder / f"{label}/{i:06d}.jpg", quality=95)
        if label == "tampered":
            Image.fromarray(masks[i % 50]).save(folder / f"masks/{i:06d}.png")


def floor(folder: Path) -> None:
    """Read, hash and decode every file."""
    for path in sorted(folder.rglob("*.*")):
        data = path.read_bytes()
        hashlib.sha256(data).digest()
        Image.open(BytesIO(data)).load()


def _header_only(data: bytes) -> tuple[tuple[int, int], int]:
    with Image.open(BytesIO(data)) as image:
        return image.size, 1


def _imagefolder(source: Path, out: Path, workers: int) -> None:
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(source), cache_dir=str(out / "cache"), num_proc=workers, split="train"
    )
    loaded.cast_column("image", datasets.Image(decode=False)).to_parquet(str(out / "data.parquet"))


def _fresh(out: Path, function: Callable[[Path], object]) -> Callable[[], object]:
    def run() -> object:
        shutil.rmtree(out, ignore_errors=True)
        return function(out)

    return run


def measure(n: int) -> None:
    """Time a build of authentic and of tampered images on one core, and one without decoding beside `imagefolder`."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for label in ("authentic", "tampered"):
            source = root / label
            make(source, n, label)
            build = _fresh(root / "out", lambda out, source=source: forgebench.build("folder", source, out, workers=1))
            least, ours = in_turn(lambda source=source: floor(source), build)
            rows += [
                (f"{label}: read, hash and decode alone, one core", f"{n / least:.0f} images/s"),
                (f"{label}: `forgebench.build`, one core", f"{n / ours:.0f} images/s"),
                (f"{label}: share of the floor's speed", f"{least / ours:.2f}"),
            ]
        cores = os.cpu_count() or 1
        with mock.patch.object(import_module("forgebench.sources.read"), "image_size", _header_only):
            build = _fresh(root / "out", lambda out: forgebench.build("folder", root / "authentic", out, workers=1))
            ours = seconds(build)
        theirs = seconds(_fresh(root / "hf", lambda out: _imagefolder(root / "authentic", out, 1)))
        two = seconds(_fresh(root / "hf", lambda out: _imagefolder(root / "authentic", out, cores)))
    rows += [
        ("authentic, decoding off: `forgebench.build`, one process", f"{n / ours:.0f} images/s"),
        ("`imagefolder` and `to_parquet`, one process", f"{n / theirs:.0f} images/s"),
        (f"`imagefolder` and `to_parquet`, {cores} processes", f"{n / two:.0f} images/s"),
    ]
    table(f"Building {n} images of {SIZE[0]}×{SIZE[1]} ({machine()})", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=2000)
    measure(parser.parse_args().n)
