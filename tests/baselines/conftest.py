"""A small benchmark to train on: squares of noise in smooth pictures, at all four levels of annotation."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import forgebench
from forgebench.demo import PHOTOS

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"
"""Processes that tests start sum in the order of this one: another number of threads rounds otherwise."""


def make_benchmark(folder: Path, pairs: int, seed: int = 0) -> Path:
    """So many tampered and authentic pictures of 40 to 72 pixels; a forgery is a patch of noise."""
    rng = np.random.default_rng(seed)
    for kind in ("tampered", "authentic", "masks"):
        (folder / "in" / kind).mkdir(parents=True)
    for index in range(pairs):
        height, width = rng.integers(40, 72, 2)
        ramp = np.linspace(60, 180, width)[None, :, None] + rng.normal(0, 3, (height, width, 3))
        mask = np.zeros((height, width), bool)
        top, left = rng.integers(2, height // 2), rng.integers(2, width // 2)
        mask[top : top + height // 3, left : left + width // 3] = True
        forged = np.where(mask[..., None], rng.integers(0, 256, ramp.shape), ramp)
        for kind, pixels in (("tampered", forged), ("authentic", ramp)):
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "in" / kind / f"{index:03}.png")
        Image.fromarray(mask).save(folder / "in" / "masks" / f"{index:03}.png")
    forgebench.build("folder", folder / "in", folder / "benchmark", workers=1)
    return folder / "benchmark"


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """16 tampered and 16 authentic pictures, in the split `test`."""
    return make_benchmark(tmp_path_factory.mktemp("train"), 16)


@pytest.fixture(scope="session")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 pictures to know by heart."""
    return make_benchmark(tmp_path_factory.mktemp("eight"), 4, seed=1)


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small forgeries whose truth is explained: 20 images to train on, 12 of other photographs to test."""
    folder = tmp_path_factory.mktemp("told")
    about = 'name = "little"\ndescription = "For a test."\nkinds = ["splice"]\nphoto = { max_side = 128 }\n'
    (folder / "little.toml").write_text(about)
    shares = {"train": 0.6, "test": 0.4}
    recipe = str(folder / "little.toml")
    forgebench.synthesize(PHOTOS, folder / "benchmark", n=32, recipe=recipe, splits=shares, workers=1)
    return folder / "benchmark"


@pytest.fixture(autouse=True)
def _as_before():
    """Training may demand deterministic algorithms; others need not."""
    yield
    torch.use_deterministic_algorithms(False)
