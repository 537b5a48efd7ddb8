"""Bringing a benchmark into FiftyOne, and the report's size: `python -m perf.looking [-n 10000] [--report 1000]`.

Photographs' crops of 384×256 pixels; half are tampered. Each import is a process with a database of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import forgebench
from forgebench import controls
from forgebench.browse import browse
from forgebench.report import write_report
from perf.building import make
from perf.common import machine, peak_mb, table


def built(root: Path, n: int) -> Path:
    """A benchmark of n samples in Parquet, and the edge detector's score of it."""
    for label in ("authentic", "tampered"):
        make(root / "in", n // 2, label)
    benchmark = forgebench.build("folder", root / "in", root / "bench", workers=2)
    submission = forgebench.predict(controls.edges(), benchmark, root / "sub.parquet")
    forgebench.score(submission, benchmark, root / "score", without=("boundary", "regions"))
    return root / "score"


def imported(root: str) -> None:
    """Import twice, and print the seconds of each, of a second score's fields, and the most memory, MB."""
    benchmark, times = forgebench.open_benchmark(f"{root}/bench"), []
    for scores in ([], [], [f"{root}/score"]):
        began = time.perf_counter()
        browse(benchmark, scores)
        times.append(time.perf_counter() - began)
    print(*times, peak_mb())


def imports(n: int) -> None:
    """Time and memory for a quarter, a half and all."""
    rows = []
    for images in (n // 4, n // 2, n):
        with tempfile.TemporaryDirectory() as name:
            built(Path(name), images)
            where = {"FIFTYONE_DATABASE_DIR": f"{name}/db", "FIFTYONE_DEFAULT_DATASET_DIR": f"{name}/data"}
            code = f"from perf.looking import imported; imported({name!r})"
            done = subprocess.run(
                [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=os.environ | where
            )
            first, again, score, peak = map(float, done.stdout.split()[-4:])
        rows.append((
            f"{images} samples: import, again, a score of them, peak memory",
            f"{first:.1f} s, {again:.1f} s, {score:.1f} s, {peak:.0f} MB",
        ))  # fmt: skip
    table("`forgebench browse`", rows)


def reported(n: int) -> None:
    """Size of the page and seconds to write it."""
    with tempfile.TemporaryDirectory() as name:
        score = built(Path(name), n)
        began = time.perf_counter()
        size = write_report([score]).stat().st_size
        table("`forgebench report`", [(f"{n} images", f"{size / 1e6:.1f} MB, {time.perf_counter() - began:.1f} s")])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=10_000, help="samples that are imported")
    parser.add_argument("--report", type=int, default=1000, help="images of the report")
    arguments = parser.parse_args()
    print(machine())
    reported(arguments.report)
    imports(arguments.n)
