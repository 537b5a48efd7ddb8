"""Memory stays flat with the number of samples, and every one of many samples keeps the promises."""

from __future__ import annotations

import gc
from io import BytesIO

import numpy as np
import psutil
import pytest
from counts import count
from PIL import Image

from forgebench.synthesis import samples
from synthesis.making import photos, recipe

KINDS = ("splice", "copy_move", "removal", "mixed")


@pytest.mark.soak
def test_memory_is_flat_over_many_samples() -> None:
    made = recipe(
        *KINDS, photo={"max_side": 144}, region={"area": [0.02, 0.1]}, removal={"fill": {"telea": 1, "patch": 1}},
        geometry={"scale": [0.8, 1.2], "rotation": [-20, 20], "perspective": [0, 0.1]},
        seam={"blend": dict.fromkeys(("hard", "feathered", "laplacian", "poisson"), 1)},
    )  # fmt: skip
    n, process = count(500, 10_000), psutil.Process()
    held, kinds, seen = [], set(), set()
    for number, sample in enumerate(samples(made, photos(), 8, n=n)):
        if number % (n // 10) == n // 10 - 2:
            gc.collect()
            held.append(process.memory_info().rss / 2**20)
        seen.add(sample["sample_id"])
        kinds.add(sample["manipulation"])
        assert (sample["label"] == 1) == bool(np.any(sample["mask"])) == bool(sample["boxes"])
        with Image.open(BytesIO(sample["image"])) as image:
            assert image.size == (sample["width"], sample["height"]) == sample["mask"].shape[::-1]
    assert kinds == {None, *KINDS}
    assert len(seen) > 0.95 * n
    assert max(held[2:]) - held[1] < 60, f"{held} MB"
