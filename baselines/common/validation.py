"""Validation on a held-out share of the training split, with the metric module's own counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from numpy.typing import NDArray

from baselines.common.data import Samples
from baselines.common.method import Model
from forgebench.metrics import DEFINITIONS
from forgebench.metrics.torch import PixelAccumulator


@dataclass(frozen=True)
class Validated:
    """Numbers of the definition `forgebench` on the held-out share."""

    numbers: Mapping[str, float]
    epoch: int
    """After which they were measured, from 1; -1 where nothing was."""


def validate(
    model: Model, samples: Samples, members: NDArray[np.integer], batch_size: int, accelerator: Accelerator
) -> dict[str, float]:
    """Numbers over samples, gathered from all processes; NaN where undefined, none without samples.

    Masks are compared at the network's size: this chooses a checkpoint, and is no score. The model is calibrated by
    the same samples afterwards; the numbers are those before.
    """
    held = PixelAccumulator()
    said: list[tuple[float, bool]] = []
    model.eval()
    model.calibrate([], [])
    with torch.no_grad(), accelerator.autocast():
        for start in range(0, len(members), batch_size):
            batch = samples.collate([samples[int(index)] for index in members[start : start + batch_size]])
            batch = batch.to(accelerator.device)
            output = model.predict(batch.images)
            heat = torch.nn.functional.interpolate(output.mask.float(), batch.images.shape[-2:], mode="bilinear")
            held.update(heat[:, 0].clamp(0, 1), truth_of(batch), score=output.score.float(), tampered=batch.labels)
            said += zip(output.score.float().tolist(), (batch.labels > 0).tolist(), strict=True)
    said = gather_object(said)
    model.calibrate([score for score, _ in said], [label for _, label in said])
    model.train()
    if not len(samples) or (not len(members) and accelerator.num_processes == 1):
        return {}
    return held.compute()


def truth_of(batch: object) -> list[torch.Tensor | None]:
    """The masks where the level shows them; else none, and pixel metrics are undefined."""
    masks, known = getattr(batch, "masks", None), getattr(batch, "has_mask", None)
    if masks is None or known is None:
        return [None] * len(batch)  # type: ignore[arg-type]
    return [mask[0] if there else None for mask, there in zip(masks, known.tolist(), strict=True)]


def better(new: Validated, old: Validated, metric: str) -> bool:
    """Whether a metric is better than before; a number is better than none."""
    ours, theirs = new.numbers.get(metric, float("nan")), old.numbers.get(metric, float("nan"))
    if isnan(ours) or isnan(theirs):
        return isnan(theirs)
    higher = DEFINITIONS["forgebench"].metric(metric).higher_is_better
    return ours > theirs if higher else ours < theirs
