"""Many images: built in memory that stays flat, killed at random moments and continued to the same benchmark."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from counts import count
from PIL import Image

import forgebench

_KILLS = 5
_CODE = """
import json, resource, sys, forgebench
made = forgebench.build("folder", sys.argv[1], sys.argv[2], workers=1)
print(json.dumps({"hash": made.content_hash, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def _images(root: Path, n: int) -> Path:
    """Half of them tampered, of 50 patterns, each with a line of its own."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 256, (50, 16, 16, 3), np.uint8)
    mask = np.zeros((16, 16), bool)
    mask[4:9, 5:11] = True
    for name in ("authentic", "tampered", "masks"):
        (root / name).mkdir(parents=True)
    for index in range(n):
        pixels = patterns[index % 50].copy()
        pixels[0, :4, 0] = np.frombuffer(index.to_bytes(4), np.uint8)
        kind = "tampered" if index % 2 else "authentic"
        Image.fromarray(pixels).save(root / kind / f"{index:06d}.png", compress_level=1)
        if index % 2:
            Image.fromarray(mask).save(root / "masks" / f"{index:06d}.png")
    return root


def _build(source: Path, out: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (Path(forgebench.__file__).parents[1],)))}
    return subprocess.Popen(
        [sys.executable, "-c", _CODE, str(source), str(out)], stdout=subprocess.PIPE, text=True, env=environment
    )


def _finished(process: subprocess.Popen[str]) -> dict[str, float | str]:
    said, _ = process.communicate()
    assert process.returncode == 0
    found: dict[str, float | str] = json.loads(said)
    return found


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_killed_five_times_and_continued(tmp_path: Path) -> None:
    n = count(2000, 100_000)
    source = _images(tmp_path / "source", n)
    start = time.monotonic()
    straight = _finished(_build(source, tmp_path / "straight" / "b"))
    lasted = time.monotonic() - start
    chance, manifest = random.Random(0), tmp_path / "killed" / "b" / "forgebench.json"
    for _ in range(_KILLS):
        process = _build(source, tmp_path / "killed" / "b")
        try:
            process.wait(timeout=chance.uniform(0.1, 0.25) * lasted)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        if manifest.exists():  # written last: killed or not, all of it is there
            break
    else:
        _finished(_build(source, tmp_path / "killed" / "b"))
    killed, whole = (forgebench.open_benchmark(tmp_path / name / "b") for name in ("killed", "straight"))
    assert killed.content_hash == whole.content_hash == straight["hash"]
    assert killed.manifest == whole.manifest
    assert forgebench.verify(tmp_path / "killed" / "b") == []


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_memory_hardly_grows_with_the_number_of_images(tmp_path: Path) -> None:
    """Names, hashes and digests are kept, some 3 KB an image; pixels are not."""
    few, many = 500, count(2000, 100_000)
    peaks = [
        float(_finished(_build(_images(tmp_path / f"s{n}", n), tmp_path / f"b{n}"))["mb"]) for n in (few, many)
    ]
    assert (peaks[1] - peaks[0]) * 1024 < 3 * (many - few) + 20_000, f"{peaks} MB for {few} and {many} images"
