"""A method to make reports of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import lookalikes
import numpy as np

from forgebench import Prediction, Sample

HOSTILE = """A & "B" 'C' {{ 7 * 7 }} %{x} &lt;script&gt;"""
"""A method's name made of all that a manifest lets through and a page could trip over."""


@dataclass(frozen=True)
class Seer:
    """A method that knows the truth, and says it through noise."""

    truths: lookalikes.Truths
    name: str = HOSTILE
    supervision: str = "pixel"
    masks: bool = True

    def predict(self, samples: Sequence[Sample]) -> Iterable[Prediction]:
        for sample in samples:
            rng = np.random.default_rng(list(sample.sample_id.encode()))
            truth = self.truths[sample.sample_id].mask
            noisy = np.clip(rng.normal(60 + 100 * truth, 45), 0, 255).astype(np.uint8)
            score = float(np.clip(rng.normal(0.4 + 0.2 * truth.any(), 0.15), 0, 1))
            yield Prediction(sample.sample_id, score, noisy if self.masks else None)
