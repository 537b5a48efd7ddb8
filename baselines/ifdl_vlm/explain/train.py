"""Training of the explainer, on tampered images with their true masks and explanations."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import gather_object
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from baselines.common import checkpoint
from baselines.common.checkpoint import BEST
from baselines.common.config import from_yaml
from baselines.common.export import METHOD, WEIGHTS
from baselines.common.loop import CONFIG, Trained, train_task
from baselines.common.task import Task
from baselines.ifdl_vlm.explain.cases import Cases
from baselines.ifdl_vlm.explain.config import ExplainConfig
from baselines.ifdl_vlm.explain.model import Explainer
from forgebench.errors import InputError, NotFoundError

FOLDER = "explain"
"""In a run of stage 1: stage 2."""


def train(
    config: ExplainConfig, benchmark: str | Path, run: str | Path, *, split: str = "train", resume: bool = False,
    stop_after: int | None = None, say: Callable[[str], None] = print,
) -> Trained:  # fmt: skip
    """Train stage 2 beside an exported stage 1; `forgebench predict RUN …` then explains, too.

    Args:
        config: Its configuration.
        benchmark: A built benchmark with explanations.
        run: The exported run of stage 1, in which `explain/` is made, a run of its own.
        split: What to learn from; a share of its groups is held out, and its loss told.
        resume: Go on from the last checkpoint.
        stop_after: Stop after so many batches in all, as a kill would; nothing is exported then.
        say: Told a line an epoch.

    Raises:
        NotFoundError: If the run is not exported.
        InputError: If there is nothing to learn from, or `explain/` is taken.
    """
    run = Path(run)
    if not (run / METHOD).is_file():
        raise NotFoundError(f"Expected an exported run of ifdl-vlm at {run}. Make it with: python -m baselines train …")
    if config.training.select_by:
        raise InputError(f"Stage 2 keeps its last weights: select_by must be empty, not {config.training.select_by!r}.")
    trained = train_task(
        lambda: _task(config, benchmark, split), config, run / FOLDER, resume=resume, stop_after=stop_after, say=say
    )
    if trained.epochs == config.training.epochs and PartialState().is_main_process:
        export(run)
    return trained


def _task(config: ExplainConfig, benchmark: str | Path, split: str) -> Task:
    found = Cases(benchmark, split)
    if not len(found):
        raise InputError(f"No tampered image of {benchmark}, split {split}, has both a mask and an explanation.")
    explainer = Explainer(config)

    def measure(members: NDArray[np.integer], accelerator: Accelerator) -> dict[str, float]:
        return held_out_loss(explainer, found, members, accelerator)

    about = {"method": "ifdl-vlm, stage 2", "level": "pixel"}
    return Task(about, found, explainer, measure, lambda new, old: True, ("loss",), "loss")


@torch.no_grad()
def held_out_loss(
    explainer: Explainer, found: Cases, members: NDArray[np.integer], accelerator: Accelerator
) -> dict[str, float]:
    """The mean loss of samples, gathered from all processes; no number where there are none."""
    explainer.eval()
    size = explainer.config.training.batch_size
    parts = [members[start : start + size] for start in range(0, len(members), size)]
    with accelerator.autocast():
        losses = [(float(explainer.told([found[int(i)] for i in part])), len(part)) for part in parts]
    explainer.train()
    gathered = gather_object(losses)
    count = sum(many for _, many in gathered)
    return {"loss": sum(loss * many for loss, many in gathered) / count} if count else {}


def export(run: Path) -> None:
    """Write stage 2's weights beside its checkpoints, and have `forgebench predict` use both stages."""
    folder = run / FOLDER
    temporary = folder / f"{WEIGHTS}.partial"
    save_file(checkpoint.load(folder / BEST)["model"], str(temporary))
    temporary.replace(folder / WEIGHTS)
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
