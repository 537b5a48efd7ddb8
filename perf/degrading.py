"""Degrading 384×256 JPEG files: against a loop that only decodes each image and encodes it with the same encoder."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image

import forgebench
from forgebench.benchmark import Benchmark
from perf.building import SIZE, make
from perf.common import in_turn, machine, peak_mb, seconds, table

ENCODERS: dict[str, tuple[str, dict[str, int]]] = {
    "jpeg-70": ("JPEG", {"quality": 70, "subsampling": 2}),
    "whatsapp": ("JPEG", {"quality": 75, "subsampling": 2}),
    "webp-80": ("WEBP", {"quality": 80}),
    "noise-5": ("PNG", {"compress_level": 1}),
    "blur-2": ("PNG", {"compress_level": 1}),
    "motion-blur-9": ("PNG", {"compress_level": 1}),
    "resize-0.5": ("PNG", {"compress_level": 1}),
    "crop-0.75": ("PNG", {"compress_level": 1}),
}
"""What writes the file at the end of each recipe, as Pillow is asked for it."""


def floor(made: Benchmark, parent: Benchmark, kind: str, options: dict[str, int]) -> Callable[[], object]:
    """Decode the parent's files, and encode pixels like those of the result with the same encoder."""
    before = [row["image"]["bytes"] for row in parent.rows("test", ["image"])]
    after = [Image.open(BytesIO(row["image"]["bytes"])).convert("RGB") for row in made.rows("test", ["image"])]

    def run() -> None:
        for data, pixels in zip(before, after, strict=True):
            Image.open(BytesIO(data)).load()
            pixels.save(BytesIO(), kind, **options)

    return run


def measure(n: int) -> None:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make(root / "in", n, "tampered")
        parent = forgebench.build("folder", root / "in", root / "parent", workers=1)

        def degrade(recipe: str, workers: int = 1) -> Benchmark:
            shutil.rmtree(root / "out", ignore_errors=True)
            return forgebench.degrade(parent, root / "out", recipe=recipe, workers=workers)

        for recipe, (kind, options) in ENCODERS.items():
            decode_and_encode = floor(degrade(recipe), parent, kind, options)
            least, ours = in_turn(decode_and_encode, lambda recipe=recipe: degrade(recipe), repeats=3)
            rows.append((f"{recipe}: decode and encode alone", f"{n / least:.0f} images/s"))
            rows.append((f"{recipe}: `forgebench.degrade`, one core", f"{n / ours:.0f} images/s"))
            rows.append((f"{recipe}: share of the floor's speed", f"{least / ours:.2f}"))
        one, two = in_turn(lambda: degrade("noise-5"), lambda: degrade("noise-5", workers=2), repeats=3)
        rows.append(("noise-5: two workers against one", f"{one / two:.2f} times"))
        verify = seconds(lambda: forgebench.verify(parent.path, workers=1))
        rows.append(("of each: verifying the parent first", f"{1000 * verify / n:.2f} ms an image"))
        rows.append(("peak memory", f"{peak_mb():.0f} MB"))
    table(f"Degrading {n} tampered images of {SIZE[0]}×{SIZE[1]} ({machine()})", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=500)
    measure(parser.parse_args().n)
