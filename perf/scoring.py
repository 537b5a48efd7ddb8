"""Scoring 512×512 predictions from stored 8-bit masks: against the decoding floor and against scikit-learn."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.metrics import average_precision_score, roc_auc_score

import forgebench
from forgebench.metrics import pixel_counts, pixel_numbers
from perf.common import blob, machine, peak_mb, seconds, smooth, table

SIDE = 512
SKLEARN_IMAGES = 20


def make(folder: Path, n: int) -> None:
    """A benchmark of n tampered images and a submission for it; 50 different pictures are used again and again."""
    rng = np.random.default_rng(0)
    masks = [blob(rng, SIDE, SIDE) for _ in range(50)]
    heats = [smooth(rng, SIDE, SIDE) for _ in range(50)]
    for name in ("tampered", "masks"):
        (folder / "source" / name).mkdir(parents=True)
    for i in range(n):
        Image.fromarray(heats[i % 50]).save(folder / f"source/tampered/{i:06d}.jpg", quality=30)
        Image.fromarray(masks[i % 50]).save(folder / f"source/masks/{i:06d}.png")
    benchmark = forgebench.build("folder", folder / "source", folder / "benchmark")
    ids = benchmark.to_frame()["sample_id"]
    predictions = (forgebench.Prediction(s, 0.5, heats[i % 50]) for i, s in enumerate(ids))
    forgebench.write_submission(
        folder / "submission", predictions, benchmark=benchmark, method="smooth", supervision="zero-shot"
    )


def measure(n: int) -> None:
    """Time the pass and its parts on one core."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, n)
        benchmark = forgebench.open_benchmark(folder / "benchmark")
        files = [path.read_bytes() for path in sorted((folder / "submission/masks").iterdir())]
        truths = [row["mask"]["bytes"] for row in benchmark.rows("test", ["mask"])]

        def decode() -> None:
            for data in (*files, *truths):
                np.asarray(Image.open(BytesIO(data)))

        def score(workers: int = 1) -> None:
            forgebench.score(folder / "submission", benchmark, workers=workers)

        floor, whole = seconds(decode), seconds(score)
        two = seconds(lambda: score(2))
        heat, mask = np.asarray(Image.open(BytesIO(files[0]))), np.asarray(Image.open(BytesIO(truths[0])))
        ours = seconds(lambda: [pixel_numbers(pixel_counts(heat, mask)) for _ in range(100)]) / 100
        truth, values = (mask > 0).ravel(), heat.ravel()

        def sklearn() -> None:
            roc_auc_score(truth, values)
            average_precision_score(truth, values)

        theirs = seconds(lambda: [sklearn() for _ in range(SKLEARN_IMAGES)], 2) / SKLEARN_IMAGES
        memory = {count: _memory(count) for count in (n // 4, n)}
    table(
        f"Scoring {n} images of {SIDE}×{SIDE} ({machine()})",
        [
            ("decoding the PNG files alone, one core", f"{floor / n * 1e3:.2f} ms an image"),
            ("`forgebench.score`, one core, intervals included", f"{whole / n * 1e3:.2f} ms an image"),
            ("share of it that is decoding", f"{floor / whole:.0%}"),
            ("two workers against one", f"{whole / two:.2f} times"),
            ("all pixel metrics at all thresholds, one core", f"{ours * 1e3:.2f} ms an image"),
            ("scikit-learn's AUC and AP on the same arrays", f"{theirs * 1e3:.1f} ms an image"),
            ("ratio", f"{theirs / ours:.0f} times"),
            *((f"peak memory, {count} images", f"{mb:.0f} MB") for count, mb in memory.items()),
        ],
    )


def _memory(n: int) -> float:
    done = subprocess.run(
        [sys.executable, "-m", "perf.scoring", "--memory", str(n)], check=True, capture_output=True, text=True
    )
    return float(json.loads(done.stdout))


def memory(n: int) -> None:
    """Score n images in this process and print its peak memory; the data are made in another."""
    with tempfile.TemporaryDirectory() as name:
        code = f"from pathlib import Path; from perf.scoring import make; make(Path({name!r}), {n})"
        subprocess.run([sys.executable, "-c", code], check=True)
        forgebench.score(Path(name) / "submission", forgebench.open_benchmark(Path(name) / "benchmark"), workers=1)
    print(json.dumps(peak_mb()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--memory", type=int)
    arguments = parser.parse_args()
    if arguments.memory:
        memory(arguments.memory)
    else:
        measure(arguments.n)
