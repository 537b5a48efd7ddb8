"""CLIP without any training: does a patch look more like "a fake photo" or "a real photo"?"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.nn import functional

from baselines.common.config import Data, EncoderConfig, Training
from baselines.common.data import Batch
from baselines.common.encoders import load_encoders
from baselines.common.method import Model, Output, Progress
from baselines.common.mil import top_mean
from baselines.common.predictor import Predictor
from forgebench.errors import InputError

_CLIP = "openai/clip-vit-base-patch16"
_PROMPTS = ("a real photo", "a fake photo")
_TEMPERATURE = 0.01
"""CLIP's own."""


class ZeroShot(Model):
    """CLIP's towers, and two sentences."""

    texts: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.vision, self.text = load_encoders(config)
        none = self.text.embed([])
        with torch.no_grad():
            sentences = [self.text(self.text.sentence(none, prompt, none)[None]) for prompt in _PROMPTS]
        self.register_buffer("texts", functional.normalize(torch.cat(sentences), dim=-1), persistent=False)

    def losses(self, batch: Batch, progress: Progress) -> dict[str, Tensor]:
        """There is nothing to train.

        Raises:
            InputError: Always.
        """
        raise InputError("Zero-shot CLIP is not trained: predict with baselines.predecessors.zero_shot:clip")

    def predict(self, images: Tensor) -> Output:
        """See `Model`."""
        features = self.vision(images)
        cosine = functional.normalize(features.dense, dim=-1) @ self.texts.T
        fake = (cosine / _TEMPERATURE).softmax(dim=-1)[..., 1]
        return Output(fake.unflatten(1, features.grid)[:, None], top_mean(fake))


def clip(name: str | Path = _CLIP, device: str | None = None) -> Predictor:
    """Zero-shot CLIP, for `forgebench predict baselines.predecessors.zero_shot:clip`.

    Args:
        name: A Hub name, or a folder with CLIP's weights and tokenizer.
        device: Where it runs.

    Raises:
        InputError: If the weights cannot be loaded: random ones would be no zero-shot.
    """
    encoder = EncoderConfig(name=str(name))
    about = SimpleNamespace(data=Data(size=224), training=Training(epochs=0, batch_size=16, learning_rate=0.0))
    return Predictor("clip-zero-shot", "zero-shot", about, ZeroShot(encoder), device)
