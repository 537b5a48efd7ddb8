"""Training steps and prediction of the baselines against their backbone's own passes, and the time spent waiting."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import forgebench
from baselines.common.config import override
from baselines.common.data import Batch
from baselines.common.loop import train
from baselines.common.method import Model, Progress
from baselines.common.predictor import Predictor
from baselines.common.registry import get
from forgebench import Sample
from forgebench.demo import PHOTOS
from perf.common import in_turn, machine, peak_mb, table

REAL = ("encoder.width=384", "encoder.depth=12", "encoder.heads=6", "encoder.patch=14", "encoder.image_size=224")
"""Random weights of DINOv2-S's size: speed does not depend on what they say."""
BATCH, SIZE = 8, 224


def main() -> None:
    """Measure methods that have a vision transformer as their backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("methods", nargs="*", help="those named; vilaco, sapl, coop and linear-probe unless said")
    given = parser.parse_args()
    print(machine())
    for name in given.methods or ("vilaco", "sapl", "coop", "linear-probe"):
        table(f"{name}, {SIZE} pixels, batches of {BATCH}, one core", _rows(name))
    table("The loader", [("share of a training run that waits for it, 2 workers", f"{waiting():.1%}")])
    print(f"\nPeak memory: {peak_mb():.0f} MB")


def _rows(name: str) -> list[tuple[str, str]]:
    model = _built(name)
    backbone = model.vision if hasattr(model, "vision") else model.encoder
    images = torch.rand(BATCH, 3, SIZE, SIZE)
    batch = Batch([str(i) for i in range(BATCH)], images, torch.arange(BATCH) % 2 * 1.0, images[:, :1] > -1)
    predictor = Predictor(name, "image", _config(name), model, "cpu")
    samples = [Sample(str(i), b"", np.zeros((SIZE, SIZE, 3), np.uint8), SIZE, SIZE) for i in range(BATCH)]

    def forward() -> None:
        with torch.inference_mode():
            backbone(images)

    def both_ways() -> None:
        backbone.zero_grad()
        backbone(images).dense.sum().backward()

    def train_step() -> None:
        model.zero_grad()
        torch.stack([one.float() for one in model.losses(batch, Progress(1.0, 2, 1, 2)).values()]).sum().backward()

    # All that a frozen backbone does in training is its forward pass.
    alone, predicted = in_turn(forward, lambda: list(predictor.predict(samples)), repeats=3)
    trained_alone, trained = in_turn(forward if backbone.frozen else both_ways, train_step, repeats=3)
    return [
        ("backbone's forward pass", f"{BATCH / alone:.1f} images/s"),
        ("prediction, resizing included", f"{BATCH / predicted:.1f} images/s"),
        ("ratio", f"{alone / predicted:.2f}"),
        (f"backbone's part of a training step ({'frozen' if backbone.frozen else 'trained'})",
         f"{BATCH / trained_alone:.1f} images/s"),
        ("training step", f"{BATCH / trained:.1f} images/s"),
        ("ratio", f"{trained_alone / trained:.2f}"),
    ]  # fmt: skip


def _config(name: str) -> object:
    none = "''"
    changes = dict(one.split("=") for one in REAL) | {"encoder.name": none, "encoder.cache": none}
    changes["data.size"] = str(SIZE)
    small = get(name).presets["small"]
    return override(replace(small, training=replace(small.training, batch_size=BATCH)), changes)


def _built(name: str) -> Model:
    torch.manual_seed(0)
    return get(name).build(_config(name)).train()


def waiting() -> float:
    """The share of a short training run that waits for pictures."""
    with tempfile.TemporaryDirectory() as folder:
        bench = forgebench.synthesize(PHOTOS, Path(folder) / "bench", n=48, recipe="demo", workers=2)
        config = override(_config("linear-probe"), {"training.workers": "2", "training.epochs": "1"})
        return train(get("linear-probe"), config, bench.path, Path(folder) / "run", split="test").waiting


if __name__ == "__main__":
    main()
