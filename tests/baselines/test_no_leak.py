"""A label is never made of a mask: what learns from images learns the same where all masks lie."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import forgebench
from baselines.common.config import Data
from baselines.common.data import Samples
from baselines.common.loop import train
from baselines.common.registry import METHODS, get
from forgebench.schema import LEVELS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

OF_IMAGES = [name for name in METHODS if get(name).level == "image"]


@pytest.fixture(scope="module")
def lying(bench, tmp_path_factory):
    """The same pictures with masks that say the opposite."""
    folder = tmp_path_factory.mktemp("lying")
    shutil.copytree(bench.parent / "in", folder / "in")
    for path in (folder / "in" / "masks").glob("*.png"):
        with Image.open(path) as image:
            turned = ~np.asarray(image.convert("1"))
        Image.fromarray(turned).save(path)
    forgebench.build("folder", folder / "in", folder / "benchmark", workers=1)
    return folder / "benchmark"


def whole(bench, level):
    samples = Samples(bench, level, Data(size=32), split="test")
    return samples.collate([samples[index] for index in range(len(samples))])


@pytest.mark.parametrize("level", list(LEVELS))
def test_masks_that_lie_change_nothing_at_the_level_of_images(bench, lying, level):
    told, lied = whole(bench, level), whole(lying, level)
    fields = [name for name, value in vars(told).items() if isinstance(value, torch.Tensor)]
    differing = [name for name in fields if not torch.equal(getattr(told, name), getattr(lied, name))]
    expected = {"image": [], "box": [], "scribble": ["scribbles"], "pixel": ["scribbles", "masks"]}
    assert differing == expected[level]
    if level == "box":
        assert not all(torch.equal(a, b) for a, b in zip(told.boxes, lied.boxes, strict=True))


@pytest.mark.parametrize("name", OF_IMAGES)
def test_what_learns_from_images_learns_the_same_from_masks_that_lie(name, bench, lying, tmp_path):
    method = get(name)
    for run, folder in (("told", bench), ("lied", lying)):
        train(method, method.presets["tiny"], folder, tmp_path / run, split="test", stop_after=3)
    told, lied = (torch.load(tmp_path / run / "last.pt", weights_only=True)["model"] for run in ("told", "lied"))
    assert all(torch.equal(told[part], lied[part]) for part in told)
