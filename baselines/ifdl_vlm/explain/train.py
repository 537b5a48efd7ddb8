"""Training of the explainer, on tampered images with their true masks and explanations."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import set_seed
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from baselines.common.config import from_yaml, to_yaml
from baselines.common.data import decoded, held_out, load_level
from baselines.common.export import METHOD, WEIGHTS
from baselines.common.loop import CONFIG, LOSSES
from baselines.common.schedule import rate
from baselines.ifdl_vlm.explain.answer import write
from baselines.ifdl_vlm.explain.config import ExplainConfig
from baselines.ifdl_vlm.explain.model import Explainer
from forgebench import Explanation
from forgebench.errors import InputError, NotFoundError

FOLDER = "explain"
"""In a run of stage 1: stage 2."""


@dataclass(frozen=True)
class Case:
    """A tampered image whose truth is explained."""

    sample_id: str
    group: str
    image: NDArray[np.uint8]
    """Shape (H, W, 3)."""
    mask: NDArray[np.bool_]
    """Shape (H, W)."""
    explanation: Explanation


def cases(benchmark: str | Path, split: str) -> Iterator[Case]:
    """The tampered samples of a split that have a mask and an explanation."""
    rows = load_level(benchmark, "pixel", split)
    explained = rows["explanation"]
    for index, explanation in enumerate(explained):
        if not explanation or not explanation["type"] or (row := rows[index])["mask"] is None:
            continue
        image, mask = decoded(row["image"]["bytes"], "RGB"), decoded(row["mask"]["bytes"], "L") > 127
        fields = {name: explanation[name] or "" for name in ("type", "area", "content", "evidence")}
        yield Case(row["sample_id"], row["group"], image, mask, Explanation(**fields))  # type: ignore[typeddict-item]


def train(
    config: ExplainConfig, benchmark: str | Path, run: str | Path, *, split: str = "train",
    say: Callable[[str], None] = print,
) -> Explainer:  # fmt: skip
    """Train stage 2 beside an exported stage 1; `forgebench predict RUN …` then explains, too.

    Args:
        config: Its configuration.
        benchmark: A built benchmark with explanations.
        run: The exported run of stage 1, in which `explain/` is made.
        split: What to learn from; a share of its groups is held out, and its loss told.
        say: Told a line an epoch.

    Raises:
        NotFoundError: If the run is not exported.
        InputError: If there is nothing to learn from.
    """
    run = Path(run)
    if not (run / METHOD).is_file():
        raise NotFoundError(f"Expected an exported run of ifdl-vlm at {run}. Make it with: python -m baselines train …")
    found = list(cases(benchmark, split))
    if not found:
        raise InputError(f"No tampered image of {benchmark}, split {split}, has both a mask and an explanation.")
    set_seed(config.training.seed)
    explainer = Explainer(config).to("cuda" if torch.cuda.is_available() else "cpu")
    out = held_out([case.group for case in found], config.training.validation_share, config.training.seed)
    rows = list(_epochs(explainer, found, np.flatnonzero(~out), np.flatnonzero(out), say))
    save(explainer, run, rows)
    return explainer


def _epochs(
    explainer: Explainer, found: list[Case], inside: NDArray[np.integer], outside: NDArray[np.integer],
    say: Callable[[str], None],
) -> Iterator[dict[str, float]]:  # fmt: skip
    training = explainer.config.training
    learner = _Learner(explainer, found)
    for epoch in range(training.epochs):
        order = np.random.default_rng([training.seed, epoch]).permutation(inside)
        batches = np.array_split(order, math.ceil(len(order) / training.batch_size))
        losses = [learner.step(batch, epoch + at / len(batches)) for at, batch in enumerate(batches)]
        row = {"epoch": epoch + 1, "loss": float(np.mean(losses)), "held_out_loss": learner.measure(outside)}
        say(f"epoch {epoch + 1}: loss {row['loss']:.4f}; held out {row['held_out_loss']:.4f}")
        yield row


class _Learner:
    """Steps of the optimizer; frozen features are computed once an image."""

    def __init__(self, explainer: Explainer, found: list[Case]) -> None:
        self.explainer, self.found, self.training = explainer, found, explainer.config.training
        self.features: dict[int, torch.Tensor] = {}
        trained = [one for one in explainer.parameters() if one.requires_grad]
        self.optimizer = torch.optim.AdamW(
            trained, self.training.learning_rate, self.training.betas, weight_decay=self.training.weight_decay
        )

    def step(self, batch: NDArray[np.integer], progress: float) -> float:
        self.explainer.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.training.learning_rate * rate(self.training, progress)
        loss = self._loss(batch)
        loss.backward()
        if self.training.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.explainer.parameters(), self.training.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    @torch.no_grad()
    def measure(self, batch: NDArray[np.integer]) -> float:
        """The mean loss of samples; NaN where there are none."""
        self.explainer.eval()
        size = self.training.batch_size
        parts = [batch[start : start + size] for start in range(0, len(batch), size)]
        return float(np.mean([float(self._loss(part)) for part in parts])) if parts else float("nan")

    def _loss(self, batch: NDArray[np.integer]) -> torch.Tensor:
        chosen = [self.found[int(index)] for index in batch]
        for index, case in zip(batch, chosen, strict=True):
            if int(index) not in self.features:
                self.features[int(index)] = self.explainer.see([case.image], [case.mask])[0].half().cpu()
        seen = torch.stack([self.features[int(index)] for index in batch])
        device = self.explainer.mean.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.training.precision == "bf16"):
            return self.explainer.loss(seen, [write(case.explanation) for case in chosen])


def save(explainer: Explainer, run: Path, rows: list[dict[str, float]]) -> None:
    """Write stage 2 into a run, and have `forgebench predict` use both stages."""
    folder = run / FOLDER
    folder.mkdir(exist_ok=True)
    temporary = folder / f"{WEIGHTS}.partial"
    save_file(explainer.kept_state(), str(temporary))
    temporary.replace(folder / WEIGHTS)
    (folder / CONFIG).write_text(to_yaml(explainer.config), encoding="utf-8")
    with (folder / LOSSES).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["epoch", "loss", "held_out_loss"])
        writer.writeheader()
        writer.writerows(rows)
    facts: dict[str, Any] = json.loads((run / METHOD).read_text(encoding="utf-8"))
    facts["factory"] = "baselines.ifdl_vlm.explain.predictor:load"
    (run / METHOD).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def load_explainer(run: str | Path) -> Explainer:
    """Stage 2 of a run.

    Raises:
        NotFoundError: If the run has none.
        InputError: If it cannot be used.
    """
    folder = Path(run) / FOLDER
    if not (folder / WEIGHTS).is_file():
        raise NotFoundError(f"{run} has no stage 2. Make it with: python -m baselines explain-train {run} --data BENCH")
    config = from_yaml(ExplainConfig, (folder / CONFIG).read_text(encoding="utf-8"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        explainer = Explainer(config)
    try:
        explainer.load_kept_state(load_file(str(folder / WEIGHTS)))
    except (RuntimeError, OSError) as error:
        raise InputError(f"{folder / WEIGHTS} cannot be used: {error}") from error
    return explainer.eval()
