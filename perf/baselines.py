"""Training and prediction on a vision transformer against the transformer alone, and the wait for the loader."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import forgebench
from baselines.common.config import override
from baselines.common.data import Batch
from baselines.common.encoders import VisionEncoder
from baselines.common.loop import train
from baselines.common.method import Model, Progress
from baselines.common.predictor import Predictor
from baselines.common.registry import get
from forgebench.demo import PHOTOS
from perf.common import in_turn, machine, peak_mb, smooth, table

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
PRECISION = "bf16" if DEVICE == "cuda" else "no"
SIDE = 512
"""Of the images that are predicted, pixels."""


class Case(NamedTuple):
    """A method as it is measured: weights are random, their sizes are real."""

    preset: str
    settings: Mapping[str, str]
    trained: bool
    """Whether gradients go through the backbone: then they do in what it is compared with."""


_VIT_S = {
    "encoder.name": "''", "encoder.width": "384", "encoder.depth": "12", "encoder.heads": "6", "encoder.patch": "14",
    "encoder.image_size": "518",
}  # fmt: skip
CASES = {
    "linear-probe": Case("small", _VIT_S, trained=False),
    "vilaco": Case("small", _VIT_S, trained=False),
    "sapl": Case("small", _VIT_S, trained=False),
    "sapl with LoRA": Case("small", _VIT_S | {"encoder.lora_rank": "8"}, trained=True),
}


def _backbone(model: Model, config: Any) -> nn.Module:  # noqa: ANN401
    """The backbone alone, as its own library has it."""
    trained = any(parameter.requires_grad for parameter in _vision(model).tower.parameters())
    return VisionEncoder(replace(config.encoder, lora_rank=0, train=trained)).tower.to(DEVICE)


def _vision(model: Model) -> VisionEncoder:
    return next(one for one in model.modules() if isinstance(one, VisionEncoder))


def _forward(backbone: nn.Module, images: Tensor) -> Tensor:
    return backbone(images).last_hidden_state


def _timed(function: Callable[[], object]) -> Callable[[], object]:
    """The function within autocast, ended when the device has ended."""

    def run() -> None:
        with torch.autocast(DEVICE, torch.bfloat16, enabled=PRECISION == "bf16"):
            function()
        if DEVICE == "cuda":
            torch.cuda.synchronize()

    return run


def _batch(size: int, count: int) -> Batch:
    rng = np.random.default_rng(0)
    pictures = np.stack([[smooth(rng, size, size) for _ in range(3)] for _ in range(count)])
    images = torch.from_numpy(pictures).float() / 255
    labels = (torch.arange(count) % 2).float()
    heat = (images[:, :1] > 0.7).float() * labels.view(-1, 1, 1, 1)
    names = [str(index) for index in range(count)]
    return Batch(names, images, labels, torch.ones_like(heat) > 0, targets=heat).to(DEVICE)


def _training(model: Model, backbone: nn.Module, config: Any, trained: bool, repeats: int) -> tuple[float, float]:  # noqa: ANN401
    """Seconds of the backbone's own pass over a batch, and of a whole step."""
    batch = _batch(config.data.size, config.training.batch_size)
    optimizer = torch.optim.AdamW(model.parameter_groups(config.training), lr=1e-5)
    progress = Progress(config.training.epochs / 2, config.training.epochs, 1, 2)  # past every warm-up

    def alone() -> None:
        with torch.set_grad_enabled(trained):
            made = _forward(backbone, batch.images)
        if trained:
            made.float().square().mean().backward()
            backbone.zero_grad(set_to_none=True)

    def step() -> None:
        terms = model.losses(batch, progress)
        torch.stack([term.float() for term in terms.values()]).sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        model.after_step(batch, progress)

    model.train()
    return in_turn(_timed(alone), _timed(step), repeats)


def _prediction(model: Model, backbone: nn.Module, config: Any, repeats: int) -> tuple[float, float]:  # noqa: ANN401
    """Seconds of the backbone's forward over a batch, and of predictions from pixels to maps of the images' size."""
    count, rng = config.training.batch_size, np.random.default_rng(0)
    images = _batch(config.data.size, count).images
    photographs = [np.stack([smooth(rng, SIDE, SIDE)] * 3, axis=2) for _ in range(count)]
    samples = [forgebench.Sample(str(i), b"", image, SIDE, SIDE) for i, image in enumerate(photographs)]
    predictor = Predictor("timed", "image", config, model, DEVICE)
    backbone.eval()
    alone = torch.inference_mode()(lambda: _forward(backbone, images))
    return in_turn(_timed(alone), _timed(lambda: list(predictor.predict(samples))), repeats)


def _waiting(name: str, config: Any, root: Path) -> float:  # noqa: ANN401
    """The share of an epoch's time that is spent waiting for one process that decodes photographs ahead."""
    forgebench.synthesize(PHOTOS, root / "bench", n=96, workers=1)
    made = replace(config, training=replace(config.training, epochs=1, workers=1, precision=PRECISION))
    return train(get(name), made, root / "bench", root / "run", split="test").waiting


def measure(name: str, repeats: int) -> None:
    """Print what a method takes."""
    torch.set_num_threads(1)
    method, case = get(name.split()[0]), CASES[name]
    made = override(method.presets[case.preset], case.settings)
    config = replace(made, training=replace(made.training, precision=PRECISION))
    model = method.build(config).to(DEVICE)
    backbone = _backbone(model, config)
    count, size = config.training.batch_size, config.data.size
    floor, step = _training(model, backbone, config, case.trained, repeats)
    forward, predict = _prediction(model, backbone, config, repeats)
    passes = "forward and backward" if case.trained else "forward, for it is frozen"
    rows = [
        (f"the backbone alone, {passes}", f"{count / floor:.1f} images/s"),
        ("a training step", f"{count / step:.1f} images/s"),
        ("share of the backbone's speed", f"{floor / step:.2f}"),
        ("the backbone's forward", f"{count / forward:.1f} images/s"),
        (f"prediction of images of {SIDE}×{SIDE}, maps of their size", f"{count / predict:.1f} images/s"),
        ("share of the backbone's speed", f"{forward / predict:.2f}"),
    ]
    with tempfile.TemporaryDirectory() as root:
        rows.append(("waiting for one loader process", f"{_waiting(method.name, config, Path(root)):.1%}"))
    rows.append(("peak memory", f"{peak_mb():.0f} MB"))
    if DEVICE == "cuda":
        rows.append(("peak memory of the GPU", f"{torch.cuda.max_memory_allocated() / 2**20:.0f} MB"))
    where = torch.cuda.get_device_name() if DEVICE == "cuda" else machine()
    table(f"{name}: {size} pixels, batches of {count}, precision {PRECISION} ({where})", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *CASES], default=[])
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    if len(asked.names) == 1:
        measure(asked.names[0], asked.repeats)
    for one in (asked.names or CASES) if len(asked.names) != 1 else ():
        # Each in a process of its own: memory is the most that the process has held.
        command = [sys.executable, "-m", "perf.baselines", one, "--repeats", str(asked.repeats)]
        subprocess.run(command, check=True)
