"""Both stages: masks and scores of the first, and an explanation of what it calls tampered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from baselines.common import predictor
from baselines.ifdl_vlm.explain.answer import parse
from baselines.ifdl_vlm.explain.model import Explainer
from baselines.ifdl_vlm.explain.train import load_explainer
from forgebench import Prediction, Sample

_TAMPERED, _MASKED = 0.5, 127


def load(folder: str | Path, device: str | None = None) -> ExplainingPredictor:
    """The predictor of a run that has both stages; `forgebench predict RUN …` calls it.

    Raises:
        NotFoundError: If something of the folder is missing.
        InputError: If it cannot be used.
    """
    return ExplainingPredictor(predictor.load(folder, device), load_explainer(folder))


class ExplainingPredictor:
    """Predictions with explanations.

    Args:
        first: Stage 1.
        explainer: Stage 2.
    """

    def __init__(self, first: predictor.Predictor, explainer: Explainer) -> None:
        self.first, self.explainer = first, explainer.to(first.device)
        self.name, self.supervision, self.batch_size = f"{first.name}-explained", first.supervision, first.batch_size
        self.malformed = 0
        """Answers without the form, which are left out."""

    def predict(self, samples: Sequence[Sample]) -> Iterator[Prediction]:
        """One prediction a sample; an explanation where the score is above a half and the answer has the form."""
        found = list(self.first.predict(samples))
        chosen = [index for index, one in enumerate(found) if one.score > _TAMPERED]
        if chosen:
            masks = [None if (mask := found[index].mask) is None else mask > _MASKED for index in chosen]
            seen = self.explainer.see([samples[index].image for index in chosen], masks)
            for index, text in zip(chosen, self.explainer.answer(seen), strict=True):
                explanation = parse(text)
                self.malformed += explanation is None
                found[index] = replace(found[index], explanation=explanation)
        yield from found
